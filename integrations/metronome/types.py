"""What Metronome tells us, parsed at the edge. Every `read` raises `Unreadable` on a missing or wrong field.

Metronome's enums are ours in lower case.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Self, TypeVar

from billing.invoices import InvoiceStatus
from billing.money import Money
from billing.tiers import BillingPeriod, EntityType, Tier
from integrations.fields import Fields, read_object

E = TypeVar("E", bound=StrEnum)


class ContractStatus(StrEnum):
    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"


def _upper(kind: type[E]) -> Callable[[str], E]:
    return lambda value: kind(value.upper())


@dataclass(frozen=True, slots=True)
class Customer:
    id: str
    entity_id: str
    entity_type: EntityType
    name: str = field(repr=False)
    email: str = field(repr=False)
    metadata: Mapping[str, str]
    created_at: datetime
    updated_at: datetime

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(
            id=fields.text("id"),
            entity_id=fields.text("entity_id"),
            entity_type=fields.choice("entity_type", _upper(EntityType)),
            name=fields.text("name"),
            email=fields.text("email"),
            metadata=fields.labels("metadata"),
            created_at=fields.instant("created_at"),
            updated_at=fields.instant("updated_at"),
        )


@dataclass(frozen=True, slots=True)
class Span:
    """Half-open: `start` belongs to it, `end` does not."""

    start: datetime
    end: datetime

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(start=fields.instant("start"), end=fields.instant("end"))

    @classmethod
    def read_optional(cls, fields: Fields | None) -> Self | None:
        return None if fields is None else cls.read(fields)


@dataclass(frozen=True, slots=True)
class Contract:
    """`price` buys one billing period; `credits_per_month` are released monthly, also on yearly plans."""

    id: str
    customer_id: str
    tier: Tier
    billing_period: BillingPeriod
    status: ContractStatus
    start_date: datetime
    end_date: datetime | None
    cancelled_at: datetime | None
    billing_anchor_date: datetime
    current_period: Span | None
    rate_card_id: str | None
    price: Money | None
    credits_per_month: int | None
    uniqueness_key: str | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(
            id=fields.text("id"),
            customer_id=fields.text("customer_id"),
            tier=fields.choice("tier", _upper(Tier)),
            billing_period=fields.choice("billing_period", _upper(BillingPeriod)),
            status=fields.choice("status", _upper(ContractStatus)),
            start_date=fields.instant("start_date"),
            end_date=fields.optional_instant("end_date"),
            cancelled_at=fields.optional_instant("cancelled_at"),
            billing_anchor_date=fields.instant("billing_anchor_date"),
            current_period=Span.read_optional(fields.optional_child("current_period")),
            rate_card_id=fields.optional_text("rate_card_id"),
            price=_optional_price(fields),
            credits_per_month=fields.optional_whole("credits_per_month"),
            uniqueness_key=fields.optional_text("uniqueness_key"),
            created_at=fields.instant("created_at"),
            updated_at=fields.instant("updated_at"),
        )


def _optional_price(fields: Fields) -> Money | None:
    price_minor = fields.optional_whole("price")
    return None if price_minor is None else Money(price_minor, fields.currency("currency"))


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    id: str
    description: str
    quantity: int
    unit_price: Money
    amount: Money

    @classmethod
    def read(cls, fields: Fields, currency: str) -> Self:
        return cls(
            id=fields.text("id"),
            description=fields.text("description"),
            quantity=fields.whole("quantity"),
            unit_price=Money(fields.whole("unit_price"), currency),
            amount=Money(fields.whole("amount"), currency),
        )


@dataclass(frozen=True, slots=True)
class Invoice:
    id: str
    customer_id: str
    contract_id: str
    amount: Money
    status: InvoiceStatus
    due_date: datetime
    paid_at: datetime | None
    external_payment_id: str | None
    lines: tuple[InvoiceLine, ...]
    period: Span | None
    uniqueness_key: str | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def read(cls, fields: Fields) -> Self:
        currency = fields.currency("currency")
        return cls(
            id=fields.text("id"),
            customer_id=fields.text("customer_id"),
            contract_id=fields.text("contract_id"),
            amount=Money(fields.whole("amount"), currency),
            status=fields.choice("status", _upper(InvoiceStatus)),
            due_date=fields.instant("due_date"),
            paid_at=fields.optional_instant("paid_at"),
            external_payment_id=fields.optional_text("external_payment_id"),
            lines=tuple(InvoiceLine.read(line, currency) for line in fields.children("line_items")),
            period=Span.read_optional(fields.optional_child("period")),
            uniqueness_key=fields.optional_text("uniqueness_key"),
            created_at=fields.instant("created_at"),
            updated_at=fields.instant("updated_at"),
        )


@dataclass(frozen=True, slots=True)
class Credit:
    """`amount` as granted (negative: taken away), `balance` what is left of it: counts of credits, not money.

    `expired_amount` is what was left when it expired, None until then.
    """

    id: str
    customer_id: str
    contract_id: str | None
    amount: int
    balance: int
    expires_at: datetime | None
    expired_at: datetime | None
    expired_amount: int | None
    reason: str | None
    uniqueness_key: str | None
    created_at: datetime

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(
            id=fields.text("id"),
            customer_id=fields.text("customer_id"),
            contract_id=fields.optional_text("contract_id"),
            amount=fields.whole("amount"),
            balance=fields.whole("balance"),
            expires_at=fields.optional_instant("expires_at"),
            expired_at=fields.optional_instant("expired_at"),
            expired_amount=fields.optional_whole("expired_amount"),
            reason=fields.optional_text("reason"),
            uniqueness_key=fields.optional_text("uniqueness_key"),
            created_at=fields.instant("created_at"),
        )


@dataclass(frozen=True, slots=True)
class CreditBalance:
    customer_id: str
    balance: int
    as_of: datetime

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(
            customer_id=fields.text("customer_id"),
            balance=fields.whole("balance"),
            as_of=fields.instant("as_of"),
        )


Snapshot = Customer | Contract | Invoice | Credit

_SNAPSHOTS: dict[str, type[Snapshot]] = {
    "customer.created": Customer,
    "customer.updated": Customer,
    "contract.created": Contract,
    "contract.updated": Contract,
    "contract.cancelled": Contract,
    "invoice.created": Invoice,
    "invoice.paid": Invoice,
    "invoice.failed": Invoice,
    "credit.applied": Credit,
    "credit.expired": Credit,
}


@dataclass(frozen=True, slots=True)
class Event:
    """`snapshot` is the object as it stood then, None for a type we do not know."""

    id: str
    type: str
    timestamp: datetime
    customer_id: str | None
    snapshot: Snapshot | None
    expired_amount: int | None
    """Set on credit.expired."""

    @classmethod
    def read(cls, fields: Fields) -> Self:
        event_type = fields.text("type")
        data = fields.child("data")
        kind = _SNAPSHOTS.get(event_type)
        return cls(
            id=fields.text("id"),
            type=event_type,
            timestamp=fields.instant("timestamp"),
            customer_id=fields.optional_text("customer_id"),
            snapshot=kind.read(data) if kind else None,
            expired_amount=data.optional_whole("expired_amount"),
        )

    @classmethod
    def from_json(cls, raw: bytes) -> Self:
        """A stored webhook body, read in full."""
        return cls.read(read_object(raw))
