from billing.money import Money
from billing.revenue import monthly_revenue
from billing.tiers import BillingPeriod

MONTHLY, YEARLY = BillingPeriod.MONTHLY, BillingPeriod.YEARLY


def test_a_yearly_price_counts_with_a_twelfth() -> None:
    assert monthly_revenue([(MONTHLY, Money(900, "USD")), (YEARLY, Money(29_000, "USD"))]) == (Money(3_317, "USD"),)


def test_it_is_rounded_once_for_all_of_a_currency() -> None:
    assert monthly_revenue([(YEARLY, Money(1, "USD"))] * 12) == (Money(1, "USD"),)


def test_currencies_are_never_added_up() -> None:
    prices = [(MONTHLY, Money(500, "USD")), (MONTHLY, Money(700, "EUR"))]

    assert monthly_revenue(prices) == (Money(700, "EUR"), Money(500, "USD"))


def test_no_customer_no_amount() -> None:
    assert monthly_revenue([]) == ()
