from collections.abc import Sequence

from mock_stripe.account import Account
from mock_stripe.call import Call
from mock_stripe.lists import ListObject, list_page
from mock_stripe.money import processing_fee
from mock_stripe.objects.balance_transaction import BalanceTransaction, FeeDetail
from mock_stripe.objects.charge import Charge
from mock_stripe.objects.refund import Refund

AVAILABLE_AFTER_SECONDS = 2 * 24 * 3600


def retrieve(account: Account, call: Call) -> BalanceTransaction:
    return _as_of_now(account, account.store.balance_transactions.get(call.id))


def list_all(account: Account, call: Call) -> ListObject:
    source, kind = call.params.text("source"), call.params.text("type")
    rows = [
        _as_of_now(account, row)
        for row in account.store.balance_transactions
        if source in {None, row["source"]} and kind in {None, row["type"]}
    ]
    return list_page(rows, call, noun="balance transaction")


def book_charge(account: Account, charge: Charge) -> None:
    amount_minor = charge["amount_captured"]
    fee_minor = processing_fee(amount_minor)
    detail: FeeDetail = {
        "amount": fee_minor,
        "application": None,
        "currency": charge["currency"],
        "description": "Stripe processing fees",
        "type": "stripe_fee",
    }
    booked = _book(account, "charge", charge, amount_minor=amount_minor, fees=[detail])
    charge["balance_transaction"] = booked["id"]


def book_refund(account: Account, refund: Refund) -> None:
    booked = _book(account, "refund", refund, amount_minor=-refund["amount"])
    refund["balance_transaction"] = booked["id"]


def book_refund_failure(account: Account, refund: Refund) -> None:
    booked = _book(account, "refund_failure", refund, amount_minor=refund["amount"])
    refund["failure_balance_transaction"] = booked["id"]


def _book(
    account: Account, kind: str, source: Charge | Refund, *, amount_minor: int, fees: Sequence[FeeDetail] = ()
) -> BalanceTransaction:
    fee_minor = sum(fee["amount"] for fee in fees)
    booked: BalanceTransaction = {
        "id": account.new_id("txn"),
        "object": "balance_transaction",
        "amount": amount_minor,
        "available_on": account.now() + AVAILABLE_AFTER_SECONDS,
        "balance_type": "payments",
        "created": account.now(),
        "currency": source["currency"],
        "description": source["description"] if source["object"] == "charge" else "REFUND FOR CHARGE",
        "exchange_rate": None,
        "fee": fee_minor,
        "fee_details": list(fees),
        "net": amount_minor - fee_minor,
        "reporting_category": kind,
        "source": source["id"],
        "status": "pending",
        "type": kind,
    }
    account.store.balance_transactions.add(booked["id"], booked)
    return booked


def _as_of_now(account: Account, booked: BalanceTransaction) -> BalanceTransaction:
    if booked["available_on"] <= account.now():
        booked["status"] = "available"
    return booked
