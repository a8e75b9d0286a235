"""Payment methods coming into being, and belonging to customers."""

from copy import deepcopy
from hashlib import sha256

from mock_stripe.account import Account
from mock_stripe.cards import Decline, TestCard, card_by_alias
from mock_stripe.errors import CardError, InvalidRequestError
from mock_stripe.objects.contact import BillingDetails, read_billing_details
from mock_stripe.objects.payment_method import Card, PaymentMethod
from mock_stripe.params import Params
from mock_stripe.store import CardFacts

YEARS_VALID = 10
"""Expiry of the cards behind pm_card_* and tok_*: a story of several years must not end in a decline."""


def prepare(account: Account, name: str) -> PaymentMethod:
    """The payment method of this id; `pm_card_*` makes a fresh one at every use."""
    card = card_by_alias(name)
    if card is None or not name.startswith("pm_"):
        return account.store.payment_methods.get(name, param="payment_method")
    return make(account, card)


def make(
    account: Account,
    card: TestCard,
    *,
    expiry: tuple[int, int] | None = None,
    billing_details: BillingDetails | None = None,
) -> PaymentMethod:
    """`expiry`: month and year."""
    now = account.clock.now()
    payment_method: PaymentMethod = {
        "id": account.new_id("pm"),
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": billing_details or read_billing_details(Params({})),
        "card": _describe(card, expiry or (now.month, now.year + YEARS_VALID)),
        "created": account.now(),
        "customer": None,
        "customer_account": None,
        "livemode": False,
        "metadata": {},
        "radar_options": {"session": None},
        "type": "card",
    }
    account.store.payment_methods.add(payment_method["id"], payment_method)
    account.store.card_facts[payment_method["id"]] = CardFacts(card, set_up=card.born_set_up)
    return payment_method


def attach(account: Account, payment_method: PaymentMethod, *, customer_id: str) -> None:
    if payment_method["customer"] == customer_id:
        return
    check_attachable(account, payment_method)
    payment_method["customer"] = customer_id
    payment_method["card"]["checks"]["cvc_check"] = account.store.card_facts[payment_method["id"]].card.cvc_check
    account.emit("payment_method.attached", payment_method)


def check_attachable(account: Account, payment_method: PaymentMethod) -> None:
    """Stripe verifies every card that it saves."""
    facts = account.store.card_facts[payment_method["id"]]
    if payment_method["customer"] is not None:
        raise InvalidRequestError(
            "The payment method you provided has already been attached to a customer.",
            code="payment_method_unexpected_state",
            param="payment_method",
        )
    if not facts.usable:
        raise used_up()
    if facts.card.decline and not facts.card.attachable:
        raise declined(facts.card.decline)


def detach(account: Account, payment_method: PaymentMethod) -> None:
    before = deepcopy(payment_method)
    customer_id, payment_method["customer"] = payment_method["customer"], None
    account.store.card_facts[payment_method["id"]].usable = False
    account.emit("payment_method.detached", payment_method, before=before)
    customer = account.store.customers.find(customer_id or "")
    if customer and customer["invoice_settings"]["default_payment_method"] == payment_method["id"]:
        customer_before = deepcopy(customer)
        customer["invoice_settings"]["default_payment_method"] = None
        account.emit("customer.updated", customer, before=customer_before)


def used_up() -> InvalidRequestError:
    return InvalidRequestError(
        "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, shared with "
        "a connected account without Customer attachment, or was detached from a Customer. It may not be used again. "
        "To use a PaymentMethod multiple times, you must attach it to a Customer first.",
        code="payment_method_unexpected_state",
        param="payment_method",
    )


def declined(decline: Decline, **facts: object) -> CardError:
    return CardError(
        decline.message,
        code=decline.code,
        facts={
            "decline_code": decline.decline_code,
            "advice_code": decline.advice_code,
            "network_decline_code": decline.network_decline_code,
            **facts,
        },
    )


def _describe(card: TestCard, expiry: tuple[int, int]) -> Card:
    month, year = expiry
    return {
        "brand": card.brand,
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": None},
        "country": "US",
        "display_brand": card.brand,
        "exp_month": month,
        "exp_year": year,
        "fingerprint": _fingerprint(card),
        "funding": card.funding,
        "generated_from": None,
        "last4": card.last4,
        "networks": {"available": [card.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": card.three_d_secure_supported},
        "wallet": None,
    }


def _fingerprint(card: TestCard) -> str:
    """The same for every payment method of one number, and not the number."""
    return sha256(card.number.encode()).hexdigest()[:16]
