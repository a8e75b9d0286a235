"""A search over lives of several months for one that gets credits for less than they cost.

Whoever lives one spends every credit at once. At any time, had they to end and be credited what they did not use, they
have paid for each day on a plan, and their credits, less what they owe, do not exceed what those days allow. Where
nothing begins in the middle of a month they also do not exceed what the money charged would buy at the lowest price.
FREE's allowance is everybody's and counts as no gift.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction

import pytest

from billing.changes import Effective, Position, decide_change, unused_time
from billing.credits import (
    EntryKind,
    LedgerEntry,
    allowance_key,
    balance,
    collect_owed,
    draw,
    end_allowance,
    follow_allowance,
    grant_month,
    owed,
    roll_over,
)
from billing.invoices import settle
from billing.money import Money
from billing.periods import Period, credit_month_at, midnight, period_at
from billing.proration import CreditPolicy, allowance_share
from billing.tiers import BillingPeriod, Plan, Tier, plan_for

FREE, PRO, TEAM = (plan_for(tier, BillingPeriod.MONTHLY) for tier in (Tier.FREE, Tier.PRO, Tier.TEAM))
PRO_YEARLY = plan_for(Tier.PRO, BillingPeriod.YEARLY)
BEGUN = date(2026, 1, 1)
FIRST_DAY = Period(BEGUN, BEGUN + timedelta(days=1))
ZERO = Money.zero("USD")


@dataclass(frozen=True, slots=True)
class Life:
    """`plan` is the last one, also once it has ended; `cost_minor` and `earned` are what the days lived come to."""

    plan: Plan
    policy: CreditPolicy
    today: date = BEGUN
    live: bool = True
    anchor: date = BEGUN
    credit_anchor: date = BEGUN
    period: Period = FIRST_DAY
    paid_for: Money = ZERO
    account: Money = ZERO
    charged: Money = ZERO
    ledger: tuple[LedgerEntry, ...] = ()
    cost_minor: Fraction = Fraction(0)
    earned: Fraction = Fraction(0)
    roundings: int = 0

    @property
    def month(self) -> Period:
        return credit_month_at(self.credit_anchor, self.today)

    @property
    def position(self) -> Position:
        return Position(
            plan=self.plan,
            period=self.period,
            anchor=self.anchor,
            credit_anchor=self.credit_anchor,
            paid_uncredited=self.paid_for,
            account_balance=self.account,
            owner="c",
            entries=self.ledger,
        )

    @property
    def key(self) -> str:
        return f"{self.today}:{len(self.ledger)}"


def begin(plan: Plan, policy: CreditPolicy) -> Life:
    life = _new_period(Life(plan, policy), BEGUN)
    granted = grant_month((), owner="c", credits_per_month=plan.credits_per_month, month=life.month, at=midnight(BEGUN))
    return _spend(replace(life, ledger=granted))


def until(life: Life, day: date) -> Life:
    """Day after day, as the engine renews and grants, and what is owed comes off each month's allowance."""
    while life.today < day:
        plan, today = life.plan, life.today + timedelta(days=1)
        if not life.live:
            life = replace(life, today=today)
            continue
        life = replace(
            life,
            today=today,
            cost_minor=life.cost_minor + Fraction(plan.price.minor_units, life.period.days),
            earned=life.earned + Fraction(max(plan.credits_per_month - FREE.credits_per_month, 0), life.month.days),
        )
        if today == life.period.end:
            life = _new_period(life, today)
        if today == life.month.start:
            life = _new_month(life)
    return life


def go_to(life: Life, wanted: Plan | None) -> Life:
    """Change to a plan, end with the unused time credited (None), or come back."""
    if wanted is None:
        return _end(life)
    return _spend(_change(life, wanted) if life.live else _come_back(life, wanted))


def _change(life: Life, new: Plan) -> Life:
    terms = decide_change(
        life.position, new, effective=Effective.IMMEDIATELY, at=midnight(life.today), key=life.key, policy=life.policy
    )
    return replace(
        life,
        plan=new,
        period=terms.period,
        anchor=terms.anchor,
        paid_for=terms.paid_uncredited,
        account=life.account + terms.settlement.balance_change,
        charged=life.charged + terms.due_now,
        ledger=(*life.ledger, *terms.credit_entries),
        roundings=life.roundings + 1,
    )


def _end(life: Life) -> Life:
    unpaid = allowance_share(life.plan, life.month, life.today)
    ended = end_allowance(
        life.ledger, owner="c", month=life.month, unpaid=unpaid, at=midnight(life.today), key=life.key
    )
    return replace(
        life,
        live=False,
        account=life.account + unused_time(life.position, life.today).credited,
        ledger=(*life.ledger, *ended),
        roundings=life.roundings + 1,
    )


def _come_back(life: Life, new: Plan) -> Life:
    granted = any(entry.pool == allowance_key("c", life.month) for entry in life.ledger)
    resumed = replace(
        life,
        plan=new,
        live=True,
        credit_anchor=life.credit_anchor if granted else life.today,
        roundings=life.roundings + 1,
    )
    entries = follow_allowance(
        life.ledger,
        owner="c",
        old=life.plan,
        new=new,
        month=resumed.month,
        at=midnight(life.today),
        key=life.key,
    )
    return _new_period(replace(resumed, anchor=life.today, ledger=(*life.ledger, *entries)), life.today)


def _new_period(life: Life, day: date) -> Life:
    settlement = settle(life.plan.price, life.account)
    return replace(
        life,
        period=period_at(life.anchor, life.plan.billing_period, day),
        paid_for=life.plan.price,
        account=life.account + settlement.balance_change,
        charged=life.charged + settlement.due_now,
    )


def _new_month(life: Life) -> Life:
    at, month = midnight(life.today), life.month
    begun = roll_over(life.ledger, owner="c", credits_per_month=life.plan.credits_per_month, month=month, at=at)
    standing = (*life.ledger, *begun)
    collected = collect_owed(standing, owner="c", plan=life.plan, month=month, at=at, key=life.key)
    return _spend(replace(life, ledger=(*standing, *collected)))


def _spend(life: Life) -> Life:
    at = midnight(life.today)
    left = balance(life.ledger, at)
    return replace(life, ledger=(*life.ledger, *draw(life.ledger, amount=left, at=at, key=life.key))) if left else life


def gift(life: Life) -> Fraction:
    """The credits that no day accounts for, if it ended now; one for each rounding aside."""
    ended = _end(life) if life.live else life
    assert abs((ended.charged - ended.account).minor_units - ended.cost_minor) <= ended.roundings
    return _spent_beyond_free(ended) - owed(ended.ledger) - ended.earned


def gift_for_cash(life: Life, cheapest: Plan) -> Fraction:
    """The credits beyond what was charged so far would buy on the plan whose credits cost least."""
    bought = Fraction(life.charged.minor_units * cheapest.credits_per_month, cheapest.price.minor_units)
    return _spent_beyond_free(life) - bought


def _spent_beyond_free(life: Life) -> Fraction:
    spent = -sum(entry.amount for entry in life.ledger if entry.kind is EntryKind.USAGE)
    months = sum(entry.key.startswith("c:allowance:") for entry in life.ledger)
    return Fraction(spent - months * FREE.credits_per_month - life.roundings)


def lives(life: Life, *, days: Sequence[int], plans: Sequence[Plan], longest: int) -> Iterator[Life]:
    yield life
    for each in days if longest else ():
        day = BEGUN + timedelta(days=each)
        if day < life.today:
            continue
        before = until(life, day)
        for wanted in (*plans, None):
            if wanted != (life.plan if life.live else None):
                yield from lives(go_to(before, wanted), days=days, plans=plans, longest=longest - 1)


def every_life(
    *, days: Sequence[int], plans: Sequence[Plan], longest: int, policy: CreditPolicy = CreditPolicy.PRORATED
) -> Iterator[Life]:
    for first in plans:
        yield from lives(begin(first, policy), days=days, plans=plans, longest=longest)


def test_no_four_steps_over_two_months_give_credits_for_days_that_nobody_paid() -> None:
    assert max(map(gift, every_life(days=(0, 20, 45), plans=(FREE, PRO, TEAM), longest=4))) <= 0


def test_nor_where_periods_and_credit_months_have_come_apart() -> None:
    assert max(map(gift, every_life(days=(0, 20, 40, 75), plans=(FREE, PRO, PRO_YEARLY), longest=3))) <= 0


@pytest.mark.parametrize("plans", [(FREE, PRO), (FREE, PRO, TEAM)])
def test_no_four_steps_over_three_months_buy_credits_below_their_price(plans: Sequence[Plan]) -> None:
    found = every_life(days=(0, 31, 59), plans=plans, longest=4)
    assert max(gift_for_cash(life, plans[-1]) for life in found) <= 0


def test_the_naive_policy_sells_a_months_credits_for_a_days_price() -> None:
    found = list(every_life(days=(30, 45), plans=(FREE, TEAM), longest=2, policy=CreditPolicy.FULL_DIFFERENCE))
    assert max(map(gift, found)) > 45_000
    assert max(gift_for_cash(life, TEAM) for life in found) > 45_000
