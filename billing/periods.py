"""Billing periods and credit months: half-open, cut at UTC midnight, and every boundary counted from the anchor.

A boundary is never derived from the one before it: monthly from 31 January, that would slide to the 28th for good.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from billing.tiers import BillingPeriod

_MONTHS = {BillingPeriod.MONTHLY: 1, BillingPeriod.YEARLY: 12}


@dataclass(frozen=True, slots=True)
class Period:
    """From the start of `start` until the start of `end`."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise ValueError(f"a period ends after it starts: {self}")

    @property
    def days(self) -> int:
        return (self.end - self.start).days

    def contains(self, day: date) -> bool:
        return self.start <= day < self.end

    def days_left(self, on: date) -> int:
        """Whole days from `on`, which counts, to the end; 0 at the end itself."""
        if not self.start <= on <= self.end:
            raise ValueError(f"{on} is not within {self}")
        return (self.end - on).days

    def __str__(self) -> str:
        return f"{self.start.isoformat()} to {self.end.isoformat()}"


def midnight(day: date) -> datetime:
    """The instant at which a boundary on this day takes effect."""
    return datetime.combine(day, time(), tzinfo=UTC)


def nth_period(anchor: date, billing_period: BillingPeriod, n: int) -> Period:
    """The period number `n` from the anchor; the first is 0."""
    if n < 0:
        raise ValueError(f"there is no period before the anchor: {n}")
    months = _MONTHS[billing_period]
    return Period(_months_after(anchor, n * months), _months_after(anchor, (n + 1) * months))


def period_at(anchor: date, billing_period: BillingPeriod, on: date) -> Period:
    if on < anchor:
        raise ValueError(f"{on} lies before the anchor {anchor}")
    whole_months = (on.year - anchor.year) * 12 + on.month - anchor.month
    period = nth_period(anchor, billing_period, n := whole_months // _MONTHS[billing_period])
    return period if period.start <= on else nth_period(anchor, billing_period, n - 1)


def credit_month_at(anchor: date, on: date) -> Period:
    """Credits are released monthly on yearly plans too."""
    return period_at(anchor, BillingPeriod.MONTHLY, on)


def _months_after(anchor: date, months: int) -> date:
    years, month0 = divmod(anchor.month - 1 + months, 12)
    year, month = anchor.year + years, month0 + 1
    return date(year, month, min(anchor.day, monthrange(year, month)[1]))
