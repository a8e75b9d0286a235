from datetime import datetime

import strawberry

from schema.types.errors import UserError


@strawberry.input(description="For which customer, and for how long.")
class MintCustomerTokenInput:
    entity_id: str
    ttl_seconds: int = strawberry.field(default=900, description="From 60 to 3600.")


@strawberry.type(description="A token for a customer's own browser.")
class MintCustomerTokenPayload:
    token: str | None = strawberry.field(
        default=None,
        description="Sent as a bearer token, it sees this customer and no other. Null when it was refused.",
    )
    expires_at: datetime | None = None
    user_errors: list[UserError] = strawberry.field(default_factory=list)
