"""3-D Secure: when a card asks for it, and what an intent then shows."""

from mock_stripe.account import Account
from mock_stripe.cards import Authentication
from mock_stripe.errors import DOC_URL
from mock_stripe.objects.failure import Failure
from mock_stripe.objects.intent import NextAction
from mock_stripe.objects.payment_method import PaymentMethod

REQUESTED = frozenset({"any", "challenge"})
_FAILED = {
    "payment_intent_authentication_failure": (
        "We are unable to authenticate your payment method. Please choose a different payment method and try again."
    ),
    "setup_intent_authentication_failure": (
        "The latest attempt to set up the payment method has failed because authentication failed."
    ),
}


def required_to_pay(
    account: Account, payment_method: PaymentMethod, *, off_session: bool, requested: str | None
) -> bool:
    facts = account.store.card_facts[payment_method["id"]]
    match facts.card.authentication:
        case Authentication.NEVER:
            return False
        case Authentication.IF_REQUESTED:
            return requested in REQUESTED
        case Authentication.ON_SESSION:
            return not (off_session and facts.set_up)
        case Authentication.ALWAYS:
            return True


def required_to_set_up(account: Account, payment_method: PaymentMethod, *, requested: str | None) -> bool:
    return required_to_pay(account, payment_method, off_session=False, requested=requested)


def next_action(account: Account, intent_id: str, *, return_url: str | None, use_stripe_sdk: bool) -> NextAction:
    """A redirect when the client named a place to come back to, else an action for Stripe.js."""
    source = account.new_id("payatt")
    if return_url and not use_stripe_sdk:
        url = f"https://hooks.stripe.com/3d_secure_2/hosted?merchant=acct_sandbox&intent={intent_id}&source={source}"
        return {"type": "redirect_to_url", "redirect_to_url": {"return_url": return_url, "url": url}}
    return {
        "type": "use_stripe_sdk",
        "use_stripe_sdk": {
            "directory_server_encryption": {"algorithm": "RSA", "directory_server_id": "A000000003"},
            "merchant": "acct_sandbox",
            "one_click_authn": None,
            "server_transaction_id": account.ids.uuid(),
            "three_d_secure_2_source": source,
            "three_ds_method_url": "",
            "three_ds_optimizations": "k",
            "type": "stripe_3ds2_fingerprint",
        },
    }


def failure(code: str, payment_method: PaymentMethod) -> Failure:
    """`last_payment_error` or `last_setup_error` after a failed authentication."""
    return {
        "code": code,
        "doc_url": DOC_URL + code.replace("_", "-"),
        "message": _FAILED[code],
        "payment_method": payment_method,
        "type": "invalid_request_error",
    }
