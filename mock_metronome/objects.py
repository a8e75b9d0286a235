"""The nouns of the API, and how each is shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from mock_kit.moments import format_moment
from mock_metronome.periods import Period, period_at
from mock_metronome.rates import BILLING_PERIODS, Terms

INSTANT = timedelta(microseconds=1)


class ContractStatus(StrEnum):
    PENDING = "pending"
    ACTIVE = "active"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class InvoiceStatus(StrEnum):
    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    VOID = "void"
    UNCOLLECTIBLE = "uncollectible"


LIVE = frozenset({ContractStatus.PENDING, ContractStatus.ACTIVE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    id: str
    entity_id: str
    entity_type: str
    email: str
    name: str
    metadata: Mapping[str, str]
    created_at: datetime
    updated_at: datetime

    def report(self) -> dict[str, object]:
        return {
            "id": self.id,
            "entity_id": self.entity_id,
            "entity_type": self.entity_type,
            "email": self.email,
            "name": self.name,
            "metadata": dict(self.metadata),
            "created_at": format_moment(self.created_at),
            "updated_at": format_moment(self.updated_at),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    id: str
    customer_id: str
    tier: str
    status: ContractStatus
    billing_period: str
    start_date: datetime
    end_date: datetime | None
    cancelled_at: datetime | None
    """When it was cancelled; with an end date still to come, a scheduled cancellation."""
    rate_card_id: str
    terms: Terms
    anchor: datetime
    credit_anchor: datetime
    """Credit months are counted from here; periods from the anchor."""
    uniqueness_key: str | None
    created_at: datetime
    updated_at: datetime

    @property
    def live(self) -> bool:
        return self.status in LIVE

    def period_at(self, moment: datetime) -> Period:
        """The billing period at the moment, kept within the contract's life."""
        return period_at(self._within(moment), anchor=self.anchor, months=BILLING_PERIODS[self.billing_period])

    def credit_month_at(self, moment: datetime) -> Period:
        return period_at(self._within(moment), anchor=self.credit_anchor, months=1)

    def overlaps(self, *, start: datetime, end: datetime | None) -> bool:
        return (self.end_date is None or start < self.end_date) and (end is None or self.start_date < end)

    def report(self, *, now: datetime) -> dict[str, object]:
        return {
            "id": self.id,
            "customer_id": self.customer_id,
            "tier": self.tier,
            "status": self.status.value,
            "billing_period": self.billing_period,
            "start_date": format_moment(self.start_date),
            "end_date": _optional(self.end_date),
            "cancelled_at": _optional(self.cancelled_at),
            "rate_card_id": self.rate_card_id,
            "price": self.terms.price_minor,
            "credits_per_month": self.terms.credits_per_month,
            "currency": self.terms.currency,
            "billing_anchor_date": format_moment(self.anchor),
            "credit_anchor_date": format_moment(self.credit_anchor),
            "current_period": self.period_at(now).report(),
            "uniqueness_key": self.uniqueness_key,
            "created_at": format_moment(self.created_at),
            "updated_at": format_moment(self.updated_at),
        }

    def _within(self, moment: datetime) -> datetime:
        last = moment if self.end_date is None else min(moment, self.end_date - INSTANT)
        return max(last, self.start_date)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineItem:
    id: str
    description: str
    quantity: int
    unit_price_minor: int

    @property
    def amount_minor(self) -> int:
        return self.quantity * self.unit_price_minor

    def report(self) -> dict[str, object]:
        return {
            "id": self.id,
            "description": self.description,
            "quantity": self.quantity,
            "unit_price": self.unit_price_minor,
            "amount": self.amount_minor,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    id: str
    customer_id: str
    contract_id: str
    currency: str
    status: InvoiceStatus
    due_date: datetime
    line_items: tuple[LineItem, ...]
    period: Period | None
    """Of a renewal; an invoice made through the API has none."""
    uniqueness_key: str | None
    created_at: datetime
    updated_at: datetime
    paid_at: datetime | None = None
    external_payment_id: str | None = None

    @property
    def amount_minor(self) -> int:
        return sum(item.amount_minor for item in self.line_items)

    def report(self) -> dict[str, object]:
        return {
            "id": self.id,
            "customer_id": self.customer_id,
            "contract_id": self.contract_id,
            "amount": self.amount_minor,
            "currency": self.currency,
            "status": self.status.value,
            "due_date": format_moment(self.due_date),
            "paid_at": _optional(self.paid_at),
            "external_payment_id": self.external_payment_id,
            "line_items": [item.report() for item in self.line_items],
            "period": self.period.report() if self.period else None,
            "uniqueness_key": self.uniqueness_key,
            "created_at": format_moment(self.created_at),
            "updated_at": format_moment(self.updated_at),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """A grant and what is left of it; with a negative amount, the record of credits taken away."""

    id: str
    customer_id: str
    contract_id: str | None
    """Set: part of that contract's allowance. None: the customer's own, granted by hand."""
    amount: int
    balance: int
    currency: str
    expires_at: datetime | None
    expired_at: datetime | None
    reason: str | None
    uniqueness_key: str | None
    created_at: datetime
    expired_amount: int | None = None
    """What was left when it expired; 0 when all was spent."""

    def report(self) -> dict[str, object]:
        return {
            "id": self.id,
            "customer_id": self.customer_id,
            "contract_id": self.contract_id,
            "amount": self.amount,
            "balance": self.balance,
            "currency": self.currency,
            "expires_at": _optional(self.expires_at),
            "expired_at": _optional(self.expired_at),
            "expired_amount": self.expired_amount,
            "reason": self.reason,
            "uniqueness_key": self.uniqueness_key,
            "created_at": format_moment(self.created_at),
        }


def _optional(moment: datetime | None) -> str | None:
    return None if moment is None else format_moment(moment)
