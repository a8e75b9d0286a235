"""The event log, and its hand-over to the webhooks."""

import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from mock_kit.courier import Endpoint
from mock_kit.courier import Event as OutgoingEvent
from mock_kit.ids import Ids
from mock_kit.moments import format_moment

MOST_EVENTS = 50_000

TYPES = (
    "customer.created",
    "customer.updated",
    "contract.created",
    "contract.updated",
    "contract.cancelled",
    "invoice.created",
    "invoice.paid",
    "invoice.failed",
    "credit.applied",
    "credit.expired",
)


@dataclass(frozen=True, slots=True)
class Event:
    id: str
    type: str
    timestamp: datetime
    customer_id: str
    data: Mapping[str, object]

    def report(self) -> dict[str, object]:
        return {
            "id": self.id,
            "type": self.type,
            "timestamp": format_moment(self.timestamp),
            "customer_id": self.customer_id,
            "data": self.data,
        }


class EventLog:
    """The oldest events are forgotten past a bound, as providers forget them with time."""

    def __init__(self, *, ids: Ids, publish: Callable[[OutgoingEvent], None]) -> None:
        self._ids = ids
        self._publish = publish
        self._events: dict[str, Event] = {}

    def emit(self, kind: str, *, customer_id: str, data: Mapping[str, object], at: datetime) -> None:
        event = Event(self._ids.uuid(), kind, at, customer_id, data)
        self._events[event.id] = event
        if len(self._events) > MOST_EVENTS:
            del self._events[next(iter(self._events))]
        body = json.dumps(event.report(), separators=(",", ":")).encode()
        self._publish(OutgoingEvent(event.id, kind, body))

    def __contains__(self, event_id: str) -> bool:
        return event_id in self._events

    def __len__(self) -> int:
        return len(self._events)

    def after(self, event_id: str | None) -> list[Event]:
        events = list(self._events.values())
        return events if event_id is None else events[events.index(self._events[event_id]) + 1 :]

    @property
    def state(self) -> dict[str, Event]:
        return dict(self._events)

    def restore(self, events: dict[str, Event]) -> None:
        self._events = dict(events)

    def clear(self) -> None:
        self._events.clear()


def sign(endpoint: Endpoint, event: OutgoingEvent, now: datetime) -> Mapping[str, str]:
    """The headers of one delivery: lower hex HMAC-SHA256 over date, newline, raw body."""
    date = format_datetime(now, usegmt=True)
    signature = hmac.digest(endpoint.secrets[0].encode(), f"{date}\n".encode() + event.body, "sha256").hex()
    return {
        "Content-Type": "application/json",
        "User-Agent": "Metronome",
        "Date": date,
        "X-Metronome-Date": date,
        "Metronome-Webhook-Signature": signature,
    }
