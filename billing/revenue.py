"""What live plans come to in a month."""

from collections import defaultdict
from collections.abc import Iterable

from billing.money import Money, round_half_up
from billing.tiers import BillingPeriod

MONTHS = {BillingPeriod.MONTHLY: 1, BillingPeriod.YEARLY: 12}


def monthly_revenue(prices: Iterable[tuple[BillingPeriod, Money]]) -> tuple[Money, ...]:
    """One amount for each currency, by its code. Rounded once, so that cents do not add up to dollars."""
    twelfths: dict[str, int] = defaultdict(int)
    for period, price in prices:
        twelfths[price.currency] += price.minor_units * 12 // MONTHS[period]
    return tuple(Money(round_half_up(twelfths[currency], 12), currency) for currency in sorted(twelfths))
