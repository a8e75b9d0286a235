"""Who asks, and what they may do."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime

from access.scopes import EVERYTHING, Scope
from models import ActorKind


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where a request comes from, and what its log lines are found by."""

    address: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class OwnCustomer:
    """The one customer that a customer token is about."""

    id: str
    entity_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    kind: ActorKind
    name: str
    scopes: frozenset[Scope] = frozenset()
    key_id: str | None = None
    credential_id: str | None = None
    """The session or the customer token, where the key was not sent itself."""
    customer: OwnCustomer | None = None
    expires_at: datetime | None = None
    whereabouts: Whereabouts = Whereabouts()

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes

    def sees(self, customer_id: str) -> bool:
        return self.customer is None or self.customer.id == customer_id

    def only(self, column: str) -> dict[str, str]:
        """The condition that keeps a statement to what this caller may see: none, but for a customer's own token."""
        return {} if self.customer is None else {column: self.customer.id}


SERVICE = Caller(kind=ActorKind.SERVICE, name="service", scopes=EVERYTHING)
"""The service itself: renewals, dunning, what a provider tells."""

_asking: ContextVar[Caller] = ContextVar("asking", default=SERVICE)


@contextmanager
def acting_as(caller: Caller) -> Iterator[None]:
    """What is accepted meanwhile in this task is accepted from this caller."""
    token = _asking.set(caller)
    try:
        yield
    finally:
        _asking.reset(token)


def who_asks() -> Caller:
    return _asking.get()
