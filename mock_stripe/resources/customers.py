from copy import deepcopy

from mock_stripe.account import Account
from mock_stripe.call import Call
from mock_stripe.errors import InvalidRequestError
from mock_stripe.lists import ListObject, SearchResult, list_page, search_page
from mock_stripe.metadata import merge_metadata
from mock_stripe.objects.contact import read_address, read_shipping
from mock_stripe.objects.customer import Customer, DeletedCustomer, InvoiceSettings
from mock_stripe.objects.payment_method import PaymentMethod
from mock_stripe.params import Params
from mock_stripe.resources import attachments
from mock_stripe.search import parse_query

SEARCHABLE = frozenset({"created", "email", "metadata", "name", "phone"})


def create(account: Account, call: Call) -> Customer:
    customer = _blank(account)
    _apply(customer, call.params)
    payment_method = _first_payment_method(account, customer, call.params)
    account.store.customers.add(customer["id"], customer)
    account.emit("customer.created", customer)
    if payment_method:
        attachments.attach(account, payment_method, customer_id=customer["id"])
    return customer


def retrieve(account: Account, call: Call) -> Customer | DeletedCustomer:
    return account.store.deleted_customers.find(call.id) or account.store.customers.get(call.id)


def update(account: Account, call: Call) -> Customer:
    customer = account.store.customers.get(call.id)
    before, changed = deepcopy(customer), deepcopy(customer)
    _apply(changed, call.params)
    _set_default_payment_method(account, changed, call.params)
    customer.update(changed)
    account.emit_if_changed("customer.updated", customer, before=before)
    return customer


def delete(account: Account, call: Call) -> DeletedCustomer:
    customer = account.store.customers.get(call.id)
    for payment_method in account.store.payment_methods:
        if payment_method["customer"] == call.id:
            attachments.detach(account, payment_method)
    account.store.customers.remove(call.id)
    deleted: DeletedCustomer = {"id": call.id, "object": "customer", "deleted": True}
    account.store.deleted_customers.add(call.id, deleted)
    account.emit("customer.deleted", customer)
    return deleted


def list_all(account: Account, call: Call) -> ListObject:
    email = call.params.text("email")
    rows = [row for row in account.store.customers if email is None or row["email"] == email]
    return list_page(rows, call, noun="customer")


def search(account: Account, call: Call) -> SearchResult:
    query = parse_query(call.params.required("query"), fields=SEARCHABLE)
    return search_page([row for row in account.indexed(account.store.customers) if query.matches(row)], call)


def list_payment_methods(account: Account, call: Call) -> ListObject:
    account.store.customers.get(call.id, param="customer")
    kind = call.params.text("type") or "card"
    rows = [row for row in account.store.payment_methods if row["customer"] == call.id and row["type"] == kind]
    return list_page(rows, call, noun="PaymentMethod")


def _blank(account: Account) -> Customer:
    return {
        "id": account.new_id("cus"),
        "object": "customer",
        "address": None,
        "balance": 0,
        "business_name": None,
        "created": account.now(),
        "currency": None,
        "customer_account": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": None,
        "individual_name": None,
        "invoice_prefix": account.ids.token(8).upper(),
        "invoice_settings": _no_settings(),
        "livemode": False,
        "metadata": {},
        "name": None,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }


def _no_settings() -> InvoiceSettings:
    return {"custom_fields": None, "default_payment_method": None, "footer": None, "rendering_options": None}


def _apply(customer: Customer, params: Params) -> None:
    _apply_texts(customer, params)
    if params.given("address"):
        customer["address"] = read_address(params.hash("address")) if params.hash("address").values else None
    if params.given("shipping"):
        customer["shipping"] = read_shipping(params)
    if (balance := params.integer("balance")) is not None:
        customer["balance"] = balance
    if params.given("preferred_locales"):
        customer["preferred_locales"] = params.texts("preferred_locales")
    settings = params.hash("invoice_settings")
    if settings.given("footer"):
        customer["invoice_settings"]["footer"] = settings.text("footer")
    customer["metadata"] = merge_metadata(customer["metadata"], params)


def _apply_texts(customer: Customer, params: Params) -> None:
    if params.given("email"):
        customer["email"] = params.text("email")
    if params.given("name"):
        customer["name"] = params.text("name")
    if params.given("description"):
        customer["description"] = params.text("description")
    if params.given("phone"):
        customer["phone"] = params.text("phone")
    if params.given("business_name"):
        customer["business_name"] = params.text("business_name")
    if params.given("individual_name"):
        customer["individual_name"] = params.text("individual_name")
    if params.given("tax_exempt"):
        customer["tax_exempt"] = params.text("tax_exempt") or "none"


def _set_default_payment_method(account: Account, customer: Customer, params: Params) -> None:
    settings = params.hash("invoice_settings")
    if not settings.given("default_payment_method"):
        return
    payment_method_id = settings.text("default_payment_method")
    if payment_method_id is not None:
        _check_owned(account, customer, payment_method_id)
    customer["invoice_settings"]["default_payment_method"] = payment_method_id


def _first_payment_method(account: Account, customer: Customer, params: Params) -> PaymentMethod | None:
    """The one to attach at creation; only that one can be the default already."""
    name = params.text("payment_method")
    default = params.hash("invoice_settings").text("default_payment_method")
    if default and default != name:
        raise _not_owned(default)
    if name is None:
        return None
    payment_method = attachments.prepare(account, name)
    attachments.check_attachable(account, payment_method)
    if default:
        customer["invoice_settings"]["default_payment_method"] = payment_method["id"]
    return payment_method


def _check_owned(account: Account, customer: Customer, payment_method_id: str) -> None:
    found = account.store.payment_methods.find(payment_method_id)
    if found is None or found["customer"] != customer["id"]:
        raise _not_owned(payment_method_id)


def _not_owned(payment_method_id: str) -> InvalidRequestError:
    return InvalidRequestError(
        f"The customer does not have a payment method with the ID {payment_method_id}. The payment method must be "
        "attached to the customer.",
        code="resource_missing",
        param="invoice_settings[default_payment_method]",
    )
