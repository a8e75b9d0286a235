from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.periods import Period, credit_month_at, midnight, nth_period, period_at
from billing.tiers import BillingPeriod

MONTHLY, YEARLY = BillingPeriod.MONTHLY, BillingPeriod.YEARLY
ONE_LEAP_CYCLE = [date(2027, 1, 1) + timedelta(days=n) for n in range(4 * 365 + 1)]


@pytest.mark.parametrize(
    ("anchor", "billing_period", "starts"),
    [
        (date(2028, 1, 31), MONTHLY, ["2028-01-31", "2028-02-29", "2028-03-31", "2028-04-30", "2028-05-31"]),
        (date(2027, 1, 31), MONTHLY, ["2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30"]),
        (date(2028, 2, 29), YEARLY, ["2028-02-29", "2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"]),
        (date(2027, 11, 30), MONTHLY, ["2027-11-30", "2027-12-30", "2028-01-30", "2028-02-29", "2028-03-30"]),
    ],
)
def test_boundaries_come_from_the_anchor(anchor: date, billing_period: BillingPeriod, starts: list[str]) -> None:
    assert [nth_period(anchor, billing_period, n).start.isoformat() for n in range(len(starts))] == starts


@pytest.mark.parametrize(("billing_period", "periods"), [(MONTHLY, 124), (YEARLY, 11)])
def test_periods_tile_for_ten_years_from_every_start_day(billing_period: BillingPeriod, periods: int) -> None:
    for anchor in ONE_LEAP_CYCLE:
        tiles = [nth_period(anchor, billing_period, n) for n in range(periods)]
        assert tiles[0].start == anchor
        assert all(one.end == following.start for one, following in pairwise(tiles))


@pytest.mark.parametrize("billing_period", BillingPeriod)
@given(anchor=st.sampled_from(ONE_LEAP_CYCLE), days=st.integers(0, 366 * 12))
def test_every_day_lies_in_the_one_period_found_for_it(billing_period: BillingPeriod, anchor: date, days: int) -> None:
    on = anchor + timedelta(days=days)
    found = period_at(anchor, billing_period, on)
    containing = [n for n in range(150) if nth_period(anchor, billing_period, n).contains(on)]
    assert [nth_period(anchor, billing_period, n) for n in containing] == [found]


def test_a_boundary_belongs_to_the_period_it_starts() -> None:
    anchor = date(2028, 1, 31)
    assert period_at(anchor, MONTHLY, date(2028, 2, 28)) == Period(date(2028, 1, 31), date(2028, 2, 29))
    assert period_at(anchor, MONTHLY, date(2028, 2, 29)) == Period(date(2028, 2, 29), date(2028, 3, 31))


def test_finding_a_period_centuries_away_takes_no_walk() -> None:
    assert period_at(date(2028, 2, 29), MONTHLY, date(9000, 3, 1)) == Period(date(9000, 2, 28), date(9000, 3, 29))


def test_credit_months_are_months_whatever_the_billing_period() -> None:
    month = credit_month_at(date(2028, 2, 29), date(2029, 2, 28))
    assert month == Period(date(2029, 2, 28), date(2029, 3, 29))


def test_days_are_counted_whole_and_the_end_is_outside() -> None:
    period = Period(date(2028, 2, 1), date(2028, 3, 1))
    assert period.days == 29
    assert [period.contains(day) for day in (date(2028, 1, 31), date(2028, 2, 1), date(2028, 2, 29), period.end)] == [
        False,
        True,
        True,
        False,
    ]
    assert [period.days_left(day) for day in (period.start, date(2028, 2, 29), period.end)] == [29, 1, 0]
    assert str(period) == "2028-02-01 to 2028-03-01"


def test_days_left_is_no_question_outside_the_period() -> None:
    period = Period(date(2028, 2, 1), date(2028, 3, 1))
    for day in (date(2028, 1, 31), date(2028, 3, 2)):
        with pytest.raises(ValueError, match="is not within"):
            period.days_left(day)


def test_nothing_lies_before_the_anchor_and_no_period_is_empty() -> None:
    with pytest.raises(ValueError, match="before the anchor"):
        period_at(date(2028, 1, 31), MONTHLY, date(2028, 1, 30))
    with pytest.raises(ValueError, match="before the anchor"):
        nth_period(date(2028, 1, 31), MONTHLY, -1)
    with pytest.raises(ValueError, match="ends after it starts"):
        Period(date(2028, 1, 31), date(2028, 1, 31))


def test_boundaries_take_effect_at_utc_midnight() -> None:
    assert midnight(date(2028, 2, 29)) == datetime(2028, 2, 29, tzinfo=UTC)
