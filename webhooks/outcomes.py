"""What handling an event can come to.

A handler reads what it needs, at the provider too, and returns a `Change`: what to write, run in the transaction that
also writes the event's end. Instead it may raise:

    Outcome
    ├── NotYet      something it builds on is not there yet: try again later, a bounded number of times
    │   └── Busy    an operation of the customer is under way: try again until it has ended, however long that is
    ├── Parked      it can never work as things are: a person must look, and may replay it
    └── Ignored     it is none of our business

`integrations.errors.Unavailable` counts as NotYet, `Rejected` as Parked; anything else is a fault of ours, tried again
a bounded number of times.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from models import Customer, OperationKind
from operations.tools import Tools
from webhooks.inbox import Claimed

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Started:
    """An operation that the change accepted or woke; it is started after the commit."""

    operation_id: str
    kind: OperationKind
    leg: int = 0


Change = Callable[[datetime], Awaitable[Started | None]]


@dataclass(frozen=True, slots=True)
class Notice:
    """What a handler is handed besides the event itself: the row, and whose it is."""

    row: Claimed
    customer: Customer
    tools: Tools


class Outcome(Exception):  # noqa: N818  named for what was found, as all our errors
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotYet(Outcome):
    pass


class Busy(NotYet):
    pass


class Parked(Outcome):
    pass


class Ignored(Outcome):
    pass


async def nothing(_: datetime) -> None:
    """The change of an event that tells what our rows say already."""


def expect(snapshot: object, kind: type[T]) -> T:
    if not isinstance(snapshot, kind):
        raise Parked("The event's object is not what its type promises.")
    return snapshot
