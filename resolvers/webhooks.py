import strawberry

import models
from billing.errors import BillingError
from models.ids import ID_LENGTH
from operations.replay_webhooks import replay_dead, replay_event
from resolvers.pages import Order, one, page, searchable
from schema.context import Info
from schema.errors import user_errors
from schema.types.connection import After, Connection, First
from schema.types.enums import Provider, WebhookEventState
from schema.types.webhook import (
    ReplayDeadWebhookEventsPayload,
    ReplayWebhookEventInput,
    ReplayWebhookEventPayload,
    WebhookEvent,
)

NEWEST_BY_ARRIVAL = Order("received_at", descending=True)


@strawberry.input(description="All that is given must hold.")
class WebhookEventFilter:
    provider: Provider | None = None
    state: WebhookEventState | None = None
    type: str | None = strawberry.field(default=None, description="Exactly, as `payment_intent.succeeded`.")
    entity_id: str | None = strawberry.field(default=None, description="Of one customer, by your own id.")
    event_id: str | None = strawberry.field(default=None, description="The one event with the provider's id.")


async def webhook_events(
    first: First = 20,
    after: After = None,
    filter: WebhookEventFilter | None = None,  # noqa: A002  its name in the schema
) -> Connection[WebhookEvent]:
    query = models.WebhookEvent.filter(**_conditions(filter or WebhookEventFilter()))
    return await page(query, WebhookEvent, first=first, after=after, order=NEWEST_BY_ARRIVAL)


async def replay_webhook_event(info: Info, input: ReplayWebhookEventInput) -> ReplayWebhookEventPayload:  # noqa: A002  its name in the schema
    event_id = searchable(input.id, longest=ID_LENGTH)
    try:
        await replay_event(event_id, idempotency_key=input.idempotency_key, at=info.context.now())
    except BillingError as problem:
        return ReplayWebhookEventPayload(user_errors=user_errors(problem))
    row = await one(models.WebhookEvent.filter(id=event_id), WebhookEvent.COLUMNS)
    return ReplayWebhookEventPayload(event=WebhookEvent.from_row(row) if row else None)


async def replay_dead_webhook_events(info: Info) -> ReplayDeadWebhookEventsPayload:
    return ReplayDeadWebhookEventsPayload(replayed=await replay_dead(at=info.context.now()))


def _conditions(wanted: WebhookEventFilter) -> dict[str, object]:
    conditions = {
        "provider": wanted.provider,
        "state": wanted.state,
        "type": wanted.type and searchable(wanted.type),
        "customer__entity_id": wanted.entity_id and searchable(wanted.entity_id),
        "event_id": wanted.event_id and searchable(wanted.event_id, longest=255),
    }
    return {column: value for column, value in conditions.items() if value is not None}
