from copy import deepcopy

from mock_stripe.account import Account
from mock_stripe.call import Call
from mock_stripe.lists import ListObject, list_page
from mock_stripe.metadata import merge_metadata
from mock_stripe.objects.charge import Charge


def retrieve(account: Account, call: Call) -> Charge:
    return account.store.charges.get(call.id, param="id")


def update(account: Account, call: Call) -> Charge:
    charge = account.store.charges.get(call.id, param="id")
    before = deepcopy(charge)
    charge["metadata"] = merge_metadata(charge["metadata"], call.params)
    if call.params.given("description"):
        charge["description"] = call.params.text("description")
    if call.params.given("receipt_email"):
        charge["receipt_email"] = call.params.text("receipt_email")
    account.emit_if_changed("charge.updated", charge, before=before)
    return charge


def list_all(account: Account, call: Call) -> ListObject:
    customer_id, intent_id = call.params.text("customer"), call.params.text("payment_intent")
    rows = [
        row
        for row in account.store.charges
        if customer_id in {None, row["customer"]} and intent_id in {None, row["payment_intent"]}
    ]
    return list_page(rows, call, noun="charge")
