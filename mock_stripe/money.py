"""Currencies, the least that can be charged, and Stripe's fee."""

from mock_stripe.errors import ParameterError

MOST_MINOR = 99_999_999

_LEAST_MINOR = {
    "aed": 200,
    "ars": 50,
    "aud": 50,
    "brl": 50,
    "cad": 50,
    "chf": 50,
    "cop": 50,
    "czk": 1500,
    "dkk": 250,
    "eur": 50,
    "gbp": 30,
    "hkd": 400,
    "huf": 17500,
    "idr": 50,
    "ils": 50,
    "inr": 50,
    "jpy": 50,
    "krw": 50,
    "mxn": 1000,
    "myr": 200,
    "nok": 300,
    "nzd": 50,
    "php": 50,
    "pln": 200,
    "ron": 200,
    "rub": 50,
    "sek": 300,
    "sgd": 50,
    "thb": 1000,
    "usd": 50,
    "zar": 50,
}
_WITHOUT_MINOR_UNIT = frozenset({"jpy", "krw"})
_SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥"}


def read_currency(text: str) -> str:
    currency = text.lower()
    if currency not in _LEAST_MINOR:
        raise ParameterError(
            f"Invalid currency: {text}. Stripe currently supports these currencies: {', '.join(_LEAST_MINOR)}",
            param="currency",
        )
    return currency


def check_amount(amount_minor: int, currency: str) -> None:
    if amount_minor < 1:
        raise ParameterError(
            "This value must be greater than or equal to 1.", code="parameter_invalid_integer", param="amount"
        )
    if amount_minor < _LEAST_MINOR[currency]:
        least = show(_LEAST_MINOR[currency], currency)
        raise ParameterError(f"Amount must be at least {least} {currency}", code="amount_too_small", param="amount")
    if amount_minor > MOST_MINOR:
        most = show(MOST_MINOR, currency)
        raise ParameterError(f"Amount must be no more than {most} {currency}", code="amount_too_large", param="amount")


def show(amount_minor: int, currency: str) -> str:
    """`$12.34`."""
    symbol = _SYMBOLS.get(currency, "")
    if currency in _WITHOUT_MINOR_UNIT:
        return f"{symbol}{amount_minor:,}"
    whole, hundredths = divmod(amount_minor, 100)
    return f"{symbol}{whole:,}.{hundredths:02}"


def processing_fee(amount_minor: int) -> int:
    """2.9 % rounded half up, and 30."""
    return (amount_minor * 29 + 500) // 1000 + 30
