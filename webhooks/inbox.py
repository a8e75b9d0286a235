"""The inbox: an event is stored once, taken up by one worker at a time, and left alone when its end is written.

A worker holds an event for as long as its lease lasts, under the number of its attempt. Whoever lost the lease finds
another number there and writes nothing: taking the event's end and its effects happen in one transaction.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from random import SystemRandom
from typing import Self

from tortoise.backends.base.client import BaseDBAsyncClient

from integrations.inbound import BadPayload, Verified
from models import Provider, WebhookEvent, WebhookEventState
from models.ids import webhook_event_id
from telemetry.tracing import here

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 3600.0
LONGEST_WAIT_SECONDS = 300.0
FORGET_BATCH = 1000
LONGEST_REASON = 1000

_TYPE = re.compile(r"[A-Za-z0-9_.]{1,128}")
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

_random = SystemRandom()

_COLUMNS = (
    "id, provider, event_id, type, provider_customer_id, payload, occurred_at, received_at, next_attempt_at, "
    "trace_parent, state, attempts"
)
_ROW = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'PENDING', 0)"
# One statement text for batches of all sizes.
_ROWS_OF_ARRAYS = """
SELECT *, 'PENDING', 0 FROM unnest(
    $1::varchar[], $2::varchar[], $3::varchar[], $4::varchar[], $5::varchar[], $6::text[],
    $7::timestamptz[], $8::timestamptz[], $9::timestamptz[], $10::varchar[]
)
"""
_UNLESS_STORED = "ON CONFLICT (provider, event_id) DO NOTHING RETURNING id"

# Events of one customer wait for each other, so that two workers seldom look at the same rows.
_CLAIM = """
UPDATE webhook_event SET leased_until = ?, attempts = attempts + 1
WHERE id = (
    SELECT due.id FROM webhook_event AS due
    WHERE due.state = 'PENDING' AND due.next_attempt_at <= ?
      AND (due.leased_until IS NULL OR due.leased_until <= ?)
      AND (due.provider_customer_id IS NULL OR due.provider_customer_id NOT IN (
          SELECT held.provider_customer_id FROM webhook_event AS held
          WHERE held.leased_until > ? AND held.provider_customer_id IS NOT NULL
      ))
    ORDER BY due.next_attempt_at LIMIT 1 {skip_locked}
)
RETURNING id, provider, event_id, type, provider_customer_id, payload, received_at, attempts, trace_parent
"""


class LeaseLost(Exception):  # noqa: N818  named for what happened, as all our errors
    """Another worker has the event, or it has ended: what was about to be written must not be."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A verified event, as it is stored. `customer_id` is the provider's name for whose it is."""

    provider: Provider
    event_id: str
    type: str
    customer_id: str | None
    payload: str
    occurred_at: datetime
    trace_parent: str | None = field(default_factory=here)

    @classmethod
    def of(cls, provider: Provider, event: Verified, payload: str) -> Self:
        """Raises `BadPayload` for what no provider calls a type or a customer, and no column could hold."""
        if not _TYPE.fullmatch(event.type):
            raise BadPayload("type is not an identifier")
        if event.customer_id is not None and not _ID.fullmatch(event.customer_id):
            raise BadPayload("the customer is not an identifier")
        return cls(provider, event.event_id, event.type, event.customer_id, payload, event.created)


@dataclass(frozen=True, slots=True)
class Claimed:
    id: str
    provider: Provider
    event_id: str
    type: str
    customer_id: str | None
    payload: bytes
    received_at: datetime
    attempt: int
    trace_parent: str | None


async def store(arrivals: Sequence[Arrival], *, at: datetime) -> list[bool]:
    """Which of them were new. One statement, committed when this returns: all of them are stored, or none."""
    rows = [_row(arrival, at) for arrival in arrivals]
    connection = WebhookEvent._meta.db
    if connection.capabilities.dialect == "sqlite":
        source, values = f"VALUES {', '.join([_ROW] * len(rows))}", list(chain.from_iterable(rows))
    else:
        source, values = _ROWS_OF_ARRAYS, [list(column) for column in zip(*rows, strict=True)]
    new = await connection.execute_query_dict(
        f"INSERT INTO webhook_event ({_COLUMNS}) {source} {_UNLESS_STORED}",
        values,
    )
    stored = {row["id"] for row in new}
    return [row[0] in stored for row in rows]


def _row(arrival: Arrival, at: datetime) -> tuple[object, ...]:
    return (
        webhook_event_id(),
        arrival.provider.value,
        arrival.event_id,
        arrival.type,
        arrival.customer_id,
        arrival.payload,
        arrival.occurred_at,
        at,
        at,
        arrival.trace_parent,
    )


async def claim(*, at: datetime, lease: timedelta) -> Claimed | None:
    """Take up the event that has been due for longest, if any is."""
    connection = WebhookEvent._meta.db
    rows = await connection.execute_query_dict(_for(connection, _CLAIM), [at + lease, at, at, at])
    if not rows:
        return None
    row = rows[0]
    return Claimed(
        id=row["id"],
        provider=Provider(row["provider"]),
        event_id=row["event_id"],
        type=row["type"],
        customer_id=row["provider_customer_id"],
        payload=row["payload"].encode(),
        received_at=_instant(row["received_at"]),
        attempt=row["attempts"],
        trace_parent=row["trace_parent"],
    )


async def finish(
    event: Claimed, state: WebhookEventState, *, at: datetime, customer_id: str | None = None, reason: str | None = None
) -> None:
    """Write the event's end. Raises `LeaseLost` when it is no longer ours to end.

    Called first in the transaction that has the effects: it locks the row, so they happen once.
    """
    ended = await _ours(
        event,
        state=state,
        handled_at=at,
        leased_until=None,
        next_attempt_at=None,
        last_error=reason and reason[:LONGEST_REASON],
        **({"customer_id": customer_id} if customer_id else {}),
    )
    if not ended:
        raise LeaseLost(event.id)


async def postpone(event: Claimed, *, at: datetime, reason: str) -> None:
    await _ours(
        event,
        leased_until=None,
        next_attempt_at=at + timedelta(seconds=pause_seconds(event.attempt)),
        last_error=reason[:LONGEST_REASON],
    )


async def wait(event: Claimed, *, at: datetime, reason: str) -> None:
    """Postpone it without using up an attempt.

    The attempt's number is given out again, but never to two who hold it: whoever takes the event up next counts on.
    """
    await _ours(
        event,
        leased_until=None,
        next_attempt_at=at + timedelta(seconds=waiting_seconds(at - event.received_at)),
        last_error=reason[:LONGEST_REASON],
        attempts=event.attempt - 1,
    )


async def forget_handled(*, received_before: datetime) -> int:
    """Delete old events that ended well; one that a person has to look at stays."""
    old = (
        await WebhookEvent.filter(
            state__in=(WebhookEventState.DONE, WebhookEventState.IGNORED), received_at__lt=received_before
        )
        .order_by("received_at")
        .limit(FORGET_BATCH)
        .values_list("id", flat=True)
    )
    return await WebhookEvent.filter(id__in=old).delete() if old else 0


def pause_seconds(attempt: int) -> float:
    """Exponential, the upper half at random, so that what failed together does not come back together."""
    longest = min(FIRST_PAUSE_SECONDS * 2.0 ** min(attempt - 1, 20), LONGEST_PAUSE_SECONDS)
    return _random.uniform(longest / 2, longest)


def waiting_seconds(waited: timedelta) -> float:
    """The longer it has waited, the longer it waits on, for an operation may wait for its payer for a day."""
    longest = min(max(waited.total_seconds() / 4, FIRST_PAUSE_SECONDS), LONGEST_WAIT_SECONDS)
    return _random.uniform(longest / 2, longest)


async def _ours(event: Claimed, **values: object) -> int:
    return await WebhookEvent.filter(id=event.id, state=WebhookEventState.PENDING, attempts=event.attempt).update(
        **values
    )


def _for(connection: BaseDBAsyncClient, sql: str) -> str:
    """The statement in the connection's dialect."""
    if connection.capabilities.dialect == "sqlite":
        return sql.format(skip_locked="")
    numbered = "".join(part if number == 0 else f"${number}{part}" for number, part in enumerate(sql.split("?")))
    return numbered.format(skip_locked="FOR UPDATE SKIP LOCKED")


def _instant(value: datetime | str) -> datetime:
    """SQLite keeps instants as text."""
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)
