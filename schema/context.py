"""What a resolver is handed."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import strawberry
from strawberry.dataloader import DataLoader

from access.authentication import Authenticator
from access.callers import Caller
from operations.engine import Engine
from operations.live import Feed
from operations.sandbox import Sandbox
from operations.tools import Tools

if TYPE_CHECKING:
    from schema.types.credits import CreditEntry
    from schema.types.customer import Customer, CustomerDrift
    from schema.types.environment import Environment
    from schema.types.health import ServiceHealth
    from schema.types.invoice import Invoice, InvoiceLine
    from schema.types.operation import Operation, OperationStep
    from schema.types.payment import Payment, PaymentMethod, Refund


class PerCustomer(NamedTuple):
    """A nested list: whose, and how many of the newest."""

    customer_id: str
    first: int


@dataclass(frozen=True, slots=True)
class Loaders:
    """One statement each for the whole page, whatever its size."""

    credit_entries: "DataLoader[PerCustomer, list[CreditEntry]]"
    invoices: "DataLoader[PerCustomer, list[Invoice]]"
    payments: "DataLoader[PerCustomer, list[Payment]]"
    operations: "DataLoader[PerCustomer, list[Operation]]"
    customers: "DataLoader[str, Customer]"
    operation: "DataLoader[str, Operation | None]"
    unpaid_invoices: "DataLoader[str, list[Invoice]]"
    payment_methods: "DataLoader[str, list[PaymentMethod]]"
    customer_drift: "DataLoader[str, list[CustomerDrift]]"
    invoice_lines: "DataLoader[str, list[InvoiceLine]]"
    invoice_payments: "DataLoader[str, list[Payment]]"
    payment_refunds: "DataLoader[str, list[Refund]]"
    operation_steps: "DataLoader[str, list[OperationStep]]"


@dataclass(frozen=True, slots=True)
class Context:
    tools: Tools
    engine: Engine
    feed: Feed
    loaders: Loaders
    check_health: "Callable[[], Awaitable[ServiceHealth]]"
    wait_seconds: float
    # None with real providers.
    sandbox: Sandbox | None
    environment: "Callable[[], Environment]"
    caller: Caller
    ask_again: Callable[[], Awaitable[Caller]]
    """Who sends these credentials now; raises `NotAdmitted` once they are good no more."""
    ask_again_seconds: float
    """How often that is asked for a stream in which nothing happens."""
    authenticator: Authenticator
    charge: Callable[[int], Awaitable[None]]
    """For so much more than one request. Raises HTTP 429."""

    @property
    def now(self) -> Callable[[], datetime]:
        return self.tools.now


Info = strawberry.Info[Context, None]
