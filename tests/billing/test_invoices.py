from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.errors import CurrencyMismatch
from billing.invoices import (
    PAYABLE,
    InvoiceStatus,
    Line,
    due_date,
    first_invoice,
    line,
    settle,
    total,
)
from billing.money import Money
from billing.periods import Period
from billing.tiers import BillingPeriod, Tier, plan_for

PERIOD = Period(date(2026, 2, 28), date(2026, 3, 31))


def usd(minor_units: int) -> Money:
    return Money(minor_units, "USD")


def test_an_invoice_says_what_was_bought_and_for_how_long() -> None:
    lines = first_invoice(plan_for(Tier.PRO, BillingPeriod.MONTHLY), PERIOD)
    assert lines == (Line("Pro, monthly, 2026-02-28 to 2026-03-31", 1, usd(900), usd(900)),)


def test_free_makes_no_invoice() -> None:
    assert first_invoice(plan_for(Tier.FREE, BillingPeriod.YEARLY), PERIOD) == ()


@pytest.mark.parametrize(("quantity", "amount"), [(2, 900), (0, 0), (-1, -900)])
def test_a_lines_amount_is_quantity_times_unit_price(quantity: int, amount: int) -> None:
    with pytest.raises(ValueError, match="quantity times unit price"):
        Line("Pro", quantity, usd(900), usd(amount))


def test_the_total_is_the_sum_of_the_lines() -> None:
    assert total((line("a", usd(-465)), line("b", usd(1497))), "USD") == usd(1032)
    assert total((), "EUR") == Money(0, "EUR")
    with pytest.raises(CurrencyMismatch):
        total((line("a", usd(1)), line("b", Money(1, "EUR"))), "USD")


def test_an_invoice_is_due_in_thirty_days_and_payable_until_it_is_settled() -> None:
    assert due_date(date(2028, 2, 15)) == date(2028, 3, 16)
    assert {InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE} == PAYABLE


@pytest.mark.parametrize(
    ("amount", "balance", "from_balance", "due_now", "carried", "to_balance"),
    [
        (1032, 0, 0, 1032, 0, 0),
        (1032, 500, 500, 532, 0, 0),
        (1032, 2000, 1032, 0, 0, 0),
        (1032, 1000, 1000, 0, 32, 0),
        (49, 0, 0, 0, 49, 0),
        (50, 0, 0, 50, 0, 0),
        (40, -49, -49, 89, 0, 0),
        (900, -49, -49, 949, 0, 0),
        (-465, 0, 0, 0, 0, 465),
        (-465, -49, 0, 0, 0, 465),
        (0, 700, 0, 0, 0, 0),
        (0, -49, 0, 0, 0, 0),
    ],
)
def test_settlements(amount: int, balance: int, from_balance: int, due_now: int, carried: int, to_balance: int) -> None:
    made = settle(usd(amount), usd(balance))
    assert (made.from_balance, made.due_now, made.carried, made.to_balance) == (
        usd(from_balance),
        usd(due_now),
        usd(carried),
        usd(to_balance),
    )


@given(st.lists(st.integers(-5_000, 5_000), max_size=12))
def test_over_a_run_of_invoices_every_unit_is_collected_or_stands_on_the_balance(totals: list[int]) -> None:
    balance, collected = usd(0), usd(0)
    for amount in totals:
        made = settle(usd(amount), balance)
        assert made.due_now == made.total + made.balance_change
        assert made.due_now.is_zero or made.due_now >= usd(50)
        balance, collected = balance + made.balance_change, collected + made.due_now
    assert collected - balance == usd(sum(totals))


def test_a_balance_in_another_currency_pays_nothing() -> None:
    with pytest.raises(CurrencyMismatch):
        settle(usd(100), Money(100, "EUR"))
