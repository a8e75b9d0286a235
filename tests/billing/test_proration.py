from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from fractions import Fraction
from itertools import combinations_with_replacement, pairwise, permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.errors import CurrencyMismatch, ErrorCode, SamePlan
from billing.money import Money, round_half_up
from billing.periods import Period, nth_period
from billing.proration import CreditPolicy, TierChange, credits_change, plan_difference, prorate
from billing.tiers import BillingPeriod, EnterpriseTerms, Plan, Tier, plan_for

MONTHLY, YEARLY = BillingPeriod.MONTHLY, BillingPeriod.YEARLY
FREE, PRO, TEAM = (plan_for(tier, MONTHLY) for tier in (Tier.FREE, Tier.PRO, Tier.TEAM))
FREE_YEARLY, PRO_YEARLY, TEAM_YEARLY = (plan_for(tier, YEARLY) for tier in (Tier.FREE, Tier.PRO, Tier.TEAM))

JANUARY = Period(date(2026, 1, 1), date(2026, 2, 1))
FEBRUARY = Period(date(2026, 2, 1), date(2026, 3, 1))


def usd(minor_units: int) -> Money:
    return Money(minor_units, "USD")


def change(old: Plan, new: Plan, period: Period, on: date, paid: Money | None = None) -> TierChange:
    return prorate(old, new, period, on, paid_uncredited=old.price if paid is None else paid, anchor=period.start)


def moved(
    old: Plan,
    new: Plan,
    month: Period,
    on: date,
    unspent: int,
    *,
    owed: int = 0,
    policy: CreditPolicy = CreditPolicy.PRORATED,
) -> int:
    return credits_change(plan_difference(old, new, month, on, policy=policy), unspent, owed=owed)


def amounts(change: TierChange) -> list[int]:
    return [line.amount.minor_units for line in change.lines]


@pytest.mark.parametrize(
    ("old", "new", "period", "days_left", "lines", "net"),
    [
        (PRO, TEAM, JANUARY, 16, [-465, 1497], 1032),
        (PRO, TEAM, FEBRUARY, 1, [-32, 104], 72),
        (PRO_YEARLY, TEAM_YEARLY, nth_period(date(2026, 3, 1), YEARLY, 0), 265, [-6534, 21055], 14521),
        (PRO_YEARLY, TEAM_YEARLY, nth_period(date(2027, 3, 1), YEARLY, 0), 266, [-6541, 21077], 14536),
        (TEAM, PRO, JANUARY, 16, [-1497, 465], -1032),
        (TEAM, FREE, JANUARY, 31, [-2900], -2900),
        (FREE, PRO, JANUARY, 31, [900], 900),
    ],
)
def test_worked_numbers(old: Plan, new: Plan, period: Period, days_left: int, lines: list[int], net: int) -> None:
    made = change(old, new, period, period.end - timedelta(days=days_left))
    assert amounts(made) == lines
    assert made.net == usd(net)
    assert (made.period, made.anchor) == (period, period.start)


def test_an_upgrade_is_due_now_with_lines_that_say_what_for() -> None:
    made = change(PRO, TEAM, JANUARY, date(2026, 1, 16))
    assert [line.description for line in made.lines] == [
        "Unused time of Pro, monthly, 2026-01-16 to 2026-02-01",
        "Team, monthly, 2026-01-16 to 2026-02-01",
    ]
    assert [(line.quantity, line.unit_price) for line in made.lines] == [(1, usd(-465)), (1, usd(1497))]
    assert (made.credited, made.charged) == (usd(465), usd(1497))
    assert (made.due_now, made.carried, made.to_balance) == (usd(1032), usd(0), usd(0))


def test_a_downgrade_is_credited_and_never_charged_negatively() -> None:
    made = change(TEAM, PRO, JANUARY, date(2026, 1, 16))
    assert (made.due_now, made.carried, made.to_balance) == (usd(0), usd(0), usd(1032))


@pytest.mark.parametrize(("days_left", "due", "carried"), [(1, 0, 29), (2, 58, 0)])
def test_below_the_processors_minimum_the_amount_is_carried(days_left: int, due: int, carried: int) -> None:
    made = change(FREE, PRO, JANUARY, JANUARY.end - timedelta(days=days_left))
    assert (made.due_now, made.carried, made.to_balance) == (usd(due), usd(carried), usd(0))


def test_what_stands_on_the_account_balance_pays_first() -> None:
    made = prorate(
        PRO, TEAM, JANUARY, date(2026, 1, 16), paid_uncredited=usd(900), anchor=JANUARY.start, account_balance=usd(500)
    )
    assert (made.net, made.due_now, made.settlement.balance_change) == (usd(1032), usd(532), usd(-500))


def test_monthly_to_yearly_starts_a_new_period_at_the_full_price() -> None:
    made = change(PRO, PRO_YEARLY, JANUARY, date(2026, 1, 16))
    assert amounts(made) == [-465, 9000]
    assert made.lines[1].description == "Pro, yearly, 2026-01-16 to 2027-01-16"
    assert (made.period, made.anchor) == (Period(date(2026, 1, 16), date(2027, 1, 16)), date(2026, 1, 16))


def test_yearly_to_monthly_credits_what_is_left_of_the_year() -> None:
    year = nth_period(date(2026, 3, 1), YEARLY, 0)
    made = change(TEAM_YEARLY, PRO, year, date(2026, 6, 9))
    assert amounts(made) == [-21055, 900]
    assert made.to_balance == usd(20155)
    assert (made.period, made.anchor) == (Period(date(2026, 6, 9), date(2026, 7, 9)), date(2026, 6, 9))


def test_from_the_last_of_a_month_the_anchor_stays() -> None:
    anchor = date(2028, 1, 31)
    period = Period(date(2028, 2, 29), date(2028, 3, 31))
    made = prorate(PRO, TEAM, period, date(2028, 3, 15), paid_uncredited=PRO.price, anchor=anchor)
    assert (made.period, made.anchor) == (period, anchor)


@pytest.mark.parametrize(
    ("new", "expected_period", "anchor", "lines"),
    [
        (TEAM, Period(date(2028, 3, 31), date(2028, 4, 30)), date(2028, 1, 31), [2900]),
        (TEAM_YEARLY, Period(date(2028, 3, 31), date(2029, 3, 31)), date(2028, 3, 31), [29000]),
        (FREE, Period(date(2028, 3, 31), date(2028, 4, 30)), date(2028, 1, 31), []),
    ],
)
def test_at_the_exact_end_nothing_is_prorated(
    new: Plan, expected_period: Period, anchor: date, lines: list[int]
) -> None:
    period = Period(date(2028, 2, 29), date(2028, 3, 31))
    made = prorate(PRO, new, period, period.end, paid_uncredited=PRO.price, anchor=date(2028, 1, 31))
    assert (made.period, made.anchor, amounts(made)) == (expected_period, anchor, lines)
    assert made.credited == usd(0)


@pytest.mark.parametrize(("paid", "credit"), [(0, 0), (100, 100), (464, 464), (465, 465), (10_000, 465)])
def test_no_more_is_credited_than_was_paid(paid: int, credit: int) -> None:
    made = change(PRO, TEAM, JANUARY, date(2026, 1, 16), usd(paid))
    assert made.credited == usd(credit)
    assert made.net == usd(1497 - credit)


def test_the_same_tier_and_period_is_refused() -> None:
    with pytest.raises(SamePlan) as refusal:
        change(PRO, PRO, JANUARY, date(2026, 1, 16))
    assert refusal.value.code == ErrorCode.SAME_PLAN


@pytest.mark.parametrize("on", [date(2025, 12, 31), date(2026, 2, 2)])
def test_a_change_outside_the_period_is_no_question(on: date) -> None:
    with pytest.raises(ValueError, match="is not within"):
        change(PRO, TEAM, JANUARY, on)


def test_a_negative_payment_is_no_question() -> None:
    with pytest.raises(ValueError, match="cannot be negative"):
        change(PRO, TEAM, JANUARY, date(2026, 1, 16), usd(-1))


def test_free_and_enterprise_meet_across_currencies_but_two_prices_do_not() -> None:
    enterprise = plan_for(Tier.ENTERPRISE, MONTHLY, EnterpriseTerms(Money(100_000, "EUR"), 1))
    assert change(FREE, enterprise, JANUARY, JANUARY.start).due_now == Money(100_000, "EUR")
    assert change(enterprise, FREE, JANUARY, JANUARY.start).to_balance == Money(100_000, "EUR")
    with pytest.raises(CurrencyMismatch) as refusal:
        change(PRO, enterprise, JANUARY, JANUARY.start)
    assert refusal.value.code == ErrorCode.CURRENCY_MISMATCH


def test_up_and_down_at_one_instant_is_zero_on_every_day_of_every_period_length() -> None:
    pairs = {MONTHLY: (FREE, PRO, TEAM), YEARLY: (FREE_YEARLY, PRO_YEARLY, TEAM_YEARLY)}
    for days, billing_period in [
        (28, MONTHLY),
        (29, MONTHLY),
        (30, MONTHLY),
        (31, MONTHLY),
        (365, YEARLY),
        (366, YEARLY),
    ]:
        period = Period(date(2026, 1, 1), date(2026, 1, 1) + timedelta(days=days))
        for low, high in permutations(pairs[billing_period], 2):
            for day in range(days):
                on = period.start + timedelta(days=day)
                there = change(low, high, period, on)
                back = change(high, low, period, on, low.price - there.credited + there.charged)
                assert (there.net + back.net).is_zero


@given(
    old_minor=st.integers(0, 10**8),
    new_minor=st.integers(0, 10**8),
    paid=st.integers(0, 10**8),
    days=st.integers(1, 366),
    data=st.data(),
)
def test_the_total_is_the_sum_of_the_lines_and_the_credit_is_bounded(
    old_minor: int, new_minor: int, paid: int, days: int, data: st.DataObject
) -> None:
    period = Period(date(2026, 1, 1), date(2026, 1, 1) + timedelta(days=days))
    on = period.start + timedelta(days=data.draw(st.integers(0, days)))
    old = Plan(Tier.PRO, MONTHLY, usd(old_minor), 0)
    made = change(old, Plan(Tier.TEAM, MONTHLY, usd(new_minor), 0), period, on, usd(paid))
    assert made.net.minor_units == sum(amounts(made))
    assert made.credited == usd(min(paid, round_half_up(old_minor * (period.end - on).days, days)))
    assert made.due_now == made.net + made.settlement.balance_change
    assert not made.due_now.is_negative


@pytest.mark.parametrize(
    ("old", "new", "on", "unspent", "expected"),
    [
        (PRO, TEAM, date(2026, 1, 16), 10_000, 20_645),
        (PRO, TEAM, date(2026, 1, 31), 0, 1_290),
        (PRO, TEAM, date(2026, 1, 1), 0, 40_000),
        (TEAM, PRO, date(2026, 1, 16), 50_000, -20_645),
        (TEAM, PRO, date(2026, 1, 16), 20_000, -20_000),
        (TEAM, PRO, date(2026, 1, 16), 0, 0),
        (PRO, TEAM, date(2026, 2, 1), 0, 0),
        (PRO, PRO_YEARLY, date(2026, 1, 16), 10_000, 0),
    ],
)
def test_the_allowance_follows_the_days_left(old: Plan, new: Plan, on: date, unspent: int, expected: int) -> None:
    assert moved(old, new, JANUARY, on, unspent) == expected


def test_the_naive_policy_moves_the_full_difference() -> None:
    naive = CreditPolicy.FULL_DIFFERENCE
    assert moved(PRO, TEAM, JANUARY, date(2026, 1, 31), 0, policy=naive) == 40_000
    assert moved(TEAM, PRO, JANUARY, date(2026, 1, 1), 50_000, policy=naive) == -40_000
    assert moved(PRO, TEAM, JANUARY, date(2026, 2, 1), 0, policy=naive) == 0


def test_what_a_clawback_could_not_take_comes_off_the_next_upgrade() -> None:
    assert moved(FREE, TEAM, JANUARY, date(2026, 1, 1), 0, owed=49_000) == 0
    assert moved(FREE, TEAM, JANUARY, date(2026, 1, 1), 0, owed=40_000) == 9_000


PLANS = (FREE, PRO, TEAM)
DAYS = (0, 1, 10, 29, 30)


def _unearned_credits(start: Plan, path: tuple[tuple[int, Plan], ...], policy: CreditPolicy) -> Fraction:
    """The credits a month of these changes gives beyond the days spent on each plan, half a credit of rounding aside.

    The money is exact to the day on every path (asserted, half a cent a leg), so whatever is beyond the days is a gift.
    """
    plan, released, paid, spent = start, start.credits_per_month, start.price, start.price
    days_on = Counter({start: JANUARY.days})
    for day, new in path:
        on = JANUARY.start + timedelta(days=day)
        made = change(plan, new, JANUARY, on, paid)
        released += moved(plan, new, JANUARY, on, released, policy=policy)
        paid, spent = paid - made.credited + made.charged, spent + made.net
        days_on.update({plan: -JANUARY.days_left(on), new: JANUARY.days_left(on)})
        plan = new
    earned = Fraction(sum(days * each.credits_per_month for each, days in days_on.items()), JANUARY.days)
    owed_minor = Fraction(sum(days * each.price.minor_units for each, days in days_on.items()), JANUARY.days)
    assert abs(spent.minor_units - owed_minor) <= len(path)
    return released - earned - Fraction(len(path), 2)


def _paths(longest: int) -> Iterator[tuple[Plan, tuple[tuple[int, Plan], ...]]]:
    for length in range(1, longest + 1):
        for days, plans in product(combinations_with_replacement(DAYS, length), product(PLANS, repeat=length + 1)):
            if all(one is not other for one, other in pairwise(plans)):
                yield plans[0], tuple(zip(days, plans[1:], strict=True))


def test_no_path_of_four_changes_in_a_month_buys_credits_below_their_price() -> None:
    assert all(_unearned_credits(start, path, CreditPolicy.PRORATED) <= 0 for start, path in _paths(4))


def test_the_naive_policy_sells_a_months_credits_for_a_days_price() -> None:
    dearest_gift = max(_unearned_credits(start, path, CreditPolicy.FULL_DIFFERENCE) for start, path in _paths(1))
    assert dearest_gift == Fraction(49_000 * 30, 31) - Fraction(1, 2)
