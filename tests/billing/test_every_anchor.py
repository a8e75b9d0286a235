"""Periods and proration from every kind of anchor day, against arithmetic that counts whole days on a calendar."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, timedelta
from fractions import Fraction
from math import floor

import pytest

from billing.periods import Period, nth_period, period_at
from billing.proration import prorate
from billing.tiers import BillingPeriod, Tier, plan_for

ONE_LEAP_CYCLE = [date(2027, 1, 1) + timedelta(days=n) for n in range(4 * 365 + 1)]
ANCHORS = [day for number, day in enumerate(ONE_LEAP_CYCLE) if day.day in (1, 28, 29, 30, 31) or number % 17 == 0]


def _calendar(anchor: date, *, months: int, count: int) -> Iterator[Period]:
    """Month by month, the anchor's day or the month's last."""
    starts, first = [anchor], anchor.replace(day=1)
    for _ in range(months * count):
        first = (first + timedelta(days=31)).replace(day=1)
        starts.append(first.replace(day=min(anchor.day, monthrange(first.year, first.month)[1])))
    for n in range(count):
        yield Period(starts[n * months], starts[(n + 1) * months])


def _share(minor_units: int, period: Period, on: date) -> int:
    """To the nearest cent; half a cent is one."""
    return floor(Fraction(minor_units * (period.end - on).days, (period.end - period.start).days) + Fraction(1, 2))


@pytest.mark.parametrize(
    ("billing_period", "months", "count"), [(BillingPeriod.MONTHLY, 1, 14), (BillingPeriod.YEARLY, 12, 5)]
)
def test_a_change_costs_the_days_that_are_left_of_every_period_from_every_anchor(
    billing_period: BillingPeriod, months: int, count: int
) -> None:
    pro, team = plan_for(Tier.PRO, billing_period), plan_for(Tier.TEAM, billing_period)
    for anchor in ANCHORS:
        for n, period in enumerate(_calendar(anchor, months=months, count=count)):
            assert nth_period(anchor, billing_period, n) == period
            last = period.end - timedelta(days=1)
            for on in (period.start, period.start + timedelta(days=14), last):
                assert period_at(anchor, billing_period, on) == period
                made = prorate(pro, team, period, on, paid_uncredited=pro.price, anchor=anchor)
                assert made.credited.minor_units == _share(pro.price.minor_units, period, on)
                assert made.charged.minor_units == _share(team.price.minor_units, period, on)
                assert (made.period, made.anchor) == (period, anchor)
