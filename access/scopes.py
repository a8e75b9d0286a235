"""What a key may be good for."""

from collections.abc import Iterable
from enum import StrEnum


class Scope(StrEnum):
    CUSTOMERS_READ = "customers:read"
    BILLING_WRITE = "billing:write"
    PAYMENTS_WRITE = "payments:write"
    WEBHOOKS_ADMIN = "webhooks:admin"
    ADMIN = "admin"


EVERYTHING = frozenset(Scope)
OF_CUSTOMERS = frozenset({Scope.CUSTOMERS_READ, Scope.BILLING_WRITE, Scope.PAYMENTS_WRITE})
"""What a customer token can carry, at most."""


def granted(names: Iterable[str]) -> frozenset[Scope]:
    """The scopes as stored. `admin` includes all others, also those that are invented later."""
    scopes = frozenset(Scope(name) for name in names)
    return EVERYTHING if Scope.ADMIN in scopes else scopes
