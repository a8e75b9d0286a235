"""What an invoice says, and how it is settled between the account balance and the payment method."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from billing.money import Money, minimum_charge
from billing.periods import Period
from billing.tiers import CATALOGUE, Plan

DUE_DAYS = 30


class InvoiceStatus(StrEnum):
    DRAFT = "DRAFT"
    OPEN = "OPEN"
    PAID = "PAID"
    VOID = "VOID"
    UNCOLLECTIBLE = "UNCOLLECTIBLE"


PAYABLE = frozenset({InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE})
UNPAID = PAYABLE | {InvoiceStatus.DRAFT}
"""A draft is paid by the operation that made it alone."""


@dataclass(frozen=True, slots=True)
class Line:
    description: str
    quantity: int
    unit_price: Money
    amount: Money

    def __post_init__(self) -> None:
        if self.quantity < 1 or self.unit_price * self.quantity != self.amount:
            raise ValueError(f"an amount is quantity times unit price: {self}")


def line(description: str, amount: Money) -> Line:
    return Line(description, 1, amount, amount)


def plan_description(plan: Plan, period: Period) -> str:
    """ "Pro, monthly, 2026-02-28 to 2026-03-31" """
    return f"{CATALOGUE.entry(plan.tier).display_name}, {plan.billing_period.lower()}, {period}"


def first_invoice(plan: Plan, period: Period) -> tuple[Line, ...]:
    """The lines for one whole period of a plan, the first or any later one. What costs nothing makes no invoice."""
    return () if plan.price.is_zero else (line(plan_description(plan, period), plan.price),)


def total(lines: Iterable[Line], currency: str) -> Money:
    """The sum of the lines as shown; zero `currency` when there are none."""
    amounts = [each.amount for each in lines]
    return sum(amounts[1:], start=amounts[0]) if amounts else Money.zero(currency)


def due_date(issued_on: date) -> date:
    return issued_on + timedelta(days=DUE_DAYS)


@dataclass(frozen=True, slots=True)
class Settlement:
    """How one total is paid: always due_now == total + balance_change.

    `balance_change` is what the account balance moves by: up by what the customer is credited, down by what this
    total uses up or leaves to be carried to the next invoice.
    """

    total: Money
    from_balance: Money
    due_now: Money
    carried: Money
    to_balance: Money

    @property
    def balance_change(self) -> Money:
        return self.to_balance - self.from_balance - self.carried


def settle(amount: Money, balance: Money | None = None) -> Settlement:
    """Settle an amount with what stands on the account balance in its currency.

    A negative one is credited, never charged back. A positive one first takes the balance, also a negative one: that
    is what earlier invoices carried. What is left below the processor's minimum is carried in turn.
    """
    zero = Money.zero(amount.currency)
    if not amount.is_positive:
        return Settlement(amount, from_balance=zero, due_now=zero, carried=zero, to_balance=-amount)
    from_balance = min(amount, balance) if balance is not None else zero
    left = amount - from_balance
    if left < minimum_charge(amount.currency):
        return Settlement(amount, from_balance=from_balance, due_now=zero, carried=left, to_balance=zero)
    return Settlement(amount, from_balance=from_balance, due_now=left, carried=zero, to_balance=zero)
