"""Parameters that payment intents and setup intents read alike."""

from mock_stripe.account import Account
from mock_stripe.errors import InvalidRequestError, ParameterError
from mock_stripe.objects.intent import AutomaticPaymentMethods, ConfigurationDetails, PaymentMethodOptions
from mock_stripe.objects.payment_method import PaymentMethod
from mock_stripe.params import Params
from mock_stripe.resources import attachments

CONFIGURATION: ConfigurationDetails = {"id": "pmc_sandbox", "parent": None}


def read_automatic(params: Params) -> AutomaticPaymentMethods | None:
    """On by default, unless the types are named."""
    given = params.hash("automatic_payment_methods")
    if given.flag("enabled") is False or params.given("allowed_payment_method_types"):
        return None
    return {"allow_redirects": given.text("allow_redirects") or "always", "enabled": True}


def read_allowed_types(params: Params) -> list[str] | None:
    allowed = params.texts("allowed_payment_method_types") or None
    if (allowed and "card" not in allowed) or "card" in params.texts("excluded_payment_method_types"):
        raise ParameterError("This sandbox has cards only.", param="allowed_payment_method_types")
    return allowed


def read_options(params: Params, current: PaymentMethodOptions | None = None) -> PaymentMethodOptions:
    requested = params.hash("payment_method_options").hash("card").text("request_three_d_secure")
    if current is None:
        current = {"card": {"mandate_options": None, "network": None, "request_three_d_secure": "automatic"}}
    return {
        "card": {**current["card"], "request_three_d_secure": requested or current["card"]["request_three_d_secure"]}
    }


def find_customer_id(account: Account, params: Params) -> str | None:
    customer_id = params.text("customer")
    return account.store.customers.get(customer_id, param="customer")["id"] if customer_id else None


def find_payment_method(
    account: Account, params: Params, *, customer_id: str | None, noun: str
) -> PaymentMethod | None:
    """The one that was given, if the customer may use it."""
    name = params.text("payment_method")
    if name is None:
        return None
    payment_method = attachments.prepare(account, name)
    owner = payment_method["customer"]
    if owner is None and not account.store.card_facts[payment_method["id"]].usable:
        raise attachments.used_up()
    if owner is not None and customer_id is None:
        raise InvalidRequestError(
            f"The payment method supplied ({payment_method['id']}) belongs to a Customer. Please include the Customer "
            f"in the `customer` parameter on the {noun}.",
            param="payment_method",
        )
    if owner is not None and owner != customer_id:
        raise InvalidRequestError(
            f"The customer does not have a payment method with the ID {payment_method['id']}. The payment method must "
            "be attached to the customer.",
            code="resource_missing",
            param="payment_method",
        )
    return payment_method


def check_return_url(params: Params, automatic: AutomaticPaymentMethods | None, *, noun: str) -> None:
    redirects = automatic is not None and automatic["allow_redirects"] == "always"
    if redirects and not params.text("return_url") and not params.flag("use_stripe_sdk"):
        raise InvalidRequestError(
            f"This {noun} is configured to accept payment methods enabled in your Dashboard. Because some of these "
            "payment methods might redirect your customer off of your page, you must provide a `return_url`. If you "
            "don't want to accept redirect-based payment methods, set `automatic_payment_methods[enabled]` to `true` "
            f"and `automatic_payment_methods[allow_redirects]` to `never` when creating {noun}s."
        )
