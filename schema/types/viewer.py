"""Who asks, and what they need not try."""

from datetime import datetime

import strawberry

from schema.types.enums import ActorKind, Scope


@strawberry.type(description="A query, mutation or subscription that the caller may not use.")
class RefusedField:
    name: str = strawberry.field(description="As it is called in the schema.")
    reason: str = strawberry.field(description="What the caller would be told, for people to read.")


@strawberry.type(description="Whoever asks, by the credentials that were sent.")
class Viewer:
    kind: ActorKind
    name: str = strawberry.field(description="The key's name, or the customer.")
    scopes: list[Scope]
    entity_id: str | None = strawberry.field(description="Of a customer token: the one customer that it is about.")
    expires_at: datetime | None = strawberry.field(description="When the session, the token or the key ends.")
    refused: list[RefusedField] = strawberry.field(
        description="What is not for this caller. Everything else is, within the limits of a customer token."
    )
