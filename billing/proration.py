"""What a change of plan costs, to the day."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from billing.errors import SamePlan
from billing.invoices import Line, Settlement, first_invoice, line, plan_description, settle, total
from billing.money import Money, round_half_up
from billing.periods import Period, nth_period, period_at
from billing.tiers import Plan


class CreditPolicy(StrEnum):
    """How much of the allowance's difference a change of tier releases at once."""

    PRORATED = "PRORATED"
    FULL_DIFFERENCE = "FULL_DIFFERENCE"


@dataclass(frozen=True, slots=True)
class TierChange:
    """`credited` and `charged` are the two legs, both positive; `period` and `anchor` are those after the change.

    `withheld` is what the credit leg lacks because it was not paid for: to be credited once it is.
    """

    lines: tuple[Line, ...]
    credited: Money
    withheld: Money
    charged: Money
    settlement: Settlement
    period: Period
    anchor: date

    @property
    def net(self) -> Money:
        return self.settlement.total

    @property
    def due_now(self) -> Money:
        return self.settlement.due_now

    @property
    def carried(self) -> Money:
        return self.settlement.carried

    @property
    def to_balance(self) -> Money:
        return self.settlement.to_balance


def prorate(
    old: Plan,
    new: Plan,
    period: Period,
    on: date,
    *,
    paid_uncredited: Money,
    anchor: date,
    account_balance: Money | None = None,
) -> TierChange:
    """The invoice of a change from `old` to `new` on day `on` of `period`, the current one, counted from `anchor`.

    `paid_uncredited` is what was paid for the period and not yet credited; the credit leg never exceeds it. A leg of
    zero is no line. At the exact end of the period nothing is prorated: the new plan's first period is invoiced whole.
    """
    if (old.tier, old.billing_period) == (new.tier, new.billing_period):
        raise SamePlan(old.tier, old.billing_period)
    if paid_uncredited.is_negative:
        raise ValueError(f"paid and not yet credited cannot be negative: {paid_uncredited}")
    days_left = period.days_left(on)
    unused = _share(old.price, days_left, period.days)
    credited = min(unused, paid_uncredited)
    credit_lines = _credit_leg(old, Period(on, period.end), credited) if days_left else ()
    if old.billing_period is not new.billing_period:
        anchor, period = on, nth_period(on, new.billing_period, 0)
        charge_lines = first_invoice(new, period)
    elif days_left:
        charge_lines = _charge_leg(new, Period(on, period.end), period.days)
    else:
        period = period_at(anchor, new.billing_period, on)
        charge_lines = first_invoice(new, period)
    lines = credit_lines + charge_lines
    net = total(lines, new.price.currency)
    return TierChange(
        lines=lines,
        credited=credited,
        withheld=unused - credited,
        charged=total(charge_lines, new.price.currency),
        settlement=settle(net, account_balance),
        period=period,
        anchor=anchor,
    )


def _credit_leg(old: Plan, unused: Period, credit: Money) -> tuple[Line, ...]:
    return (line(f"Unused time of {plan_description(old, unused)}", -credit),) if credit.is_positive else ()


def _charge_leg(new: Plan, used: Period, period_days: int) -> tuple[Line, ...]:
    charge = _share(new.price, used.days, period_days)
    return (line(plan_description(new, used), charge),) if charge.is_positive else ()


def _share(price: Money, days: int, period_days: int) -> Money:
    return Money(round_half_up(price.minor_units * days, period_days), price.currency)


def credits_change(planned: int, unspent_allowance: int, *, owed: int = 0) -> int:
    """By how many credits the allowance of the current credit month changes, of what the plans make it change.

    A downgrade takes back no more than is unspent. What it could not take is `owed` and comes off the next upgrade:
    else going up, spending and going down again would give a new allowance each time.
    """
    return max(planned - owed, 0) if planned > 0 else max(planned, -unspent_allowance)


def plan_difference(
    old: Plan, new: Plan, credit_month: Period, on: date, *, policy: CreditPolicy = CreditPolicy.PRORATED
) -> int:
    """The change of the allowance before anybody asks what was spent."""
    difference, days_left = new.credits_per_month - old.credits_per_month, credit_month.days_left(on)
    if days_left == 0 or policy is CreditPolicy.FULL_DIFFERENCE:
        return difference if days_left else 0
    return round_half_up(difference * days_left, credit_month.days)


def allowance_share(plan: Plan, credit_month: Period, since: date) -> int:
    """What money buys of a month's allowance for the days from `since` on: nothing of a free plan's."""
    days = (credit_month.end - max(since, credit_month.start)).days
    return round_half_up(plan.credits_per_month * max(days, 0), credit_month.days) if plan.price.is_positive else 0
