from copy import deepcopy

from mock_stripe.account import Account
from mock_stripe.call import Call
from mock_stripe.cards import RefundCourse
from mock_stripe.errors import InvalidRequestError, ParameterError
from mock_stripe.lists import ListObject, list_page
from mock_stripe.metadata import merge_metadata
from mock_stripe.money import show
from mock_stripe.objects.charge import Charge
from mock_stripe.objects.refund import Refund
from mock_stripe.params import Params
from mock_stripe.resources import balance

SETTLES_AFTER_SECONDS = 60


def create(account: Account, call: Call) -> Refund:
    charge = _charge(account, call.params)
    amount_minor = _amount_minor(charge, call.params)
    refund = _blank(account, charge, call.params, amount_minor=amount_minor)
    account.store.refunds.add(refund["id"], refund)
    balance.book_refund(account, refund)
    before = deepcopy(charge)
    charge["amount_refunded"] += amount_minor
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    account.emit("refund.created", refund)
    account.emit("charge.refunded", charge, before=before)
    _follow_course(account, charge, refund)
    return refund


def retrieve(account: Account, call: Call) -> Refund:
    return account.store.refunds.get(call.id, param="id")


def update(account: Account, call: Call) -> Refund:
    refund = account.store.refunds.get(call.id, param="id")
    before = deepcopy(refund)
    refund["metadata"] = merge_metadata(refund["metadata"], call.params)
    account.emit_if_changed("refund.updated", refund, before=before)
    return refund


def list_all(account: Account, call: Call) -> ListObject:
    charge_id, intent_id = call.params.text("charge"), call.params.text("payment_intent")
    rows = [
        row
        for row in account.store.refunds
        if charge_id in {None, row["charge"]} and intent_id in {None, row["payment_intent"]}
    ]
    return list_page(rows, call, noun="refund")


def _charge(account: Account, params: Params) -> Charge:
    charge_id, intent_id = params.text("charge"), params.text("payment_intent")
    if charge_id is None and intent_id is None:
        raise ParameterError(
            "One of the following params should be provided for this request: payment_intent or charge."
        )
    if intent_id is not None:
        intent = account.store.payment_intents.get(intent_id, param="payment_intent")
        if charge_id not in {None, intent["latest_charge"]}:
            raise InvalidRequestError("The charge does not belong to the PaymentIntent.", param="charge")
        charge_id = intent["latest_charge"]
    charge = account.store.charges.find(charge_id or "")
    if charge is None and intent_id is None:
        return account.store.charges.get(charge_id or "", param="charge")
    if charge is None or charge["status"] != "succeeded" or not charge["captured"]:
        raise InvalidRequestError(
            f"This {'PaymentIntent' if intent_id else 'Charge'} ({intent_id or charge_id}) does not have a successful "
            "charge to refund.",
            param="payment_intent" if intent_id else "charge",
        )
    return charge


def _amount_minor(charge: Charge, params: Params) -> int:
    left_minor = charge["amount"] - charge["amount_refunded"]
    if left_minor == 0:
        raise InvalidRequestError(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    asked_minor = params.integer("amount")
    if asked_minor is None:
        return left_minor
    if asked_minor < 1:
        raise ParameterError(
            "This value must be greater than or equal to 1.", code="parameter_invalid_integer", param="amount"
        )
    if asked_minor > left_minor:
        asked, left = show(asked_minor, charge["currency"]), show(left_minor, charge["currency"])
        bound = "unrefunded amount on charge" if charge["amount_refunded"] else "charge amount"
        raise InvalidRequestError(f"Refund amount ({asked}) is greater than {bound} ({left})", param="amount")
    return asked_minor


def _blank(account: Account, charge: Charge, params: Params, *, amount_minor: int) -> Refund:
    pending = _course(account, charge) is RefundCourse.PENDING
    refund: Refund = {
        "id": account.new_id("re"),
        "object": "refund",
        "amount": amount_minor,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": account.now(),
        "currency": charge["currency"],
        "customer": charge["customer"],
        "customer_account": None,
        "destination_details": {
            "card": {
                "reference_status": "pending",
                "reference_type": "acquirer_reference_number",
                "type": "refund",
            },
            "type": "card",
        },
        "metadata": merge_metadata({}, params),
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "reason": params.text("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "pending" if pending else "succeeded",
        "transfer_reversal": None,
    }
    if pending:
        refund["pending_reason"] = "processing"
    return refund


def _course(account: Account, charge: Charge) -> RefundCourse:
    return account.store.card_facts[charge["payment_method"]].card.refund


def _follow_course(account: Account, charge: Charge, refund: Refund) -> None:
    match _course(account, charge):
        case RefundCourse.PENDING:
            account.soon(succeed, refund["id"], seconds=SETTLES_AFTER_SECONDS)
        case RefundCourse.FAILING:
            account.soon(fail, refund["id"], seconds=SETTLES_AFTER_SECONDS)
        case RefundCourse.IMMEDIATE:
            pass


def succeed(account: Account, refund_id: str) -> None:
    refund = account.store.refunds.get(refund_id)
    before = deepcopy(refund)
    refund["status"] = "succeeded"
    del refund["pending_reason"]
    account.emit("refund.updated", refund, before=before)
    account.emit("charge.refund.updated", refund, before=before)


def fail(account: Account, refund_id: str) -> None:
    """The bank sends the money back: the charge counts as not refunded by this amount."""
    refund = account.store.refunds.get(refund_id)
    charge = account.store.charges.get(refund["charge"] or "")
    before = deepcopy(refund)
    refund["status"], refund["failure_reason"] = "failed", "unknown"
    balance.book_refund_failure(account, refund)
    charge["amount_refunded"] -= refund["amount"]
    charge["refunded"] = False
    account.emit("refund.updated", refund, before=before)
    account.emit("refund.failed", refund)
    account.emit("charge.refund.updated", refund, before=before)
