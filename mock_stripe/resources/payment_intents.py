from copy import deepcopy

from mock_stripe.account import Account
from mock_stripe.call import Call
from mock_stripe.errors import InvalidRequestError, ParameterError
from mock_stripe.lists import ListObject, SearchResult, list_page, search_page
from mock_stripe.metadata import merge_metadata
from mock_stripe.money import check_amount, read_currency
from mock_stripe.objects.contact import read_shipping
from mock_stripe.objects.payment_intent import PaymentIntent
from mock_stripe.params import Params
from mock_stripe.resources import intent_options, payment_confirmation
from mock_stripe.search import parse_query
from mock_stripe.store import IntentFacts

NOUN = "PaymentIntent"
SEARCHABLE = frozenset({"amount", "created", "currency", "customer", "metadata", "status"})
ALWAYS_UPDATABLE = frozenset({"description", "expand", "metadata", "receipt_email"})
OPEN = frozenset({"requires_payment_method", "requires_confirmation", "requires_action"})


def create(account: Account, call: Call) -> PaymentIntent:
    params = call.params
    confirm = params.flag("confirm") or False
    _check_together(params, confirm=confirm)
    intent = _blank(account, params)
    payment_method = intent_options.find_payment_method(account, params, customer_id=intent["customer"], noun=NOUN)
    if confirm:
        intent_options.check_return_url(params, intent["automatic_payment_methods"], noun=NOUN)
        payment_confirmation.check_ready(intent, payment_method)
    if payment_method:
        intent["payment_method"] = payment_method["id"]
        intent["status"] = "requires_confirmation"
    account.store.payment_intents.add(intent["id"], intent)
    account.store.intent_facts[intent["id"]] = IntentFacts()
    account.emit("payment_intent.created", intent)
    if confirm:
        payment_confirmation.confirm(account, intent, params)
    return intent


def retrieve(account: Account, call: Call) -> PaymentIntent:
    intent = account.store.payment_intents.get(call.id, param="intent")
    secret = call.params.text("client_secret")
    if secret and secret != intent["client_secret"]:
        raise InvalidRequestError(
            "The client_secret provided does not match the client_secret associated with this PaymentIntent.",
            code="payment_intent_invalid_parameter",
            param="client_secret",
        )
    return intent


def update(account: Account, call: Call) -> PaymentIntent:
    intent, params = account.store.payment_intents.get(call.id, param="intent"), call.params
    _check_updatable(intent, params)
    changed = deepcopy(intent)
    _apply(account, changed, params)
    if changed != intent and intent["status"] == "requires_action" and params.given("amount"):
        changed["status"], changed["next_action"] = "requires_confirmation", None
    intent.update(changed)
    return intent


def confirm(account: Account, call: Call) -> PaymentIntent:
    intent, params = account.store.payment_intents.get(call.id, param="intent"), call.params
    payment_confirmation.check_confirmable(intent)
    payment_method = intent_options.find_payment_method(account, params, customer_id=intent["customer"], noun=NOUN)
    intent_options.check_return_url(params, intent["automatic_payment_methods"], noun=NOUN)
    if payment_method is None and intent["payment_method"]:
        payment_method = account.store.payment_methods.get(intent["payment_method"])
    payment_confirmation.check_ready(intent, payment_method)
    _apply(account, intent, Params({**params.values, "payment_method": payment_method["id"] if payment_method else ""}))
    payment_confirmation.confirm(account, intent, params)
    return intent


def capture(account: Account, call: Call) -> PaymentIntent:
    intent = account.store.payment_intents.get(call.id, param="intent")
    if intent["status"] != "requires_capture":
        raise payment_confirmation.unexpected_state(
            f"This PaymentIntent could not be captured because it has a status of {intent['status']}. Only a "
            "PaymentIntent with one of the following statuses may be captured: requires_capture.",
            intent,
        )
    amount_minor = call.params.integer("amount_to_capture")
    amount_minor = intent["amount_capturable"] if amount_minor is None else amount_minor
    if not 1 <= amount_minor <= intent["amount_capturable"]:
        raise InvalidRequestError(
            f"The remaining amount that can be captured for this PaymentIntent is {intent['amount_capturable']}. Try "
            "again with an amount not exceeding that.",
            code="amount_too_large",
            param="amount_to_capture",
        )
    intent["metadata"] = merge_metadata(intent["metadata"], call.params)
    payment_confirmation.capture(account, intent, amount_minor=amount_minor)
    return intent


def cancel(account: Account, call: Call) -> PaymentIntent:
    intent = account.store.payment_intents.get(call.id, param="intent")
    if intent["status"] not in OPEN | {"requires_capture"}:
        raise payment_confirmation.unexpected_state(
            f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}. Only a PaymentIntent "
            "with one of the following statuses may be canceled: requires_payment_method, requires_capture, "
            "requires_confirmation, requires_action, processing.",
            intent,
        )
    payment_confirmation.release_hold(account, intent)
    intent["status"], intent["next_action"] = "canceled", None
    intent["canceled_at"], intent["cancellation_reason"] = account.now(), call.params.text("cancellation_reason")
    account.emit("payment_intent.canceled", intent)
    return intent


def list_all(account: Account, call: Call) -> ListObject:
    customer_id = call.params.text("customer")
    rows = [row for row in account.store.payment_intents if customer_id in {None, row["customer"]}]
    return list_page(rows, call, noun="payment_intent")


def search(account: Account, call: Call) -> SearchResult:
    query = parse_query(call.params.required("query"), fields=SEARCHABLE)
    return search_page([row for row in account.indexed(account.store.payment_intents) if query.matches(row)], call)


def _check_updatable(intent: PaymentIntent, params: Params) -> None:
    settled = params.values.keys() - ALWAYS_UPDATABLE
    if intent["status"] not in OPEN and settled:
        raise payment_confirmation.unexpected_state(
            f"This PaymentIntent's {min(settled)} could not be updated because it has a status of {intent['status']}. "
            f"You may only update the {min(settled)} of a PaymentIntent with one of the following statuses: "
            f"{', '.join(sorted(OPEN))}.",
            intent,
        )


def _check_together(params: Params, *, confirm: bool) -> None:
    for name in ("off_session", "error_on_requires_action", "return_url"):
        if params.given(name) and not confirm:
            raise ParameterError(
                f"You can only provide `{name}` when creating a PaymentIntent if `confirm` is set to `true`.",
                param=name,
            )


def _blank(account: Account, params: Params) -> PaymentIntent:
    currency = read_currency(params.required("currency"))
    amount_minor = params.integer("amount") or 0
    check_amount(amount_minor, currency)
    intent_id = account.new_id("pi")
    automatic = intent_options.read_automatic(params)
    return {
        "id": intent_id,
        "object": "payment_intent",
        "allowed_payment_method_types": intent_options.read_allowed_types(params),
        "amount": amount_minor,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": automatic,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": params.text("capture_method") or "automatic_async",
        "client_secret": f"{intent_id}_secret_{account.ids.token(25)}",
        "confirmation_method": params.text("confirmation_method") or "automatic",
        "created": account.now(),
        "currency": currency,
        "customer": intent_options.find_customer_id(account, params),
        "customer_account": None,
        "description": params.text("description"),
        "excluded_payment_method_types": params.texts("excluded_payment_method_types") or None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": merge_metadata({}, params),
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": intent_options.CONFIGURATION if automatic else None,
        "payment_method_options": intent_options.read_options(params),
        "payment_method_types": ["card"],
        "processing": None,
        "receipt_email": params.text("receipt_email"),
        "review": None,
        "setup_future_usage": params.text("setup_future_usage"),
        "shipping": read_shipping(params),
        "source": None,
        "statement_descriptor": params.text("statement_descriptor"),
        "statement_descriptor_suffix": params.text("statement_descriptor_suffix"),
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": params.text("transfer_group"),
    }


def _apply(account: Account, intent: PaymentIntent, params: Params) -> None:
    """What update and confirm may change."""
    if params.given("currency"):
        intent["currency"] = read_currency(params.required("currency"))
    if (amount_minor := params.integer("amount")) is not None:
        check_amount(amount_minor, intent["currency"])
        intent["amount"] = amount_minor
    if params.given("customer"):
        intent["customer"] = intent_options.find_customer_id(account, params)
    if params.given("setup_future_usage"):
        intent["setup_future_usage"] = params.text("setup_future_usage")
    if params.given("capture_method"):
        intent["capture_method"] = params.required("capture_method")
    payment_method = intent_options.find_payment_method(account, params, customer_id=intent["customer"], noun=NOUN)
    if payment_method and payment_method["id"] != intent["payment_method"]:
        intent["payment_method"], intent["status"] = payment_method["id"], "requires_confirmation"
        account.store.intent_facts[intent["id"]].authenticated = False
    intent["payment_method_options"] = intent_options.read_options(params, intent["payment_method_options"])
    _apply_texts(intent, params)


def _apply_texts(intent: PaymentIntent, params: Params) -> None:
    if params.given("description"):
        intent["description"] = params.text("description")
    if params.given("receipt_email"):
        intent["receipt_email"] = params.text("receipt_email")
    if params.given("statement_descriptor_suffix"):
        intent["statement_descriptor_suffix"] = params.text("statement_descriptor_suffix")
    if params.given("statement_descriptor"):
        intent["statement_descriptor"] = params.text("statement_descriptor")
    if params.given("shipping"):
        intent["shipping"] = read_shipping(params)
    intent["metadata"] = merge_metadata(intent["metadata"], params)
