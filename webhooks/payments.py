"""Stripe's news of a payment. The intent is read again at Stripe, so the order of its events does not matter."""

from datetime import datetime

from integrations.stripe.types import Charge, Event, PaymentIntent, Refund
from models import Customer, OperationKind, Payment, PaymentStatus
from operations import settle_payment
from operations.ending import unpark
from operations.steps.payments import record_intent, status_of
from webhooks.outcomes import Change, Ignored, Notice, NotYet, Started, expect, nothing
from webhooks.owners import require_free, require_idle, unknown_object


async def payment_changed(event: Event, notice: Notice) -> Change:
    """payment_intent.* and charge.*: the payment becomes what its intent is now."""
    seen = await payment_of(event, notice)
    if seen.status is PaymentStatus.SUCCEEDED:
        return nothing  # for good, whatever older news arrives later
    intent_id = intent_id_of(event)
    intent = await notice.tools.stripe.get_payment_intent(payment_intent_id=intent_id)

    async def change(at: datetime) -> Started | None:
        payment = await Payment.filter(id=seen.id).select_for_update().get()
        if payment.status is not seen.status:
            raise NotYet("The payment changed while it was read at Stripe.")
        if status_of(intent) is payment.status:
            return None
        await require_idle(notice.customer)
        await record_intent(payment.id, intent, at)
        return await _follow(await Payment.get(id=payment.id), notice.customer, at)

    return change


async def refunded_payer(event: Event) -> str | None:
    """Stripe's name for whose refund it is, where the refund itself does not say."""
    if not isinstance(event.snapshot, Refund) or event.snapshot.payment_intent_id is None:
        return None
    payment = await Payment.get_or_none(stripe_payment_intent_id=event.snapshot.payment_intent_id).select_related(
        "customer"
    )
    return payment.customer.stripe_customer_id if payment else None


async def _follow(payment: Payment, customer: Customer, at: datetime) -> Started | None:
    """The operation that waits for the payer goes on. Where none does, Metronome has yet to hear of a success."""
    if payment.status is PaymentStatus.REQUIRES_ACTION:
        return None
    if waiting := await unpark(payment.operation_id, at=at):
        return Started(waiting.id, waiting.kind, waiting.leg)
    if payment.status is PaymentStatus.SUCCEEDED:
        await require_free(customer)
        return Started(await settle_payment.accept(payment, at), OperationKind.SETTLE_PAYMENT)
    return None


async def payment_of(event: Event, notice: Notice) -> Payment:
    intent_id = intent_id_of(event)
    if payment := await Payment.get_or_none(stripe_payment_intent_id=intent_id, customer_id=notice.customer.id):
        return payment
    named = _subject(event).metadata.get("payment_id")
    if named and (payment := await Payment.get_or_none(id=named, customer_id=notice.customer.id)):
        return payment
    raise await unknown_object(notice.row, notice.customer, what=f"Payment intent {intent_id}", now=notice.tools.now())


def intent_id_of(event: Event) -> str:
    subject = _subject(event)
    intent_id = subject.id if isinstance(subject, PaymentIntent) else subject.payment_intent_id
    if intent_id is None:
        raise Ignored("A charge without a payment intent was not made here.")
    return intent_id


def _subject(event: Event) -> PaymentIntent | Charge | Refund:
    return event.snapshot if isinstance(event.snapshot, Charge | Refund) else expect(event.snapshot, PaymentIntent)
