"""Collecting an invoice with the default payment method: at most one successful charge, whatever races."""

from datetime import datetime

from billing.invoices import PAYABLE, InvoiceStatus
from billing.money import Money
from integrations.errors import Declined, Rejected
from integrations.stripe.types import Decline, PaymentIntent, PaymentIntentStatus
from models import Customer, Invoice, Payment, PaymentMethod, PaymentStatus, Provider
from operations.effects import Effect, perform
from operations.steps.case import settled
from operations.tools import Tools

_STATUS = {
    PaymentIntentStatus.SUCCEEDED: PaymentStatus.SUCCEEDED,
    PaymentIntentStatus.REQUIRES_ACTION: PaymentStatus.REQUIRES_ACTION,
    PaymentIntentStatus.REQUIRES_PAYMENT_METHOD: PaymentStatus.FAILED,
    PaymentIntentStatus.CANCELED: PaymentStatus.CANCELLED,
}


async def collect(operation_id: str, invoice: Invoice, tools: Tools) -> None:
    """Charge the default payment method, if there is one. The outcome is on the payment row."""
    payment = await _attempt(invoice, tools.now())
    if payment is None or payment.status is not PaymentStatus.PROCESSING:
        return
    customer = await Customer.get(id=invoice.customer_id)
    stripe_customer_id = settled(customer.stripe_customer_id)

    async def look_up(_: datetime) -> PaymentIntent | None:
        found = await tools.stripe.find_payment_intents(
            customer_id=stripe_customer_id, metadata_key="payment_id", metadata_value=payment.id
        )
        return next(iter(found), None)

    async def settle(intent: PaymentIntent) -> None:
        await record_intent(payment.id, intent, tools.now())

    async def refuse(rejected: Rejected) -> None:
        await _record_refusal(payment.id, rejected, tools.now())

    await perform(
        operation_id,
        Effect(
            step="payment",
            provider=Provider.STRIPE,
            send=lambda key: tools.stripe.create_payment_intent(
                customer_id=stripe_customer_id,
                amount=Money(payment.amount_minor, payment.currency),
                payment_method_id=settled(payment.stripe_payment_method_id),
                metadata={"payment_id": payment.id, "invoice_id": invoice.id},
                idempotency_key=key,
            ),
            look_up=look_up,
            settle=settle,
            refuse=refuse,
        ),
        tools.now,
    )


async def _attempt(invoice: Invoice, at: datetime) -> Payment | None:
    """The payment that is under way for the invoice, or its first; None when there is nothing to charge with."""
    if latest := await Payment.filter(invoice_id=invoice.id).order_by("-attempt").first():
        return latest
    method = await PaymentMethod.filter(customer_id=invoice.customer_id, is_default=True, detached_at=None).first()
    if method is None or invoice.status not in PAYABLE:
        return None
    return await Payment.create(
        customer_id=invoice.customer_id,
        invoice_id=invoice.id,
        attempt=1,
        status=PaymentStatus.PROCESSING,
        amount_minor=invoice.due_minor,
        currency=invoice.currency,
        stripe_payment_method_id=method.stripe_payment_method_id,
        created_at=at,
        updated_at=at,
    )


async def record_intent(payment_id: str, intent: PaymentIntent, at: datetime) -> None:
    """Write what a payment intent says onto its payment, and onto the invoice when it succeeded.

    Called within a transaction. A payment that succeeded stays so, whatever older news arrives later.
    """
    payment = await Payment.filter(id=payment_id).select_for_update().get()
    if payment.status is PaymentStatus.SUCCEEDED:
        return
    status = _STATUS.get(intent.status, PaymentStatus.PROCESSING)
    await _write(
        payment,
        status,
        intent=intent,
        decline=intent.decline if status is PaymentStatus.FAILED else None,
        at=at,
    )
    if status is PaymentStatus.SUCCEEDED:
        await Invoice.filter(id=payment.invoice_id, status__in=PAYABLE).update(
            status=InvoiceStatus.PAID, paid_at=at, updated_at=at
        )


async def _record_refusal(payment_id: str, rejected: Rejected, at: datetime) -> None:
    payment = await Payment.filter(id=payment_id).select_for_update().get()
    if isinstance(rejected, Declined):
        await _write(payment, PaymentStatus.FAILED, intent=rejected.payment_intent, decline=rejected.decline, at=at)
    else:
        refusal = Decline(code=rejected.code, decline_code=None, message=rejected.message, advice_code=None)
        await _write(payment, PaymentStatus.FAILED, intent=None, decline=refusal, at=at)


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
