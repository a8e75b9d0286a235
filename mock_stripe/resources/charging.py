"""One attempt to take money from a card: what the bank says, and the charge it leaves."""

from copy import deepcopy

from mock_stripe.account import Account
from mock_stripe.cards import EXPIRED, Decline
from mock_stripe.objects.charge import Charge, ChargedCard, Outcome, ThreeDSecure
from mock_stripe.objects.payment_intent import PaymentIntent
from mock_stripe.objects.payment_method import PaymentMethod
from mock_stripe.resources import balance

HOLD_SECONDS = 7 * 24 * 3600
DESCRIPTOR = "SANDBOX"


def bank_refusal(account: Account, payment_method: PaymentMethod) -> Decline | None:
    card, now = payment_method["card"], account.clock.now()
    if (card["exp_year"], card["exp_month"]) < (now.year, now.month):
        return EXPIRED
    return account.store.card_facts[payment_method["id"]].card.decline


def charge(
    account: Account,
    intent: PaymentIntent,
    payment_method: PaymentMethod,
    *,
    refusal: Decline | None,
    authenticated: bool,
) -> Charge:
    """The charge of one attempt; `latest_charge` of the intent from now on. It is not captured yet."""
    made: Charge = {
        "id": account.new_id("ch"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": deepcopy(payment_method["billing_details"]),
        "calculated_statement_descriptor": _descriptor(intent),
        "captured": False,
        "created": account.now(),
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": refusal.code if refusal else None,
        "failure_message": refusal.message if refusal else None,
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "on_behalf_of": None,
        "outcome": _outcome(refusal),
        "paid": refusal is None,
        "payment_intent": intent["id"],
        "payment_method": payment_method["id"],
        "payment_method_details": {
            "card": _charged_card(account, intent, payment_method, refusal=refusal, authenticated=authenticated),
            "type": "card",
        },
        "radar_options": {"session": None},
        "receipt_email": intent["receipt_email"],
        "receipt_number": None,
        "receipt_url": None if refusal else f"https://pay.stripe.com/receipts/payment/{account.ids.token(24)}",
        "refunded": False,
        "review": None,
        "shipping": deepcopy(intent["shipping"]),
        "source": None,
        "source_transfer": None,
        "statement_descriptor": intent["statement_descriptor"],
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "status": "failed" if refusal else "succeeded",
        "transfer_data": None,
        "transfer_group": intent["transfer_group"],
    }
    account.store.charges.add(made["id"], made)
    intent["latest_charge"] = made["id"]
    return made


def capture(account: Account, charge: Charge, *, amount_minor: int) -> None:
    """What is not captured is released, which Stripe shows as refunded."""
    charge["captured"] = True
    charge["amount_captured"] = amount_minor
    charge["amount_refunded"] = charge["amount"] - amount_minor


def book_later(account: Account, charge: Charge) -> None:
    """Asynchronous capture: the balance transaction appears after the answer, with a `charge.updated`."""
    account.soon(book, charge["id"])


def book(account: Account, charge_id: str) -> None:
    charge = account.store.charges.get(charge_id)
    before = deepcopy(charge)
    balance.book_charge(account, charge)
    account.emit("charge.updated", charge, before=before)


def _descriptor(intent: PaymentIntent) -> str:
    suffix = intent["statement_descriptor_suffix"]
    return f"{DESCRIPTOR}* {suffix}".upper() if suffix else DESCRIPTOR


def _outcome(refusal: Decline | None) -> Outcome:
    if refusal is None:
        return {
            "advice_code": None,
            "network_advice_code": None,
            "network_decline_code": None,
            "network_status": "approved_by_network",
            "reason": None,
            "risk_level": "normal",
            "risk_score": 20,
            "seller_message": "Payment complete.",
            "type": "authorized",
        }
    return {
        "advice_code": refusal.advice_code,
        "network_advice_code": None,
        "network_decline_code": None if refusal.blocked else refusal.network_decline_code,
        "network_status": "not_sent_to_network" if refusal.blocked else "declined_by_network",
        "reason": "highest_risk_level" if refusal.blocked else refusal.decline_code,
        "risk_level": "highest" if refusal.blocked else "normal",
        "risk_score": 100 if refusal.blocked else 20,
        "seller_message": "The bank returned the decline code `" + refusal.decline_code + "`.",
        "type": "blocked" if refusal.blocked else "issuer_declined",
    }


def _charged_card(
    account: Account,
    intent: PaymentIntent,
    payment_method: PaymentMethod,
    *,
    refusal: Decline | None,
    authenticated: bool,
) -> ChargedCard:
    card = payment_method["card"]
    manual = intent["capture_method"] == "manual"
    return {
        "amount_authorized": None if refusal else intent["amount"],
        "authorization_code": None if refusal else account.ids.token(6).upper(),
        "brand": card["brand"],
        "capture_before": account.now() + HOLD_SECONDS if manual and not refusal else None,
        "checks": {
            "address_line1_check": None,
            "address_postal_code_check": None,
            "cvc_check": account.store.card_facts[payment_method["id"]].card.cvc_check,
        },
        "country": card["country"],
        "exp_month": card["exp_month"],
        "exp_year": card["exp_year"],
        "extended_authorization": {"status": "disabled"},
        "fingerprint": card["fingerprint"],
        "funding": card["funding"],
        "incremental_authorization": {"status": "unavailable"},
        "installments": None,
        "last4": card["last4"],
        "mandate": None,
        "multicapture": {"status": "unavailable"},
        "network": card["brand"],
        "network_token": {"used": False},
        "network_transaction_id": account.ids.token(15),
        "overcapture": {"maximum_amount_capturable": intent["amount"], "status": "unavailable"},
        "regulated_status": card["regulated_status"],
        "three_d_secure": _three_d_secure(account) if authenticated else None,
        "wallet": None,
    }


def _three_d_secure(account: Account) -> ThreeDSecure:
    return {
        "authentication_flow": "challenge",
        "electronic_commerce_indicator": "05",
        "exemption_indicator": None,
        "result": "authenticated",
        "result_reason": None,
        "transaction_id": account.ids.uuid(),
        "version": "2.2.0",
    }
