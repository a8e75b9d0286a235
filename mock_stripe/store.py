"""Everything the sandbox knows, in memory, oldest first."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from mock_stripe.cards import TestCard
from mock_stripe.errors import FullError, NoSuchObjectError
from mock_stripe.objects.balance_transaction import BalanceTransaction
from mock_stripe.objects.charge import Charge
from mock_stripe.objects.customer import Customer, DeletedCustomer
from mock_stripe.objects.event import Event
from mock_stripe.objects.payment_intent import PaymentIntent
from mock_stripe.objects.payment_method import PaymentMethod
from mock_stripe.objects.refund import Refund
from mock_stripe.objects.setup_intent import SetupAttempt, SetupIntent
from mock_stripe.objects.webhook_endpoint import WebhookEndpoint

T = TypeVar("T")

MOST_OBJECTS = 100_000


class Table(Generic[T]):
    """Objects of one kind. `noun` is how Stripe names the kind in "No such customer: 'cus_1'"."""

    def __init__(self, noun: str) -> None:
        self.noun = noun
        self._rows: dict[str, T] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[T]:
        return iter(list(self._rows.values()))

    def add(self, object_id: str, row: T) -> None:
        self._rows[object_id] = row

    def remove(self, object_id: str) -> None:
        del self._rows[object_id]

    def remove_oldest(self) -> None:
        del self._rows[next(iter(self._rows))]

    def find(self, object_id: str) -> T | None:
        return self._rows.get(object_id)

    def get(self, object_id: str, *, param: str = "id") -> T:
        row = self._rows.get(object_id)
        if row is None:
            raise NoSuchObjectError(self.noun, object_id, param=param)
        return row


@dataclass(slots=True)
class CardFacts:
    """What Stripe knows of a payment method and does not show."""

    card: TestCard
    usable: bool = True
    """False once detached, or once charged without a customer."""
    set_up: bool = False
    """Authenticated for off-session payments."""


@dataclass(slots=True)
class IntentFacts:
    """What an intent remembers between requests and does not show."""

    off_session: bool = False
    authenticated: bool = False


@dataclass(slots=True)
class Store:
    customers: Table[Customer] = field(default_factory=lambda: Table("customer"))
    deleted_customers: Table[DeletedCustomer] = field(default_factory=lambda: Table("customer"))
    payment_methods: Table[PaymentMethod] = field(default_factory=lambda: Table("PaymentMethod"))
    setup_intents: Table[SetupIntent] = field(default_factory=lambda: Table("setupintent"))
    setup_attempts: Table[SetupAttempt] = field(default_factory=lambda: Table("setup_attempt"))
    payment_intents: Table[PaymentIntent] = field(default_factory=lambda: Table("payment_intent"))
    charges: Table[Charge] = field(default_factory=lambda: Table("charge"))
    refunds: Table[Refund] = field(default_factory=lambda: Table("refund"))
    balance_transactions: Table[BalanceTransaction] = field(default_factory=lambda: Table("balance transaction"))
    events: Table[Event] = field(default_factory=lambda: Table("event"))
    webhook_endpoints: Table[WebhookEndpoint] = field(default_factory=lambda: Table("webhook endpoint"))
    card_facts: dict[str, CardFacts] = field(default_factory=dict)
    intent_facts: dict[str, IntentFacts] = field(default_factory=dict)

    def refuse_when_full(self, *, most: int) -> None:
        """Before a request that may make something; what follows from it by itself still finds room."""
        for table in (
            self.customers,
            self.deleted_customers,
            self.payment_methods,
            self.setup_intents,
            self.setup_attempts,
            self.payment_intents,
            self.charges,
            self.refunds,
            self.balance_transactions,
        ):
            if len(table) >= most:
                raise FullError(most, table.noun)

    def counts(self) -> dict[str, int]:
        return {
            "customers": len(self.customers),
            "payment_methods": len(self.payment_methods),
            "setup_intents": len(self.setup_intents),
            "payment_intents": len(self.payment_intents),
            "charges": len(self.charges),
            "refunds": len(self.refunds),
            "balance_transactions": len(self.balance_transactions),
            "events": len(self.events),
            "webhook_endpoints": len(self.webhook_endpoints),
        }

    def objects(self) -> dict[str, list[object]]:
        return {
            "customers": list(self.customers),
            "payment_methods": list(self.payment_methods),
            "setup_intents": list(self.setup_intents),
            "payment_intents": list(self.payment_intents),
            "charges": list(self.charges),
            "refunds": list(self.refunds),
        }
