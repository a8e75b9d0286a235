from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.changes import ChangeTerms, Effective, Position, UnusedTime, decide_change, unused_time
from billing.credits import grant_month
from billing.errors import SamePlan
from billing.money import Money
from billing.periods import credit_month_at, period_at
from billing.tiers import BillingPeriod, Plan, Tier, plan_for

PRO, TEAM, FREE = (plan_for(tier, BillingPeriod.MONTHLY) for tier in (Tier.PRO, Tier.TEAM, Tier.FREE))
PRO_YEARLY, TEAM_YEARLY = (plan_for(tier, BillingPeriod.YEARLY) for tier in (Tier.PRO, Tier.TEAM))


def usd(minor_units: int) -> Money:
    return Money(minor_units, "USD")


def on_plan(plan: Plan, anchor: date, on: date, *, balance: int = 0) -> Position:
    """Paid in full, nothing spent."""
    month = credit_month_at(anchor, on)
    entries = grant_month(
        (), owner="cus_1", credits_per_month=plan.credits_per_month, month=month, at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    return Position(
        plan=plan,
        period=period_at(anchor, plan.billing_period, on),
        anchor=anchor,
        credit_anchor=anchor,
        paid_uncredited=plan.price,
        account_balance=usd(balance),
        owner="cus_1",
        entries=entries,
    )


def change(position: Position, new: Plan, on: date, effective: Effective = Effective.IMMEDIATELY) -> ChangeTerms:
    at = datetime(on.year, on.month, on.day, 12, tzinfo=UTC)
    return decide_change(position, new, effective=effective, at=at, key="op_1")


def test_an_upgrade_in_a_31_day_month_with_16_days_left() -> None:
    terms = change(on_plan(PRO, date(2026, 1, 1), date(2026, 1, 16)), TEAM, date(2026, 1, 16))

    assert [line.amount for line in terms.lines] == [usd(-465), usd(1497)]
    assert terms.due_now == usd(1032)
    assert terms.credits_change == 20_645
    assert terms.paid_uncredited == usd(900 - 465 + 1497)
    assert (terms.next_invoice.on, terms.next_invoice.amount) == (date(2026, 2, 1), usd(2900))


def test_a_downgrade_is_credited_and_comes_off_the_next_invoice() -> None:
    terms = change(on_plan(TEAM, date(2026, 1, 1), date(2026, 1, 16)), PRO, date(2026, 1, 16))

    assert terms.due_now == usd(0)
    assert terms.settlement.to_balance == usd(1032)
    assert terms.next_invoice.amount == usd(900)
    assert terms.next_invoice.due == usd(0)
    assert terms.credits_change == -20_645


def test_the_account_balance_pays_first() -> None:
    terms = change(on_plan(PRO, date(2026, 1, 1), date(2026, 1, 16), balance=1000), TEAM, date(2026, 1, 16))

    assert terms.due_now == usd(0)
    assert terms.settlement.from_balance == usd(1000)
    assert terms.settlement.carried == usd(32)
    assert terms.next_invoice.due == usd(2932)


def test_another_billing_period_starts_on_the_day_of_the_change() -> None:
    terms = change(on_plan(PRO, date(2026, 1, 31), date(2026, 2, 14)), PRO_YEARLY, date(2026, 2, 14))

    assert [line.amount for line in terms.lines] == [usd(-450), usd(9000)]
    assert (terms.period.start, terms.period.end) == (date(2026, 2, 14), date(2027, 2, 14))
    assert terms.anchor == date(2026, 2, 14)
    assert terms.paid_uncredited == usd(9000)
    assert terms.credits_change == 0


def test_a_scheduled_change_costs_nothing_now_and_a_whole_period_then() -> None:
    position = on_plan(TEAM, date(2026, 1, 31), date(2026, 2, 14))

    terms = change(position, PRO, date(2026, 2, 14), Effective.AT_PERIOD_END)

    assert (terms.lines, terms.due_now, terms.credits_change) == ((), usd(0), 0)
    assert terms.on == date(2026, 2, 28)
    assert (terms.period.start, terms.period.end) == (date(2026, 2, 28), date(2026, 3, 31))
    assert terms.next_invoice.amount == usd(900)


@pytest.mark.parametrize("effective", list(Effective))
def test_the_same_plan_is_no_change(effective: Effective) -> None:
    with pytest.raises(SamePlan):
        change(on_plan(PRO, date(2026, 1, 1), date(2026, 1, 2)), PRO, date(2026, 1, 2), effective)


PLANS = st.sampled_from([FREE, PRO, TEAM, PRO_YEARLY, TEAM_YEARLY])
DAYS = st.dates(date(2027, 1, 1), date(2032, 12, 31))


@given(old=PLANS, new=PLANS, anchor=DAYS, days=st.integers(0, 364))
def test_whatever_changes_the_money_adds_up(old: Plan, new: Plan, anchor: date, days: int) -> None:
    on = date.fromordinal(anchor.toordinal() + days)
    if (old.tier, old.billing_period) == (new.tier, new.billing_period):
        return
    terms = change(on_plan(old, anchor, on), new, on)

    total = sum(line.amount.minor_units for line in terms.lines)
    settlement = terms.settlement
    assert settlement.total == usd(total)
    assert terms.due_now.minor_units >= 0
    assert terms.due_now == settlement.total + settlement.balance_change
    assert terms.paid_uncredited.minor_units >= 0
    assert terms.period.contains(on)


def test_unused_time_is_credited_as_far_as_it_was_paid_and_the_rest_withheld() -> None:
    position = on_plan(TEAM, date(2026, 1, 1), date(2026, 1, 16))

    assert unused_time(position, date(2026, 1, 16)) == UnusedTime(credited=usd(1497), withheld=usd(0))
    part = replace(position, paid_uncredited=usd(1000))
    assert unused_time(part, date(2026, 1, 16)) == UnusedTime(credited=usd(1000), withheld=usd(497))
    assert unused_time(position, date(2026, 2, 1)) == UnusedTime.none("USD")
