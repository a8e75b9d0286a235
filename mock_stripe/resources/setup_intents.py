from copy import deepcopy

from mock_stripe.account import Account
from mock_stripe.call import Call
from mock_stripe.errors import ParameterError
from mock_stripe.lists import ListObject, list_page
from mock_stripe.metadata import merge_metadata
from mock_stripe.objects.setup_intent import SetupIntent
from mock_stripe.params import Params
from mock_stripe.resources import intent_options, setup_confirmation
from mock_stripe.store import IntentFacts

NOUN = "SetupIntent"
OPEN = frozenset({"requires_payment_method", "requires_confirmation", "requires_action"})


def create(account: Account, call: Call) -> SetupIntent:
    params = call.params
    confirm = params.flag("confirm") or False
    if params.given("return_url") and not confirm:
        raise ParameterError(
            "You can only provide `return_url` when creating a SetupIntent if `confirm` is set to `true`.",
            param="return_url",
        )
    intent = _blank(account, params)
    payment_method = intent_options.find_payment_method(account, params, customer_id=intent["customer"], noun=NOUN)
    if confirm:
        intent_options.check_return_url(params, intent["automatic_payment_methods"], noun=NOUN)
        setup_confirmation.check_ready(intent, payment_method)
    if payment_method:
        intent["payment_method"], intent["status"] = payment_method["id"], "requires_confirmation"
    account.store.setup_intents.add(intent["id"], intent)
    account.store.intent_facts[intent["id"]] = IntentFacts()
    account.emit("setup_intent.created", intent)
    if confirm:
        setup_confirmation.confirm(account, intent, params)
    return intent


def retrieve(account: Account, call: Call) -> SetupIntent:
    return account.store.setup_intents.get(call.id, param="intent")


def update(account: Account, call: Call) -> SetupIntent:
    intent = account.store.setup_intents.get(call.id, param="intent")
    if intent["status"] not in OPEN and call.params.values.keys() - {"description", "expand", "metadata"}:
        raise setup_confirmation.unexpected_state(
            f"You cannot update this SetupIntent because it has a status of {intent['status']}.", intent
        )
    changed = deepcopy(intent)
    _apply(account, changed, call.params)
    intent.update(changed)
    return intent


def confirm(account: Account, call: Call) -> SetupIntent:
    intent, params = account.store.setup_intents.get(call.id, param="intent"), call.params
    if intent["status"] not in OPEN:
        raise setup_confirmation.unexpected_state(
            f"You cannot confirm this SetupIntent because it has a status of {intent['status']}. Only a SetupIntent "
            f"with one of the following statuses may be confirmed: {', '.join(sorted(OPEN))}.",
            intent,
        )
    payment_method = intent_options.find_payment_method(account, params, customer_id=intent["customer"], noun=NOUN)
    intent_options.check_return_url(params, intent["automatic_payment_methods"], noun=NOUN)
    if payment_method is None and intent["payment_method"]:
        payment_method = account.store.payment_methods.get(intent["payment_method"])
    setup_confirmation.check_ready(intent, payment_method)
    if payment_method:
        intent["payment_method"] = payment_method["id"]
    setup_confirmation.confirm(account, intent, params)
    return intent


def cancel(account: Account, call: Call) -> SetupIntent:
    intent = account.store.setup_intents.get(call.id, param="intent")
    if intent["status"] not in OPEN:
        raise setup_confirmation.unexpected_state(
            f"You cannot cancel this SetupIntent because it has a status of {intent['status']}. Only a SetupIntent "
            f"with one of the following statuses may be canceled: {', '.join(sorted(OPEN))}.",
            intent,
        )
    intent["status"], intent["next_action"] = "canceled", None
    intent["cancellation_reason"] = call.params.text("cancellation_reason")
    account.emit("setup_intent.canceled", intent)
    return intent


def list_all(account: Account, call: Call) -> ListObject:
    customer_id, payment_method_id = call.params.text("customer"), call.params.text("payment_method")
    rows = [
        row
        for row in account.store.setup_intents
        if customer_id in {None, row["customer"]} and payment_method_id in {None, row["payment_method"]}
    ]
    return list_page(rows, call, noun="setupintent")


def _blank(account: Account, params: Params) -> SetupIntent:
    intent_id = account.new_id("seti")
    automatic = intent_options.read_automatic(params)
    return {
        "id": intent_id,
        "object": "setup_intent",
        "allowed_payment_method_types": intent_options.read_allowed_types(params),
        "application": None,
        "automatic_payment_methods": automatic,
        "cancellation_reason": None,
        "client_secret": f"{intent_id}_secret_{account.ids.token(25)}",
        "created": account.now(),
        "customer": intent_options.find_customer_id(account, params),
        "customer_account": None,
        "description": params.text("description"),
        "excluded_payment_method_types": params.texts("excluded_payment_method_types") or None,
        "flow_directions": None,
        "last_setup_error": None,
        "latest_attempt": None,
        "livemode": False,
        "mandate": None,
        "metadata": merge_metadata({}, params),
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": intent_options.CONFIGURATION if automatic else None,
        "payment_method_options": intent_options.read_options(params),
        "payment_method_types": ["card"],
        "single_use_mandate": None,
        "status": "requires_payment_method",
        "usage": params.text("usage") or "off_session",
    }


def _apply(account: Account, intent: SetupIntent, params: Params) -> None:
    if params.given("customer"):
        intent["customer"] = intent_options.find_customer_id(account, params)
    if params.given("description"):
        intent["description"] = params.text("description")
    payment_method = intent_options.find_payment_method(account, params, customer_id=intent["customer"], noun=NOUN)
    if payment_method:
        intent["payment_method"], intent["status"] = payment_method["id"], "requires_confirmation"
    intent["payment_method_options"] = intent_options.read_options(params, intent["payment_method_options"])
    intent["metadata"] = merge_metadata(intent["metadata"], params)
