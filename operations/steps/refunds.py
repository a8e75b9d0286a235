"""What a refund's news mean for our rows. Called within a transaction; any news may come twice."""

from datetime import datetime

from billing.money import Money
from integrations.stripe import types as stripe
from models import Customer, Invoice, Payment, Refund, RefundStatus, Subscription
from operations.activity import record
from operations.counting import count_money

_STATUS = {
    stripe.RefundStatus.SUCCEEDED: RefundStatus.SUCCEEDED,
    stripe.RefundStatus.FAILED: RefundStatus.FAILED,
    stripe.RefundStatus.CANCELED: RefundStatus.FAILED,
}


def status_of(found: stripe.Refund) -> RefundStatus:
    return _STATUS.get(found.status, RefundStatus.PENDING)


async def record_refund(refund_id: str, found: stripe.Refund, at: datetime, *, operation_id: str | None = None) -> None:
    """Write how a refund stands at Stripe. One that failed stays so; one that succeeded may still fail later."""
    refund = await Refund.filter(id=refund_id).select_for_update().get()
    status, is_first_news = status_of(found), refund.stripe_refund_id is None
    if not is_first_news and not _follows(refund.status, status):
        return
    before, refund.status = refund.status, status
    refund.stripe_refund_id = found.id
    refund.failure_reason = found.failure_reason
    refund.updated_at = at
    await refund.save(update_fields=["status", "stripe_refund_id", "failure_reason", "updated_at"])
    _count(refund, before=before)
    if status is RefundStatus.FAILED:
        await _release(refund, at)
    if is_first_news != (status is RefundStatus.FAILED):
        await _change_paid(refund, -refund.amount_minor if is_first_news else refund.amount_minor)
    await _tell(refund, at, operation_id)


def _count(refund: Refund, *, before: RefundStatus) -> None:
    if refund.status is RefundStatus.SUCCEEDED:
        count_money("REFUND", refund.amount_minor, refund.currency)
    elif before is RefundStatus.SUCCEEDED:
        count_money("REFUND_RETURNED", refund.amount_minor, refund.currency)


def _follows(status: RefundStatus, news: RefundStatus) -> bool:
    """Pending, succeeded, failed: never back."""
    order = (RefundStatus.PENDING, RefundStatus.SUCCEEDED, RefundStatus.FAILED)
    return order.index(news) > order.index(status)


async def record_refused(refund_id: str, reason: str, at: datetime) -> None:
    """Stripe took no refund at all: what was reserved for it can be refunded again."""
    refund = await Refund.filter(id=refund_id).select_for_update().get()
    if refund.status is RefundStatus.FAILED:
        return
    refund.status = RefundStatus.FAILED
    refund.failure_reason = reason[:200]
    refund.updated_at = at
    await refund.save(update_fields=["status", "failure_reason", "updated_at"])
    await _release(refund, at)


async def _release(refund: Refund, at: datetime) -> None:
    payment = await Payment.filter(id=refund.payment_id).select_for_update().get()
    payment.refunded_minor -= refund.amount_minor
    payment.updated_at = at
    await payment.save(update_fields=["refunded_minor", "updated_at"])


async def _change_paid(refund: Refund, change_minor: int) -> None:
    """Money given back is not paid for the period any more, so that a change of tier cannot credit it once more."""
    payment = await Payment.get(id=refund.payment_id)
    invoice = await Invoice.get(id=payment.invoice_id)
    subscription = await Subscription.filter(id=invoice.subscription_id).select_for_update().get()
    if invoice.period_end == subscription.period_end:
        subscription.paid_minor = max(0, subscription.paid_minor + change_minor)
        await subscription.save(update_fields=["paid_minor"])


async def _tell(refund: Refund, at: datetime, operation_id: str | None) -> None:
    amount = Money(refund.amount_minor, refund.currency)
    await record(
        f"refund.{refund.status.lower()}",
        f"Refund of {amount} {refund.status.lower()}",
        at=at,
        customer=await Customer.get(id=refund.customer_id),
        operation_id=operation_id,
        data={"refund": refund.id, "payment": refund.payment_id},
    )
