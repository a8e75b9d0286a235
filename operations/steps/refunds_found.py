"""Refunds as Stripe lists them, worked into our books, whoever made them. Called within a transaction.

one of ours, under way or gone through    becomes what it is at Stripe; one that failed gives back what it reserved
made in Stripe's dashboard                enters the books, and takes from what can still be refunded, or was credited
made there, and failed                    enters the books as failed, and takes nothing
"""

from collections.abc import Iterable
from datetime import datetime

from integrations.stripe import types as stripe
from models import Customer, Payment, Refund, RefundStatus
from operations.activity import record
from operations.steps.refunds import record_refund, reserve, status_of, take_back_credit

MADE_IN_STRIPE = "Made in Stripe"


class MoreThanWasPaid(Exception):  # noqa: N818  named for what was found, as all our errors
    def __init__(self, refund_id: str, payment_id: str) -> None:
        super().__init__(f"with refund {refund_id} more of payment {payment_id} was given back than was paid.")


News = tuple[stripe.Refund, Refund | None]


async def news_of(payment: Payment, made: Iterable[stripe.Refund]) -> list[News]:
    """Oldest first, as `made` is not; and before what enters the books what is in them: its failing makes room."""
    rows = await Refund.filter(payment_id=payment.id)
    pairs = [(found, _row_of(found, rows)) for found in reversed(list(made))]
    return sorted((pair for pair in pairs if _is_news(*pair)), key=lambda pair: pair[1] is None)


async def work_in(news: Iterable[News], payment: Payment, at: datetime) -> None:
    """The payment's row is locked by the caller. Raises `MoreThanWasPaid`."""
    for found, row in news:
        if row is None and status_of(found) is RefundStatus.FAILED:
            await _enter_failed(found, payment, at)
            continue
        if row is None or row.status is RefundStatus.FAILED:
            await _reserve(found, payment.id, at)
        row = row or await _enter(found, payment, RefundStatus.PENDING, at)
        await record_refund(row.id, found, at)


def _row_of(found: stripe.Refund, rows: list[Refund]) -> Refund | None:
    """A second refund under the name of one of ours is one more, not the same."""
    for row in rows:
        if row.stripe_refund_id == found.id:
            return row
    named = found.metadata.get("refund_id")
    return next((row for row in rows if row.id == named and row.stripe_refund_id is None), None)


def _is_news(found: stripe.Refund, row: Refund | None) -> bool:
    if row is None:
        return True
    if row.status is RefundStatus.FAILED:
        return row.stripe_refund_id is None and status_of(found) is not RefundStatus.FAILED
    return row.stripe_refund_id is None or row.status is not status_of(found)


async def _enter_failed(found: stripe.Refund, payment: Payment, at: datetime) -> None:
    row = await _enter(found, payment, RefundStatus.FAILED, at)
    await Refund.filter(id=row.id).update(stripe_refund_id=found.id, failure_reason=found.failure_reason)
    await record(
        "refund.failed",
        f"Refund of {found.amount} failed",
        at=at,
        customer=await Customer.get(id=payment.customer_id),
        data={"refund": row.id, "payment": payment.id},
    )


async def _enter(found: stripe.Refund, payment: Payment, status: RefundStatus, at: datetime) -> Refund:
    return await Refund.create(
        customer_id=payment.customer_id,
        payment_id=payment.id,
        amount_minor=found.amount.minor_units,
        currency=found.amount.currency,
        status=status,
        reason=MADE_IN_STRIPE,
        created_at=found.created,
        updated_at=at,
    )


async def _reserve(found: stripe.Refund, payment_id: str, at: datetime) -> None:
    payment = await Payment.get(id=payment_id)
    if payment.refunded_minor + found.amount.minor_units > payment.amount_minor:
        raise MoreThanWasPaid(found.id, payment_id)
    await take_back_credit(payment, found.amount, stripe_refund_id=found.id, at=at)
    await reserve(payment, found.amount.minor_units, at)
