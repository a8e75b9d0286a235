"""Money is an integer number of minor units and a currency. No float touches it, not even on the way in."""

from dataclasses import dataclass
from functools import total_ordering

from billing.currencies import EXPONENTS, MINIMUM_CHARGE_MINOR
from billing.errors import CurrencyMismatch, InvalidInput

__all__ = [
    "EXPONENTS",
    "MINIMUM_CHARGE_MINOR",
    "Money",
    "is_chargeable",
    "maximum_charge",
    "minimum_charge",
    "round_half_up",
]


@total_ordering
@dataclass(frozen=True, slots=True)
class Money:
    minor_units: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.minor_units) is not int:  # a bool is an int too, and a float compares equal to one
            raise TypeError(f"minor units must be an int, not {self.minor_units!r}")
        if self.currency not in EXPONENTS:
            raise InvalidInput("currency", f"must be an ISO 4217 code in upper case, not {self.currency!r}")

    @classmethod
    def zero(cls, currency: str) -> "Money":
        return cls(0, currency)

    @property
    def amount(self) -> str:
        """As a decimal string with the currency's own number of decimals: "-4.65", "500", "1.250"."""
        exponent = EXPONENTS[self.currency]
        digits = str(abs(self.minor_units)).rjust(exponent + 1, "0")
        sign = "-" if self.minor_units < 0 else ""
        return f"{sign}{digits[:-exponent]}.{digits[-exponent:]}" if exponent else f"{sign}{digits}"

    @property
    def is_zero(self) -> bool:
        return self.minor_units == 0

    @property
    def is_positive(self) -> bool:
        return self.minor_units > 0

    @property
    def is_negative(self) -> bool:
        return self.minor_units < 0

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor_units + self._same_currency(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor_units - self._same_currency(other), self.currency)

    def __mul__(self, quantity: int) -> "Money":
        return Money(self.minor_units * quantity, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor_units, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.minor_units < self._same_currency(other)

    def _same_currency(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise CurrencyMismatch(self.currency, other.currency)
        return other.minor_units


def round_half_up(numerator: int, denominator: int) -> int:
    """numerator / denominator to the nearest integer, ties away from zero, so that a credit mirrors its charge."""
    if denominator <= 0:
        raise ValueError(f"cannot divide by {denominator}")
    magnitude = (2 * abs(numerator) + denominator) // (2 * denominator)
    return magnitude if numerator >= 0 else -magnitude


def is_chargeable(currency: str) -> bool:
    """Whether the payment processor charges in it, and counts in the same minor units as we do."""
    return currency in MINIMUM_CHARGE_MINOR


def minimum_charge(currency: str) -> Money:
    """The smallest amount the payment processor charges; one minor unit where nothing can be charged."""
    return Money(MINIMUM_CHARGE_MINOR.get(currency, 1), currency)


def maximum_charge(currency: str) -> Money:
    """The largest: the processor takes amounts of up to eight digits."""
    return Money(99_999_999, currency)
