"""What a change of tier means, decided before anything is done: one answer for the quote and for the change itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Self

from billing.credits import LedgerEntry, change_allowance
from billing.errors import SamePlan
from billing.invoices import Line, Settlement, settle
from billing.money import Money, round_half_up
from billing.periods import Period, credit_month_at, period_at
from billing.proration import CreditPolicy, prorate
from billing.tiers import Plan


class Effective(StrEnum):
    IMMEDIATELY = "IMMEDIATELY"
    AT_PERIOD_END = "AT_PERIOD_END"


@dataclass(frozen=True, slots=True)
class Position:
    """Where a customer stands: the plan, how far the period is, what was paid, what credits there are.

    `owner` is whose ledger `entries` are. A negative `account_balance` carries what was too little to charge.
    """

    plan: Plan
    period: Period
    anchor: date
    credit_anchor: date
    paid_uncredited: Money
    account_balance: Money
    owner: str
    entries: Sequence[LedgerEntry]


@dataclass(frozen=True, slots=True)
class NextInvoice:
    """`due` is what will be collected of it, after the account balance."""

    on: date
    amount: Money
    due: Money


@dataclass(frozen=True, slots=True)
class ChangeTerms:
    """All that a change comes to. `lines` sum to `settlement.total`; `paid_uncredited` assumes what is due was paid.

    `withheld` is for time that is left and not paid for: it is credited when its invoice is paid.
    """

    effective: Effective
    on: date
    old: Plan
    new: Plan
    lines: tuple[Line, ...]
    settlement: Settlement
    withheld: Money
    credit_entries: tuple[LedgerEntry, ...]
    period: Period
    anchor: date
    paid_uncredited: Money
    next_invoice: NextInvoice

    @property
    def credits_change(self) -> int:
        return sum(entry.amount for entry in self.credit_entries)

    @property
    def due_now(self) -> Money:
        return self.settlement.due_now


def decide_change(
    position: Position,
    new: Plan,
    *,
    effective: Effective,
    at: datetime,
    key: str,
    policy: CreditPolicy = CreditPolicy.PRORATED,
) -> ChangeTerms:
    """Raises `SamePlan`. `key` makes the ledger entries unique: the operation they are caused by."""
    if effective is Effective.AT_PERIOD_END:
        return _at_period_end(position, new)
    on, old = at.astimezone(UTC).date(), position.plan
    change = prorate(
        old,
        new,
        position.period,
        on,
        paid_uncredited=position.paid_uncredited,
        anchor=position.anchor,
        account_balance=position.account_balance,
    )
    same_period = change.period == position.period
    kept = position.paid_uncredited - change.credited if same_period else Money.zero(new.price.currency)
    return ChangeTerms(
        effective=effective,
        on=on,
        old=old,
        new=new,
        lines=change.lines,
        settlement=change.settlement,
        withheld=change.withheld,
        credit_entries=change_allowance(
            position.entries,
            owner=position.owner,
            old=old,
            new=new,
            month=credit_month_at(position.credit_anchor, on),
            at=at,
            key=key,
            policy=policy,
        ),
        period=change.period,
        anchor=change.anchor,
        paid_uncredited=kept + change.charged,
        next_invoice=_next(new, change.period.end, position.account_balance + change.settlement.balance_change),
    )


def _at_period_end(position: Position, new: Plan) -> ChangeTerms:
    old, zero = position.plan, Money.zero(new.price.currency)
    if (old.tier, old.billing_period) == (new.tier, new.billing_period):
        raise SamePlan(old.tier, old.billing_period)
    end = position.period.end
    anchor = position.anchor if old.billing_period is new.billing_period else end
    return ChangeTerms(
        effective=Effective.AT_PERIOD_END,
        on=end,
        old=old,
        new=new,
        lines=(),
        settlement=settle(zero, None),
        withheld=zero,
        credit_entries=(),
        period=period_at(anchor, new.billing_period, end),
        anchor=anchor,
        paid_uncredited=zero,
        next_invoice=_next(new, end, position.account_balance),
    )


def _next(plan: Plan, on: date, account_balance: Money) -> NextInvoice:
    return NextInvoice(on=on, amount=plan.price, due=settle(plan.price, account_balance).due_now)


@dataclass(frozen=True, slots=True)
class UnusedTime:
    """What the days that are left are worth: `credited` at once, `withheld` until their invoice is paid."""

    credited: Money
    withheld: Money

    @classmethod
    def none(cls, currency: str) -> Self:
        return cls(credited=Money.zero(currency), withheld=Money.zero(currency))


def unused_time(position: Position, on: date) -> UnusedTime:
    """When a subscription ends on day `on`, of the days from then on: as much as was paid for, and the rest."""
    period, paid = position.period, position.paid_uncredited
    if not period.contains(on):
        return UnusedTime.none(paid.currency)
    share = Money(round_half_up(position.plan.price.minor_units * period.days_left(on), period.days), paid.currency)
    credited = min(share, paid)
    return UnusedTime(credited=credited, withheld=share - credited)
