"""The one Stripe account of the sandbox: its objects, its clock, and the request that is being worked on."""

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TypeVar, cast

import stripe

from mock_kit.clock import Clock
from mock_kit.ids import Ids
from mock_stripe.objects.event import Event, EventData, Snapshot
from mock_stripe.outbox import Outbox
from mock_stripe.store import MOST_OBJECTS, Store

T = TypeVar("T", bound=Mapping[str, object])


@dataclass(frozen=True, slots=True)
class Cause:
    """The request behind an event; both None for what Stripe does by itself."""

    request_id: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """`act` is a function of a module, so that it can be written down by its name."""

    at: int
    act: Callable[["Account", str], None]
    object_id: str


@dataclass(frozen=True, slots=True)
class AccountState:
    store: Store
    later: list[Due]
    awaited: dict[str, set[str]]


@dataclass(slots=True)
class Account:
    clock: Clock
    ids: Ids
    outbox: Outbox
    search_lag_seconds: int = 0
    most_objects: int = MOST_OBJECTS
    """Of each kind. The oldest events are forgotten."""
    store: Store = field(default_factory=Store)
    cause: Cause = Cause()
    later: list[Due] = field(default_factory=list)

    def now(self) -> int:
        return int(self.clock.now().timestamp())

    def new_id(self, prefix: str) -> str:
        return f"{prefix}_{self.ids.token(24)}"

    def indexed(self, rows: Iterable[T]) -> list[T]:
        """Those that a search finds already: the index is behind the objects by a while."""
        newest = self.now() - self.search_lag_seconds
        return [row for row in rows if cast("int", row["created"]) <= newest]

    def clear(self) -> None:
        """Webhook endpoints stay: who closes them closes them at the outbox."""
        self.store = Store(webhook_endpoints=self.store.webhook_endpoints)
        self.later.clear()
        self.outbox.clear()

    @property
    def state(self) -> AccountState:
        """Not a copy: to be written down before anything else happens."""
        return AccountState(self.store, self.later, self.outbox.state)

    def restore(self, state: AccountState) -> None:
        self.store, self.later = state.store, state.later
        self.outbox.restore(state.awaited)

    def soon(self, act: Callable[["Account", str], None], object_id: str, *, seconds: int = 0) -> None:
        """Do it by itself: after the answer to this request, or when the clock gets there."""
        self.later.append(Due(self.now() + seconds, act, object_id))

    def catch_up(self) -> bool:
        """Do what is due, in the order of its time. False when nothing is."""
        self.cause, done = Cause(), False
        while due := sorted((task for task in self.later if task.at <= self.now()), key=lambda task: task.at):
            self.later.remove(due[0])
            due[0].act(self, due[0].object_id)
            done = True
        return done

    def emit(self, kind: str, subject: Mapping[str, object], *, before: Mapping[str, object] | None = None) -> None:
        """`before`: the object as it was, for the events that tell what changed."""
        data: EventData = {"object": deepcopy(dict(subject))}
        if before is not None:
            data["previous_attributes"] = _previous(before, subject)
        event: Event = {
            "id": self.new_id("evt"),
            "object": "event",
            "api_version": stripe.api_version,
            "created": self.now(),
            "data": data,
            "livemode": False,
            "pending_webhooks": 0,
            "request": {"id": self.cause.request_id, "idempotency_key": self.cause.idempotency_key},
            "type": kind,
        }
        self.store.events.add(event["id"], event)
        if len(self.store.events) > self.most_objects:
            self.store.events.remove_oldest()
        self.outbox.publish(event)

    def emit_if_changed(self, kind: str, subject: Mapping[str, object], *, before: Mapping[str, object]) -> None:
        if dict(before) != dict(subject):
            self.emit(kind, subject, before=before)


def _previous(before: Mapping[str, object], after: Mapping[str, object]) -> Snapshot:
    """The members of `before` that are no longer so; a changed hash shows only what changed in it."""
    changed: Snapshot = {}
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        both = isinstance(old, dict) and isinstance(new, dict)
        changed[name] = _previous(cast("Snapshot", old), cast("Snapshot", new)) if both else deepcopy(old)
    return changed
