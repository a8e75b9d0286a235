"""The control routes that only Stripe's sandbox has."""

from collections.abc import Mapping

from mock_kit.control import ConflictError, ControlHandler
from mock_kit.fields import FieldError, Fields
from mock_stripe.account import Account, Cause
from mock_stripe.resources import payment_confirmation, setup_confirmation


def control_routes(account: Account) -> dict[tuple[str, str], ControlHandler]:
    return {
        ("POST", "/_mock/authenticate"): lambda fields: authenticate(account, fields),
        ("POST", "/_mock/webhooks/roll"): lambda fields: roll_secret(account, fields),
    }


def authenticate(account: Account, fields: Fields) -> Mapping[str, object]:
    """Be the cardholder before the 3-D Secure page: `{"payment_intent": "pi_1", "outcome": "success"}`."""
    payment_id, setup_id = fields.optional_text("payment_intent"), fields.optional_text("setup_intent")
    success = fields.choice("outcome", ("success", "failure")) == "success"
    fields.finish()
    if (payment_id is None) == (setup_id is None):
        raise FieldError("payment_intent", "One of payment_intent, setup_intent is required.")
    account.cause = Cause(request_id=account.new_id("req"))
    try:
        if payment_id:
            return _authenticate_payment(account, payment_id, success=success)
        return _authenticate_setup(account, setup_id or "", success=success)
    finally:
        account.catch_up()


def roll_secret(account: Account, fields: Fields) -> Mapping[str, object]:
    """`{"endpoint_id": "we_1", "secret": "whsec_new", "keep_old": true}`: signed with both, until rolled again."""
    endpoint_id, secret = fields.text("endpoint_id"), fields.text("secret")
    keep_old = fields.flag("keep_old", default=True)
    fields.finish()
    account.outbox.roll(endpoint_id, secret=secret, keep_old=keep_old)
    return {"endpoint_id": endpoint_id, "rolled": True}


def _authenticate_payment(account: Account, intent_id: str, *, success: bool) -> Mapping[str, object]:
    intent = account.store.payment_intents.find(intent_id)
    if intent is None:
        raise LookupError(f"No such payment_intent: {intent_id}.")
    _check_waiting(intent["status"])
    payment_confirmation.authenticate(account, intent, success=success)
    return intent


def _authenticate_setup(account: Account, intent_id: str, *, success: bool) -> Mapping[str, object]:
    intent = account.store.setup_intents.find(intent_id)
    if intent is None:
        raise LookupError(f"No such setup_intent: {intent_id}.")
    _check_waiting(intent["status"])
    setup_confirmation.authenticate(account, intent, success=success)
    return intent


def _check_waiting(status: str) -> None:
    if status != "requires_action":
        raise ConflictError(f"Nobody is asked to authenticate: the intent's status is {status}.")
