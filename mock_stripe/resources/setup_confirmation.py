"""The state machine of a setup intent, from confirmation on."""

from copy import deepcopy

from mock_stripe.account import Account
from mock_stripe.cards import Decline
from mock_stripe.errors import DOC_URL, InvalidRequestError
from mock_stripe.objects.failure import Failure
from mock_stripe.objects.payment_method import PaymentMethod
from mock_stripe.objects.setup_intent import AttemptedCard, SetupAttempt, SetupIntent
from mock_stripe.params import Params
from mock_stripe.resources import attachments, authentication


def unexpected_state(message: str, intent: SetupIntent) -> InvalidRequestError:
    return InvalidRequestError(message, code="setup_intent_unexpected_state", facts={"setup_intent": deepcopy(intent)})


def check_ready(intent: SetupIntent, payment_method: PaymentMethod | None) -> None:
    if payment_method is None:
        raise unexpected_state(
            "You cannot confirm this SetupIntent because it's missing a payment method. Update the SetupIntent with a "
            "payment method and then confirm it again.",
            intent,
        )


def confirm(account: Account, intent: SetupIntent, params: Params) -> None:
    payment_method = account.store.payment_methods.get(intent["payment_method"] or "")
    card = account.store.card_facts[payment_method["id"]].card
    attempt = _attempt(account, intent, payment_method)
    if card.decline and not card.attachable:
        _decline(account, intent, attempt, card.decline, payment_method)
    requested = intent["payment_method_options"]["card"]["request_three_d_secure"]
    if authentication.required_to_set_up(account, payment_method, requested=requested):
        _ask(account, intent, attempt, params)
    else:
        _succeed(account, intent, attempt, payment_method)


def authenticate(account: Account, intent: SetupIntent, *, success: bool) -> None:
    payment_method = account.store.payment_methods.get(intent["payment_method"] or "")
    attempt = account.store.setup_attempts.get(intent["latest_attempt"] or "")
    intent["next_action"] = None
    if success:
        _succeed(account, intent, attempt, payment_method)
        return
    failure = authentication.failure("setup_intent_authentication_failure", deepcopy(payment_method))
    _fail(account, intent, attempt, failure)


def _ask(account: Account, intent: SetupIntent, attempt: SetupAttempt, params: Params) -> None:
    attempt["status"] = intent["status"] = "requires_action"
    intent["next_action"] = authentication.next_action(
        account,
        intent["id"],
        return_url=params.text("return_url"),
        use_stripe_sdk=params.flag("use_stripe_sdk") or False,
    )
    account.emit("setup_intent.requires_action", intent)


def _succeed(account: Account, intent: SetupIntent, attempt: SetupAttempt, payment_method: PaymentMethod) -> None:
    if intent["customer"]:
        attachments.attach(account, payment_method, customer_id=intent["customer"])
    if intent["usage"] == "off_session":
        account.store.card_facts[payment_method["id"]].set_up = True
    attempt["status"] = intent["status"] = "succeeded"
    intent["last_setup_error"] = None
    account.emit("setup_intent.succeeded", intent)


def _decline(
    account: Account, intent: SetupIntent, attempt: SetupAttempt, refusal: Decline, payment_method: PaymentMethod
) -> None:
    shown = deepcopy(payment_method)
    failure: Failure = {
        "advice_code": refusal.advice_code,
        "code": refusal.code,
        "decline_code": refusal.decline_code,
        "doc_url": DOC_URL + refusal.code.replace("_", "-"),
        "message": refusal.message,
        "network_decline_code": refusal.network_decline_code,
        "payment_method": shown,
        "type": "card_error",
    }
    _fail(account, intent, attempt, failure)
    raise attachments.declined(refusal, setup_intent=deepcopy(intent), payment_method=shown)


def _fail(account: Account, intent: SetupIntent, attempt: SetupAttempt, failure: Failure) -> None:
    attempt["status"], attempt["setup_error"] = "failed", failure
    intent["last_setup_error"] = failure
    intent["status"], intent["payment_method"] = "requires_payment_method", None
    account.emit("setup_intent.setup_failed", intent)


def _attempt(account: Account, intent: SetupIntent, payment_method: PaymentMethod) -> SetupAttempt:
    attempt: SetupAttempt = {
        "id": account.new_id("setatt"),
        "object": "setup_attempt",
        "application": None,
        "created": account.now(),
        "customer": intent["customer"],
        "customer_account": None,
        "flow_directions": None,
        "livemode": False,
        "on_behalf_of": None,
        "payment_method": payment_method["id"],
        "payment_method_details": {"card": _attempted_card(payment_method), "type": "card"},
        "setup_error": None,
        "setup_intent": intent["id"],
        "status": "requires_confirmation",
        "usage": intent["usage"],
    }
    account.store.setup_attempts.add(attempt["id"], attempt)
    intent["latest_attempt"] = attempt["id"]
    return attempt


def _attempted_card(payment_method: PaymentMethod) -> AttemptedCard:
    card = payment_method["card"]
    return {
        "brand": card["brand"],
        "checks": deepcopy(card["checks"]),
        "country": card["country"],
        "exp_month": card["exp_month"],
        "exp_year": card["exp_year"],
        "fingerprint": card["fingerprint"],
        "funding": card["funding"],
        "last4": card["last4"],
        "network": card["brand"],
        "three_d_secure": None,
        "wallet": None,
    }
