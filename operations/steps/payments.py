"""What a payment intent's outcome means for our rows: the payment, its invoice, the subscription behind it.

Everything here is called within a transaction, and any news may come twice, late, or after better news.
"""

from datetime import datetime, timedelta

import structlog
from tortoise.expressions import Q

from billing.dunning import next_attempt
from billing.invoices import UNPAID, InvoiceStatus
from billing.lifecycle import SubscriptionEvent, SubscriptionStatus, next_status
from billing.money import Money
from integrations.errors import Declined, Rejected
from integrations.stripe.types import Decline, PaymentIntent, PaymentIntentStatus
from models import Customer, Invoice, Payment, PaymentStatus, Subscription
from operations.activity import record
from operations.counting import count_money
from operations.steps.withheld import credit_withheld

log = structlog.get_logger()

DAY = timedelta(days=1)

_STATUS = {
    PaymentIntentStatus.SUCCEEDED: PaymentStatus.SUCCEEDED,
    PaymentIntentStatus.REQUIRES_ACTION: PaymentStatus.REQUIRES_ACTION,
    PaymentIntentStatus.REQUIRES_PAYMENT_METHOD: PaymentStatus.FAILED,
    PaymentIntentStatus.CANCELED: PaymentStatus.CANCELLED,
}


def status_of(intent: PaymentIntent) -> PaymentStatus:
    """What a payment is when its intent stands so."""
    return _STATUS.get(intent.status, PaymentStatus.PROCESSING)


async def record_intent(payment_id: str, intent: PaymentIntent, at: datetime) -> None:
    """Write what a payment intent says onto its payment, and what follows from it.

    A payment that succeeded stays so, whatever older news arrives later.
    """
    status = status_of(intent)
    decline = intent.decline if status is PaymentStatus.FAILED else None
    await _record(payment_id, status, intent=intent, decline=decline, at=at)


async def record_unclosed(payment_id: str, intent: PaymentIntent, at: datetime) -> None:
    """Stripe did not cancel the intent. As long as it has not ended, its payment may succeed, also one that failed."""
    status = status_of(intent)
    if status in (PaymentStatus.SUCCEEDED, PaymentStatus.CANCELLED):
        await record_intent(payment_id, intent, at)
        return
    payment = await Payment.filter(id=payment_id).select_for_update().get()
    open_as = PaymentStatus.PROCESSING if status is PaymentStatus.FAILED else status
    if payment.status is not PaymentStatus.SUCCEEDED:
        await _write(payment, open_as, intent=intent, decline=None, at=at)


async def record_refusal(payment_id: str, rejected: Rejected, at: datetime) -> None:
    """The attempt was refused: by the issuer, with an intent to show for it, or before there was one."""
    if isinstance(rejected, Declined):
        intent, decline = rejected.payment_intent, rejected.decline
    else:
        intent = None
        decline = Decline(code=rejected.code, decline_code=None, message=rejected.message, advice_code=None)
    await _record(payment_id, PaymentStatus.FAILED, intent=intent, decline=decline, at=at)


async def _record(
    payment_id: str, status: PaymentStatus, *, intent: PaymentIntent | None, decline: Decline | None, at: datetime
) -> None:
    payment = await Payment.filter(id=payment_id).select_for_update().get()
    if payment.status is PaymentStatus.SUCCEEDED:
        return
    if payment.status is PaymentStatus.FAILED and status is PaymentStatus.CANCELLED:
        return  # closed, so that nobody pays it late: that it was declined stays on record
    is_news = payment.status is not status
    await _write(payment, status, intent=intent, decline=decline, at=at)
    if is_news and status is PaymentStatus.SUCCEEDED:
        count_money("PAYMENT", payment.amount_minor, payment.currency)
        await _succeeded(payment, at)
    elif is_news and status is PaymentStatus.FAILED:
        await _failed(payment, at)


async def _write(
    payment: Payment, status: PaymentStatus, *, intent: PaymentIntent | None, decline: Decline | None, at: datetime
) -> None:
    payment.status = status
    payment.updated_at = at
    if intent is not None:
        payment.stripe_payment_intent_id = intent.id
        payment.stripe_charge_id = intent.latest_charge_id
    payment.client_secret = intent.client_secret if intent and status is PaymentStatus.REQUIRES_ACTION else None
    payment.error_code = decline.code if decline else None
    payment.decline_code = decline.decline_code if decline else None
    payment.error_message = decline.message[:500] if decline else None
    await payment.save()


async def _succeeded(payment: Payment, at: datetime) -> None:
    invoice = await Invoice.filter(id=payment.invoice_id).select_for_update().get()
    if invoice.status not in UNPAID:
        await mark_in_vain(payment, f"The invoice is {invoice.status.lower()} already", at)
        return
    was_draft = invoice.status is InvoiceStatus.DRAFT
    await settle_invoice(invoice, at)
    if not was_draft:
        await _count_as_paid(invoice, at)
    await _tell("payment.succeeded", "Payment succeeded", payment, at)


async def mark_in_vain(payment: Payment, why: str, at: datetime) -> None:
    """It was taken for nothing: whoever runs next gives it back. Called within a transaction; twice is once."""
    if await Payment.filter(id=payment.id, in_vain_at=None).update(in_vain_at=at, updated_at=at):
        log.warning("payment.in_vain", payment=payment.id, invoice=payment.invoice_id, why=why)
        amount = Money(payment.amount_minor, payment.currency)
        await _tell("payment.in_vain", f"{why}: the payment of {amount} is given back", payment, at)


async def settle_otherwise(invoice: Invoice, at: datetime) -> None:
    """The invoice was paid by other means than a payment of ours, such as a bank transfer."""
    await settle_invoice(invoice, at)
    await _count_as_paid(invoice, at)


async def settle_invoice(invoice: Invoice, at: datetime) -> None:
    invoice.status = InvoiceStatus.PAID
    invoice.paid_at = invoice.updated_at = at
    invoice.next_attempt_at = None
    await invoice.save(update_fields=["status", "paid_at", "updated_at", "next_attempt_at"])


async def _count_as_paid(invoice: Invoice, at: datetime) -> None:
    """The money can be credited back from now on; and the last overdue invoice brings the subscription back."""
    await credit_withheld(invoice, at)
    subscription = await Subscription.filter(id=invoice.subscription_id).select_for_update().get()
    if invoice.period_end == subscription.period_end:
        subscription.paid_minor += invoice.due_minor - invoice.withheld_minor
    if subscription.status is SubscriptionStatus.PAST_DUE and not await _overdue(subscription):
        subscription.status = next_status(subscription.status, SubscriptionEvent.PAYMENT_SUCCEEDED)
    subscription.updated_at = at
    await subscription.save(update_fields=["paid_minor", "status", "updated_at"])


async def _overdue(subscription: Subscription) -> bool:
    return await Invoice.filter(
        subscription_id=subscription.id, status=InvoiceStatus.OPEN, first_failed_at__not_isnull=True
    ).exists()


async def _failed(payment: Payment, at: datetime) -> None:
    invoice = await Invoice.filter(id=payment.invoice_id).select_for_update().get()
    if invoice.status is InvoiceStatus.OPEN:
        await _count_failure(invoice, at)
        await _fall_behind(invoice.subscription_id, at)
    await _tell("payment.failed", f"Payment failed: {payment.decline_code or payment.error_code}", payment, at)


async def record_failed_try(invoice_id: str, at: datetime) -> None:
    """A try without a payment of ours, for there was no card, or somebody else made it: for the schedule like any."""
    invoice = await Invoice.filter(id=invoice_id).select_for_update().get()
    if invoice.status is InvoiceStatus.OPEN:
        await _count_failure(invoice, at)
        await _fall_behind(invoice.subscription_id, at)


async def _count_failure(invoice: Invoice, at: datetime) -> None:
    """A try before its time, by hand or with a new card, uses up none of the schedule."""
    first: datetime | None = invoice.first_failed_at
    if first is None or at >= (next_attempt(first, invoice.failed_attempts) or at):
        invoice.failed_attempts += 1
    invoice.first_failed_at = first or at
    scheduled = next_attempt(invoice.first_failed_at, invoice.failed_attempts)
    # After an outage of ours the missed tries are not made up for within minutes.
    overtaken = scheduled is not None and scheduled <= at
    invoice.next_attempt_at = at + DAY if overtaken else scheduled
    invoice.updated_at = at
    await invoice.save(update_fields=["first_failed_at", "failed_attempts", "next_attempt_at", "updated_at"])


async def bring_forward(customer_id: str, at: datetime) -> None:
    """The customer has another card to collect with: what is overdue is tried again now. Called in a transaction."""
    overdue = Q(first_failed_at__not_isnull=True) | Q(due_date__lte=at.date())
    await Invoice.filter(overdue, customer_id=customer_id, status=InvoiceStatus.OPEN).update(
        next_attempt_at=at, updated_at=at
    )


async def _fall_behind(subscription_id: str, at: datetime) -> None:
    """A subscription that is still being provisioned learns of it when it is activated."""
    subscription = await Subscription.filter(id=subscription_id).select_for_update().get()
    if subscription.status is not SubscriptionStatus.PENDING:
        subscription.status = next_status(subscription.status, SubscriptionEvent.PAYMENT_FAILED)
        subscription.updated_at = at
        await subscription.save(update_fields=["status", "updated_at"])


async def _tell(kind: str, summary: str, payment: Payment, at: datetime) -> None:
    await record(
        kind,
        summary,
        at=at,
        customer=await Customer.get(id=payment.customer_id),
        operation_id=payment.operation_id,
        data={"payment": payment.id, "invoice": payment.invoice_id, "status": payment.status.value},
    )
