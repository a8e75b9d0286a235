from enum import StrEnum

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from models.customer import Customer
from models.ids import ID_LENGTH, webhook_event_id


class Provider(StrEnum):
    METRONOME = "METRONOME"
    STRIPE = "STRIPE"


class WebhookEventState(StrEnum):
    PENDING = "PENDING"
    DONE = "DONE"
    IGNORED = "IGNORED"
    PARKED = "PARKED"
    DEAD = "DEAD"


class WebhookEvent(Model):
    """One event as a provider sent it, stored once, and what became of it."""

    id = fields.CharField(max_length=ID_LENGTH, primary_key=True, default=webhook_event_id)
    provider = fields.CharEnumField(Provider, max_length=16)
    event_id = fields.CharField(max_length=255)
    type = fields.CharField(max_length=128)
    # Whose it is, as the provider names them; null where the event does not say.
    provider_customer_id = fields.CharField(max_length=64, null=True)
    payload = fields.TextField()
    occurred_at = fields.DatetimeField()
    received_at = fields.DatetimeField()
    state = fields.CharEnumField(WebhookEventState, max_length=16)
    # How often a worker took it up. Each of them holds the lease under its own number.
    attempts = fields.IntField(default=0)
    next_attempt_at = fields.DatetimeField(null=True)
    leased_until = fields.DatetimeField(null=True)
    last_error = fields.CharField(max_length=1000, null=True)
    handled_at = fields.DatetimeField(null=True)
    # Where the trace of its arrival goes on: a W3C traceparent.
    trace_parent = fields.CharField(max_length=55, null=True)
    customer: fields.ForeignKeyNullableRelation[Customer] = fields.ForeignKeyField(
        "models.Customer", related_name="webhook_events", on_delete=fields.RESTRICT, null=True
    )
    customer_id: str | None

    class Meta:
        table = "webhook_event"
        unique_together = (("provider", "event_id"),)
        indexes = (
            Index(fields=("state", "next_attempt_at")),
            Index(fields=("received_at", "id")),
            Index(fields=("customer_id", "received_at", "id")),
            Index(fields=("leased_until",)),
        )


class WebhookReplay(Model):
    """A caller's name for one request to handle an event again."""

    key = fields.CharField(max_length=255, primary_key=True)
    event: fields.ForeignKeyRelation[WebhookEvent] = fields.ForeignKeyField(
        "models.WebhookEvent", related_name="replays", on_delete=fields.CASCADE
    )
    event_id: str
    requested_at = fields.DatetimeField()

    class Meta:
        table = "webhook_replay"
        indexes = (Index(fields=("event_id",)),)


class EventCursor(Model):
    """How far a provider's own list of events was read, so that what never arrived is found."""

    provider = fields.CharField(max_length=16, primary_key=True)
    read_until = fields.DatetimeField()
    last_event_id = fields.CharField(max_length=255, null=True)

    class Meta:
        table = "event_cursor"
