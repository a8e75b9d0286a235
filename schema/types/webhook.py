from datetime import datetime
from typing import Any, Self

import strawberry

from schema.types.enums import Provider, WebhookEventState
from schema.types.errors import UserError


@strawberry.type(description="An event as a provider sent it, stored once, and what became of it.")
class WebhookEvent:
    id: strawberry.ID
    received_at: datetime
    provider: Provider
    event_id: str = strawberry.field(description="The provider's id of it.")
    type: str = strawberry.field(description="As the provider names it: `payment_intent.succeeded`.")
    state: WebhookEventState
    attempts: int = strawberry.field(description="How often it was taken up.")
    last_error: str | None = strawberry.field(description="Why it is not handled yet, or never will be as things are.")
    next_attempt_at: datetime | None = strawberry.field(description="Null once it has come to an end.")
    occurred_at: datetime = strawberry.field(description="By the provider's clock.")
    handled_at: datetime | None
    payload: str = strawberry.field(description="The body as it came, JSON.")
    entity_id: str | None = strawberry.field(description="Whose it is, by your own id; null until that is known.")

    COLUMNS = (
        "id",
        "received_at",
        "provider",
        "event_id",
        "type",
        "state",
        "attempts",
        "last_error",
        "next_attempt_at",
        "occurred_at",
        "handled_at",
        "payload",
        "customer__entity_id",
    )

    @classmethod
    def from_row(cls, row: tuple[Any, ...]) -> Self:
        return cls(**dict(zip(cls.COLUMNS[:-1], row[:-1], strict=True)), entity_id=row[-1])


@strawberry.input(description="Which event.")
class ReplayWebhookEventInput:
    id: strawberry.ID
    idempotency_key: str | None = strawberry.field(
        default=None, description="The same key again changes nothing; with another id it is refused."
    )


@strawberry.type(description="The event as it stands, waiting to be processed again.")
class ReplayWebhookEventPayload:
    event: WebhookEvent | None = None
    user_errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type(description="How many events wait to be processed again.")
class ReplayDeadWebhookEventsPayload:
    replayed: int = strawberry.field(description="How many events will be handled again.")
