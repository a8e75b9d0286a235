from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.errors import CurrencyMismatch, InvalidInput
from billing.money import EXPONENTS, MINIMUM_CHARGE_MINOR, Money, minimum_charge, round_half_up


@pytest.mark.parametrize(
    ("minor_units", "currency", "amount"),
    [
        (1032, "USD", "10.32"),
        (-465, "USD", "-4.65"),
        (5, "EUR", "0.05"),
        (-5, "EUR", "-0.05"),
        (0, "USD", "0.00"),
        (500, "JPY", "500"),
        (-1, "JPY", "-1"),
        (1250, "KWD", "1.250"),
        (7, "BHD", "0.007"),
        (10**20, "USD", "1000000000000000000.00"),
    ],
)
def test_amount_has_the_decimals_of_its_currency(minor_units: int, currency: str, amount: str) -> None:
    assert Money(minor_units, currency).amount == amount
    assert str(Money(minor_units, currency)) == f"{amount} {currency}"


@pytest.mark.parametrize("currency", ["usd", "US", "", "XXX", "USD ", "XAU"])
def test_only_upper_case_iso_codes_are_money(currency: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        Money(1, currency)
    assert refusal.value.field == "currency"


@pytest.mark.parametrize("minor_units", [1.0, True, "1", None])
def test_minor_units_are_an_integer_and_nothing_that_looks_like_one(minor_units: object) -> None:
    with pytest.raises(TypeError, match="must be an int"):
        Money(minor_units, "USD")  # type: ignore[arg-type]  # the point of the test


def test_arithmetic_stays_within_one_currency() -> None:
    assert Money(1497, "USD") + Money(-465, "USD") == Money(1032, "USD")
    assert Money(900, "USD") - Money(1000, "USD") == Money(-100, "USD")
    assert Money(900, "USD") * 3 == Money(2700, "USD")
    assert -Money(900, "USD") == Money(-900, "USD")
    with pytest.raises(CurrencyMismatch):
        Money(1, "USD") + Money(1, "EUR")
    with pytest.raises(CurrencyMismatch):
        Money(1, "USD") - Money(1, "EUR")


def test_comparison_stays_within_one_currency() -> None:
    assert Money(1, "USD") < Money(2, "USD") <= Money(2, "USD")
    assert max(Money(1, "USD"), Money(2, "USD")) == Money(2, "USD")
    assert Money(1, "USD") != Money(1, "EUR")
    with pytest.raises(CurrencyMismatch):
        _ = Money(1, "USD") < Money(2, "EUR")


def test_signs() -> None:
    signs = [(m.is_negative, m.is_zero, m.is_positive) for m in (Money(-1, "USD"), Money.zero("USD"), Money(1, "USD"))]
    assert signs == [(True, False, False), (False, True, False), (False, False, True)]


@pytest.mark.parametrize(
    ("numerator", "denominator", "rounded"),
    [
        (1, 2, 1),
        (-1, 2, -1),
        (3, 2, 2),
        (-3, 2, -2),
        (1, 3, 0),
        (-1, 3, 0),
        (2, 3, 1),
        (-2, 3, -1),
        (0, 7, 0),
        (7, 1, 7),
    ],
)
def test_rounding_takes_ties_away_from_zero(numerator: int, denominator: int, rounded: int) -> None:
    assert round_half_up(numerator, denominator) == rounded


@given(st.integers(-(10**15), 10**15), st.integers(1, 10**6))
def test_rounding_is_symmetric_and_never_off_by_more_than_a_half(numerator: int, denominator: int) -> None:
    rounded = round_half_up(numerator, denominator)
    assert abs(rounded - Fraction(numerator, denominator)) <= Fraction(1, 2)
    assert round_half_up(-numerator, denominator) == -rounded


def test_rounding_refuses_a_denominator_that_is_not_positive() -> None:
    for denominator in (0, -1):
        with pytest.raises(ValueError, match="cannot divide"):
            round_half_up(1, denominator)


def test_minimum_charges() -> None:
    assert minimum_charge("USD") == Money(50, "USD")
    assert minimum_charge("HUF") == Money(17500, "HUF")
    assert minimum_charge("KES") == Money(1, "KES")
    assert set(MINIMUM_CHARGE_MINOR) <= set(EXPONENTS)
