"""reconcile: every way in which the three books may drift apart is found and named."""

from datetime import timedelta

import pytest
from tortoise.expressions import F

from billing.invoices import InvoiceStatus
from billing.lifecycle import SubscriptionStatus
from billing.tiers import BillingPeriod, Tier
from models import (
    AccountBalanceEntry,
    CreditEntry,
    Customer,
    InvoiceLine,
    Payment,
    PaymentMethod,
    PaymentStatus,
    Refund,
)
from operations.reconcile import Difference
from tests.operations.reconcile.books import TODAY, VISA, Act, Books, name_of

# Drift of our rows.


async def _credit_balance(books: Books) -> None:
    await Customer.filter(entity_id=books.entity_id).update(credit_balance=F("credit_balance") + 5)


async def _credit_entry(books: Books) -> None:
    await CreditEntry.filter(customer__entity_id=books.entity_id).update(amount=9_000)


async def _another_plans_month(books: Books) -> None:
    await CreditEntry.filter(customer__entity_id=books.entity_id).update(amount=50_000)
    await Customer.filter(entity_id=books.entity_id).update(credit_balance=50_000)


async def _account_balance(books: Books) -> None:
    await Customer.filter(entity_id=books.entity_id).update(account_balance_minor=100)


async def _account_entry(books: Books) -> None:
    await AccountBalanceEntry.create(
        customer_id=(await books.row()).id, amount_minor=-50, currency="USD", at=TODAY, key=books.entity_id, cause="-"
    )


async def _name_and_email(books: Books) -> None:
    await Customer.filter(entity_id=books.entity_id).update(name="Eve", email="eve@example.com")


async def _tier(books: Books) -> None:
    await books.change_subscription(tier=Tier.TEAM)


async def _billing_period(books: Books) -> None:
    await books.change_subscription(billing_period=BillingPeriod.YEARLY)


async def _price(books: Books) -> None:
    await books.change_subscription(price_minor=901)


async def _allowance(books: Books) -> None:
    await books.change_subscription(credits_per_month=10_001)


async def _period(books: Books) -> None:
    await books.change_subscription(period_end=(await books.subscription()).period_end + timedelta(days=1))


async def _anchor(books: Books) -> None:
    await books.change_subscription(anchor=(await books.subscription()).anchor - timedelta(days=1))


async def _ended_here(books: Books) -> None:
    await books.change_subscription(status=SubscriptionStatus.CANCELLED)


async def _past_due_without_a_cause(books: Books) -> None:
    await books.change_subscription(status=SubscriptionStatus.PAST_DUE)


async def _cancelled_here(books: Books) -> None:
    await books.change_subscription(cancel_at_period_end=True)


async def _contract_forgotten(books: Books) -> None:
    await books.change_subscription(metronome_contract_id=None)


async def _invoice_open(books: Books) -> None:
    await books.change_invoice(status=InvoiceStatus.OPEN)


async def _invoice_amount(books: Books) -> None:
    await books.change_invoice(amount_minor=901)


async def _invoice_due(books: Books) -> None:
    await books.change_invoice(due_minor=899)


async def _invoice_line(books: Books) -> None:
    await InvoiceLine.filter(invoice_id=(await books.invoice()).id).update(description="Something else")


async def _due_date(books: Books) -> None:
    await books.change_invoice(due_date=TODAY.date())


async def _invoice_lost(books: Books) -> None:
    invoice = await books.invoice()
    await Payment.filter(invoice_id=invoice.id).delete()
    await InvoiceLine.filter(invoice_id=invoice.id).delete()
    await invoice.delete()


async def _payment_failed(books: Books) -> None:
    await books.change_payment(status=PaymentStatus.FAILED)


async def _payment_amount(books: Books) -> None:
    await books.change_payment(amount_minor=901)


async def _payment_without_intent(books: Books) -> None:
    await books.change_payment(stripe_payment_intent_id=None)


async def _refund_of_ours(books: Books) -> None:
    payment = await books.payment()
    await Refund.create(
        customer_id=payment.customer_id,
        payment_id=payment.id,
        amount_minor=10,
        currency="USD",
        status="SUCCEEDED",
        stripe_refund_id=f"re_{books.entity_id}",
        created_at=TODAY,
        updated_at=TODAY,
    )
    await books.change_payment(refunded_minor=10)


async def _no_default(books: Books) -> None:
    await PaymentMethod.filter(customer__entity_id=books.entity_id).update(is_default=False)


async def _card_details(books: Books) -> None:
    await PaymentMethod.filter(customer__entity_id=books.entity_id).update(last4="0000")


async def _detached_here(books: Books) -> None:
    await PaymentMethod.filter(customer__entity_id=books.entity_id).update(detached_at=TODAY)


# Drift at the providers.


async def _usage(books: Books) -> None:
    used = {"customer_id": (await books.row()).metronome_customer_id, "amount": 3_000}
    assert (await books.service.metronome.http.post("/_mock/usage", json=used)).is_success


async def _credit_granted_there(books: Books) -> None:
    await books.metronome("POST", "credits", customer_id=(await books.row()).metronome_customer_id, amount=500)


async def _credit_taken_there(books: Books) -> None:
    await books.metronome("POST", "credits", customer_id=(await books.row()).metronome_customer_id, amount=-500)


async def _renamed_in_metronome(books: Books) -> None:
    await books.metronome("PATCH", f"customers/{(await books.row()).metronome_customer_id}", name="Eve")


async def _contract_cancelled_there(books: Books) -> None:
    await books.metronome("POST", f"contracts/{(await books.subscription()).metronome_contract_id}/cancel")


async def _contract_end_set_there(books: Books) -> None:
    contract_id = (await books.subscription()).metronome_contract_id
    await books.metronome("PATCH", f"contracts/{contract_id}", end_date="2028-03-10T00:00:00Z")


async def _contract_replaced_there(books: Books) -> None:
    await books.metronome(
        "POST",
        "contracts",
        customer_id=(await books.row()).metronome_customer_id,
        tier="team",
        billing_period="monthly",
        start_date="2028-02-10T00:00:00Z",
        replaces_contract_id=(await books.subscription()).metronome_contract_id,
    )


async def _invoice_made_there(books: Books) -> None:
    line = {"description": "Extra", "quantity": 1, "unit_price": 100, "amount": 100}
    await books.metronome(
        "POST",
        "invoices",
        customer_id=(await books.row()).metronome_customer_id,
        contract_id=(await books.subscription()).metronome_contract_id,
        currency="USD",
        due_date="2028-03-10T00:00:00Z",
        line_items=[line],
    )


async def _renamed_at_stripe(books: Books) -> None:
    await books.stripe("POST", f"customers/{(await books.row()).stripe_customer_id}", email="eve@example.com")


async def _deleted_at_stripe(books: Books) -> None:
    await books.stripe("DELETE", f"customers/{(await books.row()).stripe_customer_id}")


async def _attached_at_stripe(books: Books) -> None:
    await books.stripe("POST", f"payment_methods/{VISA}/attach", customer=str((await books.row()).stripe_customer_id))


async def _detached_at_stripe(books: Books) -> None:
    card = await PaymentMethod.get(customer__entity_id=books.entity_id)
    await books.stripe("POST", f"payment_methods/{card.stripe_payment_method_id}/detach")


async def _charged_twice(books: Books) -> None:
    form = {
        "customer": str((await books.row()).stripe_customer_id),
        "amount": "900",
        "currency": "usd",
        "confirm": "true",
        "payment_method": VISA,
        "automatic_payment_methods[enabled]": "true",
        "automatic_payment_methods[allow_redirects]": "never",
        "metadata[invoice_id]": (await books.invoice()).id,
    }
    await books.stripe("POST", "payment_intents", **form)


async def _charged_for_something_else(books: Books) -> None:
    form = {
        "customer": str((await books.row()).stripe_customer_id),
        "amount": "1200",
        "currency": "usd",
        "confirm": "true",
        "payment_method": VISA,
        "automatic_payment_methods[enabled]": "true",
        "automatic_payment_methods[allow_redirects]": "never",
    }
    made = await books.stripe("POST", "payment_intents", **form)
    await books.stripe("POST", "refunds", payment_intent=made["id"], amount="200")


async def _called_off_at_stripe(books: Books) -> None:
    customer_id = str((await books.row()).stripe_customer_id)
    made = await books.stripe("POST", "payment_intents", customer=customer_id, amount="1200", currency="usd")
    await books.stripe("POST", f"payment_intents/{made['id']}/cancel")


async def _refunded_at_stripe(books: Books) -> None:
    intent_id = str((await books.payment()).stripe_payment_intent_id)
    await books.stripe("POST", "refunds", payment_intent=intent_id, amount="300")


Found = tuple[str, str, str, str]
"""what, ours, theirs, severity; "*" for an id."""

LINE = "Pro, monthly, 2028-02-10 to 2028-03-10"

DRIFTS: tuple[tuple[Act, tuple[Found, ...]], ...] = (
    (_credit_balance, (("credits.ledger", "10005", "10000", "HIGH"), ("credits.balance", "10005", "10000", "LOW"))),
    (
        _credit_entry,
        (("credits.ledger", "10000", "9000", "HIGH"), ("credits.allowance", "10000", "9000", "HIGH")),
    ),
    (
        _another_plans_month,
        (
            ("credits.allowance", "10000", "50000", "HIGH"),
            ("credits.balance", "50000", "10000", "LOW"),
        ),
    ),
    (_account_balance, (("account_balance.ledger", "100", "0", "HIGH"),)),
    (_account_entry, (("account_balance.ledger", "0", "-50", "HIGH"),)),
    (
        _name_and_email,
        (
            ("metronome.customer.name", "Eve", "Ada Lovelace", "LOW"),
            ("metronome.customer.email", "eve@example.com", "ada@example.com", "LOW"),
            ("stripe.customer.name", "Eve", "Ada Lovelace", "LOW"),
            ("stripe.customer.email", "eve@example.com", "ada@example.com", "LOW"),
        ),
    ),
    (_tier, (("contract.tier", "TEAM", "PRO", "HIGH"),)),
    (_billing_period, (("contract.billing_period", "YEARLY", "MONTHLY", "HIGH"),)),
    (_price, (("contract.price", "9.01 USD", "9.00 USD", "HIGH"),)),
    (
        _allowance,
        (("credits.allowance", "10001", "10000", "HIGH"), ("contract.credits_per_month", "10001", "10000", "HIGH")),
    ),
    (_period, (("contract.period_end", "2028-03-11T00:00:00+00:00", "2028-03-10T00:00:00+00:00", "HIGH"),)),
    (_anchor, (("contract.anchor", "2028-02-09T00:00:00+00:00", "2028-02-10T00:00:00+00:00", "HIGH"),)),
    (_ended_here, (("contract.status", "CANCELLED", "ACTIVE", "HIGH"),)),
    (_past_due_without_a_cause, (("subscription.status", "PAST_DUE", "ACTIVE", "HIGH"),)),
    (_cancelled_here, (("contract.end_date", "2028-03-10T00:00:00+00:00", "none", "HIGH"),)),
    (
        _contract_forgotten,
        (("contract", "none", "none", "HIGH"), ("contract", "none", "ACTIVE PRO MONTHLY", "HIGH")),
    ),
    (
        _invoice_open,
        (("invoice.status", "OPEN", "PAID", "HIGH"), ("invoice.charges", "none", "9.00 USD", "HIGH")),
    ),
    (
        _invoice_amount,
        (
            ("invoice.lines", "901", "900", "HIGH"),
            ("invoice.due", "900", "901", "HIGH"),
            ("invoice.amount", "9.01 USD", "9.00 USD", "HIGH"),
        ),
    ),
    (
        _invoice_due,
        (("invoice.due", "899", "900", "HIGH"), ("invoice.charges", "8.99 USD", "9.00 USD", "HIGH")),
    ),
    (_invoice_line, (("invoice.lines", "Something else: 9.00 USD", f"{LINE}: 9.00 USD", "HIGH"),)),
    (_due_date, (("invoice.due_date", "2028-02-10T00:00:00+00:00", "2028-03-11T00:00:00+00:00", "LOW"),)),
    (
        _invoice_lost,
        (("invoice", "none", "PAID 9.00 USD", "HIGH"), ("payment", "none", "succeeded 9.00 USD", "HIGH")),
    ),
    (
        _payment_failed,
        (("payment.status", "FAILED", "SUCCEEDED", "HIGH"), ("invoice.charges", "none", "9.00 USD", "HIGH")),
    ),
    (_payment_amount, (("payment.amount", "9.01 USD", "9.00 USD", "HIGH"),)),
    (
        _payment_without_intent,
        (
            ("invoice.paid_by", "none", "*", "HIGH"),
            ("payment", "SUCCEEDED", "none", "HIGH"),
            ("payment", "none", "succeeded 9.00 USD", "HIGH"),
        ),
    ),
    (_refund_of_ours, (("refund", "*", "none", "HIGH"), ("payment.refunded", "0.10 USD", "0.00 USD", "HIGH"))),
    (_no_default, (("payment_method.default", "none", "*", "HIGH"),)),
    (_card_details, (("payment_method.card", "visa 0000 2 2038", "visa 4242 2 2038", "LOW"),)),
    (
        _detached_here,
        (("payment_method", "none", "attached", "HIGH"), ("payment_method.default", "none", "*", "HIGH")),
    ),
    (_usage, (("credits.balance", "10000", "7000", "LOW"),)),
    (
        _credit_granted_there,
        (("credits.balance", "10000", "10500", "HIGH"), ("credit", "none", "granted or taken away", "HIGH")),
    ),
    (
        _credit_taken_there,
        (("credits.balance", "10000", "9500", "LOW"), ("credit", "none", "granted or taken away", "HIGH")),
    ),
    (_renamed_in_metronome, (("metronome.customer.name", "Ada Lovelace", "Eve", "LOW"),)),
    (
        _contract_cancelled_there,
        (("contract.status", "ACTIVE", "CANCELLED", "HIGH"), ("credits.balance", "10000", "0", "LOW")),
    ),
    (_contract_end_set_there, (("contract.end_date", "none", "2028-03-10T00:00:00+00:00", "HIGH"),)),
    (
        _contract_replaced_there,
        (("contract.status", "ACTIVE", "CANCELLED", "HIGH"), ("contract", "none", "ACTIVE TEAM MONTHLY", "HIGH")),
    ),
    (_invoice_made_there, (("invoice", "none", "OPEN 1.00 USD", "HIGH"),)),
    (_renamed_at_stripe, (("stripe.customer.email", "ada@example.com", "eve@example.com", "LOW"),)),
    (_deleted_at_stripe, (("stripe.customer", "*", "none", "HIGH"),)),
    (_attached_at_stripe, (("payment_method", "none", "attached", "HIGH"),)),
    (
        _detached_at_stripe,
        (("payment_method", "attached", "none", "HIGH"), ("payment_method.default", "*", "none", "HIGH")),
    ),
    (
        _charged_twice,
        (("payment", "none", "succeeded 9.00 USD", "HIGH"), ("invoice.charges", "9.00 USD", "2 x", "HIGH")),
    ),
    (_charged_for_something_else, (("payment", "none", "succeeded 12.00 USD, 2.00 USD refunded", "HIGH"),)),
    (_called_off_at_stripe, (("payment", "none", "canceled 12.00 USD", "LOW"),)),
    (
        _refunded_at_stripe,
        (("refund", "none", "succeeded 3.00 USD", "HIGH"), ("payment.refunded", "0.00 USD", "3.00 USD", "HIGH")),
    ),
)


@pytest.mark.parametrize(("drift", "expected"), DRIFTS, ids=[name_of(drift) for drift, _ in DRIFTS])
async def test_drift_is_found_and_named(books: Books, drift: Act, expected: tuple[Found, ...]) -> None:
    await books.onboard(tier="PRO", paymentMethodId=VISA)

    await drift(books)

    assert [_told(found) for found in await books.differences()] == list(expected)


def _told(found: Difference) -> Found:
    ours, theirs = (
        "*" if value.startswith(("pm_", "pi_", "cus_", "re_")) else value for value in (found.ours, found.theirs)
    )
    return found.what, ours, "2 x" if theirs == "9.00 USD, 9.00 USD" else theirs, found.severity.value
