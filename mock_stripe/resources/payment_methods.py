from copy import deepcopy

from mock_stripe.account import Account
from mock_stripe.call import Call
from mock_stripe.cards import TestCard, card_by_alias, card_by_number, valid_number
from mock_stripe.errors import CardError, InvalidRequestError, ParameterError
from mock_stripe.lists import ListObject, list_page
from mock_stripe.metadata import merge_metadata
from mock_stripe.objects.contact import merge_billing_details, read_billing_details
from mock_stripe.objects.payment_method import PaymentMethod
from mock_stripe.params import Params, missing
from mock_stripe.resources import attachments


def create(account: Account, call: Call) -> PaymentMethod:
    params = call.params
    if params.required("type") != "card":
        raise ParameterError("This sandbox has cards only.", param="type")
    given = params.hash("card")
    if token := given.text("token"):
        card, expiry = _by_token(token), None
    else:
        card, expiry = _by_number(account, given)
    details = read_billing_details(params.hash("billing_details"))
    payment_method = attachments.make(account, card, expiry=expiry, billing_details=details)
    payment_method["metadata"] = merge_metadata({}, params)
    payment_method["allow_redisplay"] = params.text("allow_redisplay") or "unspecified"
    return payment_method


def retrieve(account: Account, call: Call) -> PaymentMethod:
    return attachments.prepare(account, call.id)


def update(account: Account, call: Call) -> PaymentMethod:
    payment_method = account.store.payment_methods.get(call.id, param="payment_method")
    if payment_method["customer"] is None:
        raise InvalidRequestError(
            "You must save this PaymentMethod to a customer before you can update it.",
            code="payment_method_not_available",
        )
    before = deepcopy(payment_method)
    _apply(payment_method, call.params)
    account.emit_if_changed("payment_method.updated", payment_method, before=before)
    return payment_method


def list_all(account: Account, call: Call) -> ListObject:
    customer_id = call.params.text("customer")
    if customer_id is None:
        return list_page(list[PaymentMethod](), call, noun="PaymentMethod")
    account.store.customers.get(customer_id, param="customer")
    kind = call.params.text("type") or "card"
    rows = [row for row in account.store.payment_methods if row["customer"] == customer_id and row["type"] == kind]
    return list_page(rows, call, noun="PaymentMethod")


def attach(account: Account, call: Call) -> PaymentMethod:
    customer_id = call.params.text("customer")
    if customer_id is None:
        raise missing("customer")
    customer = account.store.customers.get(customer_id, param="customer")
    payment_method = attachments.prepare(account, call.id)
    attachments.attach(account, payment_method, customer_id=customer["id"])
    return payment_method


def detach(account: Account, call: Call) -> PaymentMethod:
    payment_method = account.store.payment_methods.get(call.id, param="payment_method")
    if payment_method["customer"] is None:
        raise InvalidRequestError(
            "The payment method you provided is not attached to a customer so detachment is impossible.",
            code="payment_method_unexpected_state",
        )
    attachments.detach(account, payment_method)
    return payment_method


def _apply(payment_method: PaymentMethod, params: Params) -> None:
    payment_method["billing_details"] = merge_billing_details(
        payment_method["billing_details"], params.hash("billing_details")
    )
    card = params.hash("card")
    payment_method["card"]["exp_month"] = card.integer("exp_month") or payment_method["card"]["exp_month"]
    payment_method["card"]["exp_year"] = card.integer("exp_year") or payment_method["card"]["exp_year"]
    payment_method["allow_redisplay"] = params.text("allow_redisplay") or payment_method["allow_redisplay"]
    payment_method["metadata"] = merge_metadata(payment_method["metadata"], params)


def _by_token(token: str) -> TestCard:
    card = card_by_alias(token)
    if card is None or not token.startswith("tok_"):
        raise InvalidRequestError(f"No such token: '{token}'", code="resource_missing", param="card[token]")
    return card


def _by_number(account: Account, given: Params) -> tuple[TestCard, tuple[int, int]]:
    number = given.text("number")
    month, year = given.integer("exp_month"), given.integer("exp_year")
    if number is None or month is None or year is None:
        absent = "number" if number is None else "exp_month" if month is None else "exp_year"
        raise missing(f"card[{absent}]")
    card = card_by_number(number)
    if not valid_number(number):
        raise CardError("Your card number is incorrect.", code="incorrect_number", param="number")
    if card is None:
        raise CardError(
            "Your card was declined. Your request was in test mode, but used a non test card. For a list of valid test "
            "cards, visit: https://stripe.com/docs/testing.",
            code="card_declined",
            facts={"decline_code": "test_mode_live_card"},
        )
    year = year + 2000 if year < 100 else year
    _check_expiry(account, month, year)
    _check_cvc(given.text("cvc"))
    return card, (month, year)


def _check_expiry(account: Account, month: int, year: int) -> None:
    now = account.clock.now()
    if not now.year <= year <= now.year + 50:
        raise CardError("Your card's expiration year is invalid.", code="invalid_expiry_year", param="exp_year")
    if not 1 <= month <= 12 or (year, month) < (now.year, now.month):
        raise CardError("Your card's expiration month is invalid.", code="invalid_expiry_month", param="exp_month")


def _check_cvc(cvc: str | None) -> None:
    if cvc is not None and not (cvc.isascii() and cvc.isdigit() and len(cvc) in {3, 4}):
        raise CardError("Your card's security code is invalid.", code="invalid_cvc", param="cvc")
