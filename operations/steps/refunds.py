"""What a refund's news mean for our rows. Called within a transaction; any news may come twice.

What was taken in vain and cannot be given back by a refund stands on the customer's account balance instead, once.
"""

from datetime import datetime

from billing.money import Money
from integrations.stripe import types as stripe
from models import AccountBalanceEntry, Customer, Invoice, Payment, Refund, RefundStatus, Subscription
from operations.activity import record
from operations.counting import count_money
from operations.steps.ledger import move_account_balance

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


async def reserve(payment: Payment, amount_minor: int, at: datetime) -> None:
    """On the row as locked by the caller."""
    payment.refunded_minor += amount_minor
    payment.updated_at = at
    await payment.save(update_fields=["refunded_minor", "updated_at"])


async def refundable(payment: Payment) -> Money:
    """Of what was captured, what is neither given back nor credited instead."""
    credited = AccountBalanceEntry.filter(customer_id=payment.customer_id, cause=cause_of_credit(payment))
    credited_minor = sum([entry.amount_minor async for entry in credited])
    return Money(payment.amount_minor - payment.refunded_minor - credited_minor, payment.currency)


def cause_of_credit(payment: Payment) -> str:
    return f"payment:{payment.id}"


async def credit_what_was_kept(payment_id: str, at: datetime, *, operation_id: str | None = None) -> Money | None:
    """What was taken in vain, and a refund failed to give back. None when there is nothing of the kind."""
    payment = await Payment.filter(id=payment_id).select_for_update().get()
    failed = await Refund.filter(payment_id=payment_id, status=RefundStatus.FAILED).order_by("-updated_at").first()
    kept = await refundable(payment)
    if payment.in_vain_at is None or failed is None or not kept.is_positive:
        return None
    await move_account_balance(
        payment.customer_id, kept, key=f"{failed.id}:kept", cause=cause_of_credit(payment), at=at
    )
    await record(
        "payment.credited",
        f"{kept} could not be refunded and stands on the account balance",
        at=at,
        customer=await Customer.get(id=payment.customer_id),
        operation_id=operation_id,
        data={"payment": payment.id, "refund": failed.id},
    )
    return kept


async def take_back_credit(payment: Payment, refunded: Money, *, stripe_refund_id: str, at: datetime) -> None:
    """What was credited because it could not be refunded, and is refunded all the same: it is not given twice.

    Before the refund is reserved, on the payment's row as locked by the caller.
    """
    twice = refunded - await refundable(payment)
    if not twice.is_positive:
        return
    key = f"{stripe_refund_id}:taken_back"
    await move_account_balance(payment.customer_id, -twice, key=key, cause=cause_of_credit(payment), at=at)
    await record(
        "payment.credit_taken_back",
        f"{twice} was refunded after all and does not stand on the account balance any more",
        at=at,
        customer=await Customer.get(id=payment.customer_id),
        data={"payment": payment.id, "refund": stripe_refund_id},
    )


async def _release(refund: Refund, at: datetime) -> None:
    payment = await Payment.filter(id=refund.payment_id).select_for_update().get()
    payment.refunded_minor -= refund.amount_minor
    payment.updated_at = at
    await payment.save(update_fields=["refunded_minor", "updated_at"])


async def _change_paid(refund: Refund, change_minor: int) -> None:
    """Money given back is not paid for the period any more, so that a change of tier cannot credit it once more."""
    payment = await Payment.get(id=refund.payment_id)
    if payment.in_vain_at is not None:
        return  # it never was
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
