"""The state machine of a payment intent, from confirmation on."""

from copy import deepcopy
from typing import NoReturn

from mock_stripe.account import Account
from mock_stripe.cards import AUTHENTICATION_REQUIRED, Decline
from mock_stripe.errors import DOC_URL, InvalidRequestError
from mock_stripe.objects.charge import Charge
from mock_stripe.objects.failure import Failure
from mock_stripe.objects.payment_intent import PaymentIntent
from mock_stripe.objects.payment_method import PaymentMethod
from mock_stripe.params import Params
from mock_stripe.resources import attachments, authentication, balance, charging

CONFIRMABLE = frozenset({"requires_payment_method", "requires_confirmation", "requires_action"})


def unexpected_state(message: str, intent: PaymentIntent) -> InvalidRequestError:
    return InvalidRequestError(
        message, code="payment_intent_unexpected_state", facts={"payment_intent": deepcopy(intent)}
    )


def check_confirmable(intent: PaymentIntent) -> None:
    if intent["status"] not in CONFIRMABLE:
        raise unexpected_state(
            f"You cannot confirm this PaymentIntent because it has a status of {intent['status']}. Only a "
            f"PaymentIntent with one of the following statuses may be confirmed: {', '.join(sorted(CONFIRMABLE))}.",
            intent,
        )


def check_ready(intent: PaymentIntent, payment_method: PaymentMethod | None) -> None:
    if payment_method is None:
        raise unexpected_state(
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the "
            "PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a "
            "payment method or ConfirmationToken.",
            intent,
        )


def confirm(account: Account, intent: PaymentIntent, params: Params) -> None:
    """Takes the money, or asks for authentication, or raises the decline after recording it."""
    payment_method = account.store.payment_methods.get(intent["payment_method"] or "")
    facts = account.store.intent_facts[intent["id"]]
    facts.off_session = bool(params.flag("off_session") or params.text("off_session"))
    if not facts.authenticated and _must_authenticate(account, intent, payment_method):
        if facts.off_session or params.flag("error_on_requires_action"):
            _decline(account, intent, payment_method, AUTHENTICATION_REQUIRED)
        _ask(account, intent, params)
        return
    if refusal := _attempt(account, intent, payment_method):
        _decline(account, intent, payment_method, refusal)


def authenticate(account: Account, intent: PaymentIntent, *, success: bool) -> None:
    """What the cardholder did. A decline after a success is shown by the intent, there is nobody to raise it to."""
    payment_method = account.store.payment_methods.get(intent["payment_method"] or "")
    intent["next_action"] = None
    if not success:
        intent["last_payment_error"] = authentication.failure(
            "payment_intent_authentication_failure", deepcopy(payment_method)
        )
        _back_to_start(account, intent)
        return
    account.store.intent_facts[intent["id"]].authenticated = True
    if intent["confirmation_method"] == "manual":
        intent["status"] = "requires_confirmation"
    elif refusal := _attempt(account, intent, payment_method):
        _record_decline(account, intent, payment_method, refusal)


def capture(account: Account, intent: PaymentIntent, *, amount_minor: int) -> None:
    """The later capture of a hold."""
    charge = account.store.charges.get(intent["latest_charge"] or "")
    before = deepcopy(charge)
    charging.capture(account, charge, amount_minor=amount_minor)
    balance.book_charge(account, charge)
    intent["amount_capturable"] = 0
    intent["amount_received"] = amount_minor
    intent["status"] = "succeeded"
    account.emit("charge.captured", charge, before=before)
    account.emit("payment_intent.succeeded", intent)


def release_hold(account: Account, intent: PaymentIntent) -> None:
    if intent["status"] != "requires_capture":
        return
    charge = account.store.charges.get(intent["latest_charge"] or "")
    before = deepcopy(charge)
    charge["amount_refunded"], charge["refunded"] = charge["amount"], True
    intent["amount_capturable"] = 0
    account.emit("charge.refunded", charge, before=before)


def _must_authenticate(account: Account, intent: PaymentIntent, payment_method: PaymentMethod) -> bool:
    return authentication.required_to_pay(
        account,
        payment_method,
        off_session=account.store.intent_facts[intent["id"]].off_session,
        requested=intent["payment_method_options"]["card"]["request_three_d_secure"],
    )


def _ask(account: Account, intent: PaymentIntent, params: Params) -> None:
    intent["status"] = "requires_action"
    intent["last_payment_error"] = None
    intent["next_action"] = authentication.next_action(
        account,
        intent["id"],
        return_url=params.text("return_url"),
        use_stripe_sdk=params.flag("use_stripe_sdk") or False,
    )
    account.emit("payment_intent.requires_action", intent)


def _attempt(account: Account, intent: PaymentIntent, payment_method: PaymentMethod) -> Decline | None:
    """One charge that succeeds, or the bank's refusal."""
    if refusal := charging.bank_refusal(account, payment_method):
        return refusal
    facts = account.store.intent_facts[intent["id"]]
    charge = charging.charge(account, intent, payment_method, refusal=None, authenticated=facts.authenticated)
    intent["last_payment_error"] = intent["next_action"] = None
    _keep_or_use_up(account, intent, payment_method)
    if intent["capture_method"] == "manual":
        _hold(account, intent, charge)
    else:
        _take(account, intent, charge)
    return None


def _hold(account: Account, intent: PaymentIntent, charge: Charge) -> None:
    intent["status"] = "requires_capture"
    intent["amount_capturable"] = intent["amount"]
    account.emit("charge.succeeded", charge)
    account.emit("payment_intent.amount_capturable_updated", intent)


def _take(account: Account, intent: PaymentIntent, charge: Charge) -> None:
    charging.capture(account, charge, amount_minor=intent["amount"])
    if intent["capture_method"] == "automatic":
        balance.book_charge(account, charge)
    else:
        charging.book_later(account, charge)
    intent["status"] = "succeeded"
    intent["amount_received"] = intent["amount"]
    account.emit("charge.succeeded", charge)
    account.emit("payment_intent.succeeded", intent)


def _keep_or_use_up(account: Account, intent: PaymentIntent, payment_method: PaymentMethod) -> None:
    """With `setup_future_usage` the card is saved; without, and without a customer of its own, it is spent."""
    facts = account.store.card_facts[payment_method["id"]]
    usage = intent["setup_future_usage"]
    if usage and intent["customer"]:
        attachments.attach(account, payment_method, customer_id=intent["customer"])
        facts.set_up = facts.set_up or usage == "off_session"
    elif payment_method["customer"] is None:
        facts.usable = False


def _decline(account: Account, intent: PaymentIntent, payment_method: PaymentMethod, refusal: Decline) -> NoReturn:
    shown = deepcopy(payment_method)
    charge = _record_decline(account, intent, payment_method, refusal)
    raise attachments.declined(refusal, charge=charge["id"], payment_intent=deepcopy(intent), payment_method=shown)


def _record_decline(account: Account, intent: PaymentIntent, payment_method: PaymentMethod, refusal: Decline) -> Charge:
    facts = account.store.intent_facts[intent["id"]]
    charge = charging.charge(account, intent, payment_method, refusal=refusal, authenticated=facts.authenticated)
    account.emit("charge.failed", charge)
    intent["last_payment_error"] = _failure(refusal, charge, payment_method)
    _back_to_start(account, intent)
    return charge


def _back_to_start(account: Account, intent: PaymentIntent) -> None:
    intent["status"] = "requires_payment_method"
    intent["payment_method"] = None
    account.store.intent_facts[intent["id"]].authenticated = False
    account.emit("payment_intent.payment_failed", intent)


def _failure(refusal: Decline, charge: Charge, payment_method: PaymentMethod) -> Failure:
    return {
        "advice_code": refusal.advice_code,
        "charge": charge["id"],
        "code": refusal.code,
        "decline_code": refusal.decline_code,
        "doc_url": DOC_URL + refusal.code.replace("_", "-"),
        "message": refusal.message,
        "network_decline_code": refusal.network_decline_code,
        "payment_method": deepcopy(payment_method),
        "type": "card_error",
    }
