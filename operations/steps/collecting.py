"""Collecting an invoice: at most one successful charge, whatever races.

An attempt is a row that belongs to one operation. A new one is made only when no other is open, and only after the
intent of the attempt before it can no longer succeed: else a payer returning late would pay twice. Where Stripe does
not let an intent be cancelled, as while a bank processes it, its payment is open for as long.
"""

from datetime import datetime

from tortoise.transactions import in_transaction

from billing.invoices import UNPAID, InvoiceStatus
from billing.money import Money
from integrations.errors import Rejected
from integrations.stripe.types import PaymentIntent, PaymentIntentStatus
from models import UNDECIDED, Customer, Invoice, Operation, Payment, PaymentMethod, PaymentStatus, Provider
from operations.effects import Effect, perform
from operations.steps.case import settled
from operations.steps.payments import record_intent, record_refusal, record_unclosed
from operations.tools import Tools

ENDED = (PaymentIntentStatus.CANCELED, PaymentIntentStatus.SUCCEEDED)


async def collect(
    operation_id: str, invoice_id: str, tools: Tools, *, off_session: bool, stripe_payment_method_id: str | None = None
) -> Payment | None:
    """This operation's attempt at the invoice, with its outcome; None when there is nothing to charge, or with.

    An attempt of another operation that is still open is returned as it stands.
    """
    invoice = await Invoice.get(id=invoice_id)
    await _close_earlier_intent(operation_id, invoice, tools)
    payment = await _attempt(operation_id, invoice_id, stripe_payment_method_id, tools.now())
    if payment is None or payment.operation_id != operation_id:
        return payment
    if payment.status is PaymentStatus.PROCESSING:
        await _charge(operation_id, payment, tools, off_session=off_session)
        payment = await Payment.get(id=payment.id)
    if payment.status in UNDECIDED and await _is_out_of_time(operation_id, tools.now()):
        await close_intent(operation_id, payment, tools)
    payment = await Payment.get(id=payment.id)
    if payment.status is PaymentStatus.FAILED and invoice.status is InvoiceStatus.DRAFT:
        # What a draft stands for is called off now, so nobody may pay for it later, as a payer who was asked to
        # confirm could with another card.
        await close_intent(operation_id, payment, tools)
    return await Payment.get(id=payment.id)


async def default_method(customer_id: str) -> PaymentMethod | None:
    return await PaymentMethod.filter(customer_id=customer_id, is_default=True, detached_at=None).first()


async def _attempt(
    operation_id: str, invoice_id: str, stripe_payment_method_id: str | None, at: datetime
) -> Payment | None:
    async with in_transaction():
        invoice = await Invoice.filter(id=invoice_id).select_for_update().get()
        latest = await Payment.filter(invoice_id=invoice_id).order_by("-attempt").first()
        if latest is not None and (latest.operation_id == operation_id or latest.status in UNDECIDED):
            return latest
        method_id = stripe_payment_method_id or await _default_method_id(invoice.customer_id)
        if method_id is None or invoice.status not in UNPAID or invoice.due_minor == 0:
            return None
        return await Payment.create(
            customer_id=invoice.customer_id,
            invoice_id=invoice.id,
            attempt=latest.attempt + 1 if latest else 1,
            operation_id=operation_id,
            status=PaymentStatus.PROCESSING,
            amount_minor=invoice.due_minor,
            currency=invoice.currency,
            stripe_payment_method_id=method_id,
            created_at=at,
            updated_at=at,
        )


async def _default_method_id(customer_id: str) -> str | None:
    method = await default_method(customer_id)
    return method.stripe_payment_method_id if method else None


async def _is_out_of_time(operation_id: str, at: datetime) -> bool:
    """Whether the operation has waited for its payer as long as it would."""
    return await Operation.exists(id=operation_id, action_expires_at__lte=at)


async def _charge(operation_id: str, payment: Payment, tools: Tools, *, off_session: bool) -> None:
    customer = await Customer.get(id=payment.customer_id)
    stripe_customer_id = settled(customer.stripe_customer_id)

    async def look_up(since: datetime) -> PaymentIntent | None:
        found = await tools.stripe.find_payment_intents(
            customer_id=stripe_customer_id, metadata_key="payment_id", metadata_value=payment.id
        )
        return next(iter(found), None)

    async def settle(intent: PaymentIntent) -> None:
        await record_intent(payment.id, intent, tools.now())

    async def refuse(rejected: Rejected) -> None:
        await record_refusal(payment.id, rejected, tools.now())

    # `refuse` writes it down: the payment has failed.
    _ = await perform(
        operation_id,
        Effect(
            step=f"payment_{payment.attempt}",
            provider=Provider.STRIPE,
            send=lambda key: tools.stripe.create_payment_intent(
                customer_id=stripe_customer_id,
                amount=Money(payment.amount_minor, payment.currency),
                payment_method_id=settled(payment.stripe_payment_method_id),
                metadata={"payment_id": payment.id, "invoice_id": payment.invoice_id},
                idempotency_key=key,
                off_session=off_session,
            ),
            look_up=look_up,
            settle=settle,
            refuse=refuse,
        ),
        tools.now,
    )


async def read_intent(operation_id: str, payment: Payment, tools: Tools) -> Payment:
    """Ask Stripe what became of a payment, however long it takes to get an answer, and record it."""
    intent_id = payment.stripe_payment_intent_id
    if intent_id is None:
        return payment

    async def read(_: object) -> PaymentIntent:
        return await tools.stripe.get_payment_intent(payment_intent_id=intent_id)

    async def settle(intent: PaymentIntent) -> None:
        await record_intent(payment.id, intent, tools.now())

    # Refused, it stays as it was.
    _ = await perform(
        operation_id,
        Effect(
            step=f"read_payment_{payment.attempt}", provider=Provider.STRIPE, send=read, look_up=read, settle=settle
        ),
        tools.now,
    )
    return await Payment.get(id=payment.id)


async def _close_earlier_intent(operation_id: str, invoice: Invoice, tools: Tools) -> None:
    """What another operation tried before must not succeed beside the new attempt; if it has, that is the payment.

    The latest is enough: its own operation closed the one before it.
    """
    earlier = (
        await Payment.filter(invoice_id=invoice.id, stripe_payment_intent_id__not_isnull=True)
        .exclude(operation_id=operation_id)
        .order_by("-attempt")
        .first()
    )
    if earlier is not None and earlier.status not in (PaymentStatus.SUCCEEDED, PaymentStatus.CANCELLED):
        await close_intent(operation_id, earlier, tools)


async def close_intent(operation_id: str, payment: Payment, tools: Tools) -> None:
    """Cancel a payment's intent at Stripe, or record that it succeeded after all. A failure stays on record as one.

    What cannot be cancelled now may still succeed: the payment is open then, whatever it was before.
    """
    intent_id = payment.stripe_payment_intent_id
    if intent_id is None:
        return

    async def look_up(_: datetime) -> PaymentIntent | None:
        found = await tools.stripe.get_payment_intent(payment_intent_id=intent_id)
        return found if found.status in ENDED else None

    async def cancel(key: str) -> PaymentIntent:
        try:
            return await tools.stripe.cancel_payment_intent(payment_intent_id=intent_id, idempotency_key=key)
        except Rejected:
            # Most likely it has ended already, one way or the other.
            if (ended := await look_up(tools.now())) is None:
                raise
            return ended

    async def settle(intent: PaymentIntent) -> None:
        if intent.status is PaymentIntentStatus.SUCCEEDED or payment.status in UNDECIDED:
            await record_intent(payment.id, intent, tools.now())

    refusal = await perform(
        operation_id,
        Effect(
            step=f"close_payment_{payment.attempt}",
            provider=Provider.STRIPE,
            send=cancel,
            look_up=look_up,
            settle=settle,
            asked_anew=True,
        ),
        tools.now,
    )
    if refusal is not None:
        intent = await tools.stripe.get_payment_intent(payment_intent_id=intent_id)
        async with in_transaction():
            await record_unclosed(payment.id, intent, tools.now())
