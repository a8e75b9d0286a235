"""Stripe's test cards: numbers, the tok_* and pm_card_* names for them, and how each one behaves.

Source: docs.stripe.com/testing.
"""

from dataclasses import dataclass, replace
from enum import Enum


@dataclass(frozen=True, slots=True)
class Decline:
    code: str
    decline_code: str
    message: str
    advice_code: str = "try_again_later"
    network_decline_code: str = "05"
    blocked: bool = False
    """Stripe's own Radar stopped it; no bank was asked."""


GENERIC = Decline("card_declined", "generic_decline", "Your card was declined.")
INSUFFICIENT_FUNDS = Decline(
    "card_declined", "insufficient_funds", "Your card has insufficient funds.", network_decline_code="51"
)
LOST = Decline("card_declined", "lost_card", "Your card was declined.", "do_not_try_again", "41")
STOLEN = Decline("card_declined", "stolen_card", "Your card was declined.", "do_not_try_again", "43")
EXPIRED = Decline("expired_card", "expired_card", "Your card has expired.", "do_not_try_again", "54")
INCORRECT_CVC = Decline(
    "incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect.", "confirm_card_data", "N7"
)
PROCESSING_ERROR = Decline(
    "processing_error", "processing_error", "An error occurred while processing your card. Try again in a little bit."
)
VELOCITY = Decline(
    "card_declined",
    "card_velocity_exceeded",
    "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
    network_decline_code="65",
)
FRAUDULENT = Decline("card_declined", "fraudulent", "Your card was declined.", "do_not_try_again", blocked=True)
AUTHENTICATION_REQUIRED = Decline(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
    "confirm_card_data",
    "1A",
)


class Authentication(Enum):
    """When a card asks for 3-D Secure."""

    NEVER = "never"
    IF_REQUESTED = "if_requested"
    ON_SESSION = "on_session"  # and off-session as long as it is not set up
    ALWAYS = "always"


class RefundCourse(Enum):
    IMMEDIATE = "immediate"
    PENDING = "pending"  # succeeds later
    FAILING = "failing"  # succeeds, then fails


@dataclass(frozen=True, slots=True)
class TestCard:
    __test__ = False  # for pytest: not a test class

    number: str
    brand: str = "visa"
    funding: str = "credit"
    decline: Decline | None = None
    attachable: bool = True
    authentication: Authentication = Authentication.NEVER
    born_set_up: bool = False
    refund: RefundCourse = RefundCourse.IMMEDIATE
    cvc_check: str = "pass"

    @property
    def last4(self) -> str:
        return self.number[-4:]

    @property
    def three_d_secure_supported(self) -> bool:
        return self.brand not in {"amex", "unionpay"}


def _refused(number: str, decline: Decline) -> TestCard:
    return TestCard(number, decline=decline, attachable=False)


def _guarded(number: str, when: Authentication, *, decline: Decline | None = None, set_up: bool = False) -> TestCard:
    return TestCard(number, authentication=when, decline=decline, born_set_up=set_up)


_ALWAYS = Authentication.ALWAYS
_ON_SESSION = Authentication.ON_SESSION

_BY_NAME: dict[str, TestCard] = {
    "visa": TestCard("4242424242424242"),
    "visa_debit": TestCard("4000056655665556", funding="debit"),
    "mastercard": TestCard("5555555555554444", brand="mastercard"),
    "mastercard_debit": TestCard("5200828282828210", brand="mastercard", funding="debit"),
    "mastercard_prepaid": TestCard("5105105105105100", brand="mastercard", funding="prepaid"),
    "amex": TestCard("378282246310005", brand="amex"),
    "discover": TestCard("6011111111111117", brand="discover"),
    "diners": TestCard("3056930009020004", brand="diners"),
    "jcb": TestCard("3566002020360505", brand="jcb"),
    "unionpay": TestCard("6200000000000005", brand="unionpay"),
    "chargeDeclined": _refused("4000000000000002", GENERIC),
    "chargeDeclinedInsufficientFunds": _refused("4000000000009995", INSUFFICIENT_FUNDS),
    "chargeDeclinedLostCard": _refused("4000000000009987", LOST),
    "chargeDeclinedStolenCard": _refused("4000000000009979", STOLEN),
    "chargeDeclinedExpiredCard": _refused("4000000000000069", EXPIRED),
    "chargeDeclinedIncorrectCvc": replace(_refused("4000000000000127", INCORRECT_CVC), cvc_check="fail"),
    "chargeDeclinedProcessingError": _refused("4000000000000119", PROCESSING_ERROR),
    "chargeDeclinedVelocityLimitExceeded": _refused("4000000000006975", VELOCITY),
    "chargeDeclinedFraudulent": _refused("4100000000000019", FRAUDULENT),
    "chargeCustomerFail": TestCard("4000000000000341", decline=GENERIC),
    "authenticationRequired": _guarded("4000002760003184", _ALWAYS),
    "authenticationRequiredOnSetup": _guarded("4000002500003155", _ON_SESSION),
    "authenticationRequiredSetupForOffSession": _guarded("4000003800000446", _ON_SESSION, set_up=True),
    "authenticationRequiredChargeDeclinedInsufficientFunds": _guarded(
        "4000008260003178", _ALWAYS, decline=INSUFFICIENT_FUNDS
    ),
    "threeDSecure2Required": _guarded("4000000000003220", _ALWAYS),
    "threeDSecureRequired": _guarded("4000000000003063", _ALWAYS),
    "threeDSecureRequiredChargeDeclined": _guarded("4000008400001629", _ALWAYS, decline=GENERIC),
    "threeDSecureOptional": _guarded("4000000000003055", Authentication.IF_REQUESTED),
    "pendingRefund": TestCard("4000000000007726", refund=RefundCourse.PENDING),
    "refundFail": TestCard("4000000000005126", refund=RefundCourse.FAILING),
}

_OTHER_NUMBERS = [
    TestCard("2223003122003222", brand="mastercard"),
    TestCard("371449635398431", brand="amex"),
    TestCard("36227206271667", brand="diners"),
    TestCard("4000000000000077"),
    TestCard("4000000000000101", cvc_check="fail"),
]

_BY_NUMBER = {card.number: card for card in [*_OTHER_NUMBERS, *_BY_NAME.values()]}


def card_by_alias(alias: str) -> TestCard | None:
    """`pm_card_visa`, `tok_mastercard`, `pm_card_visa_chargeDeclined` (the brand before a behaviour is optional)."""
    for prefix in ("pm_card_", "tok_"):
        if alias.startswith(prefix):
            name = alias.removeprefix(prefix)
            return _BY_NAME.get(name) or _BY_NAME.get(name.removeprefix("visa_"))
    return None


def card_by_number(number: str) -> TestCard | None:
    return _BY_NUMBER.get(number)


def valid_number(number: str) -> bool:
    """The Luhn checksum, and a plausible length."""
    if not (number.isascii() and number.isdigit() and 12 <= len(number) <= 19):
        return False
    doubled = [int(digit) * (1 + index % 2) for index, digit in enumerate(reversed(number))]
    return sum(digit // 10 + digit % 10 for digit in doubled) % 10 == 0
