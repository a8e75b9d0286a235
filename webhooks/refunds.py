"""Stripe's news of refunds. All of the payment's are read again at Stripe, so the order of the news does not matter.

What is written follows how a refund stands in our books and at Stripe:

    one of ours, under way or gone through    becomes what it is at Stripe; one that failed gives back what it reserved
    made in Stripe's dashboard                enters the books, and takes from what can still be refunded
    made there, and failed                    enters the books as failed, and takes nothing
"""

from datetime import datetime

from integrations.stripe import types as stripe
from integrations.stripe.types import Event
from models import Payment, PaymentStatus, Refund, RefundStatus
from operations.activity import record
from operations.steps.refunds import record_refund, status_of
from webhooks.outcomes import Change, Notice, Parked
from webhooks.owners import not_worked_in, require_idle
from webhooks.payments import intent_id_of, payment_of

MADE_IN_STRIPE = "Made in Stripe"


async def refunds_changed(event: Event, notice: Notice) -> Change:
    """refund.*, charge.refunded and charge.refund.updated."""
    seen = await payment_of(event, notice)
    made = await notice.tools.stripe.list_refunds(payment_intent_id=intent_id_of(event))

    async def change(at: datetime) -> None:
        payment = await Payment.filter(id=seen.id).select_for_update().get()
        if payment.status is not PaymentStatus.SUCCEEDED:
            raise await not_worked_in(notice.customer, f"The success of payment {payment.id} is not worked in yet.")
        news = _news(made, await Refund.filter(payment_id=payment.id))
        if not news:
            return
        await require_idle(notice.customer)
        for found, row in news:
            await _work_in(found, row, payment.id, notice, at)

    return change


News = tuple[stripe.Refund, Refund | None]


def _news(made: tuple[stripe.Refund, ...], rows: list[Refund]) -> list[News]:
    """Oldest first, and before what enters the books what is in them: its failing makes room."""
    pairs = [(found, _row_of(found, rows)) for found in reversed(made)]
    return sorted((pair for pair in pairs if _is_news(*pair)), key=lambda pair: pair[1] is None)


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


async def _work_in(found: stripe.Refund, row: Refund | None, payment_id: str, notice: Notice, at: datetime) -> None:
    if row is None and status_of(found) is RefundStatus.FAILED:
        await _enter_failed(found, payment_id, notice, at)
        return
    if row is None or row.status is RefundStatus.FAILED:
        await _reserve(found, payment_id, at)
    row = row or await _enter(found, payment_id, notice, RefundStatus.PENDING, at)
    await record_refund(row.id, found, at)


async def _enter_failed(found: stripe.Refund, payment_id: str, notice: Notice, at: datetime) -> None:
    row = await _enter(found, payment_id, notice, RefundStatus.FAILED, at)
    await Refund.filter(id=row.id).update(stripe_refund_id=found.id, failure_reason=found.failure_reason)
    await record(
        "refund.failed",
        f"Refund of {found.amount} failed",
        at=at,
        customer=notice.customer,
        data={"refund": row.id, "payment": payment_id},
    )


async def _enter(found: stripe.Refund, payment_id: str, notice: Notice, status: RefundStatus, at: datetime) -> Refund:
    return await Refund.create(
        customer_id=notice.customer.id,
        payment_id=payment_id,
        amount_minor=found.amount.minor_units,
        currency=found.amount.currency,
        status=status,
        reason=MADE_IN_STRIPE,
        created_at=found.created,
        updated_at=at,
    )


async def _reserve(found: stripe.Refund, payment_id: str, at: datetime) -> None:
    """The payment's row is locked by the change that this is part of."""
    payment = await Payment.get(id=payment_id)
    refunded_minor = payment.refunded_minor + found.amount.minor_units
    if refunded_minor > payment.amount_minor:
        raise Parked(f"Drift: with refund {found.id} more of payment {payment_id} was given back than was paid.")
    await Payment.filter(id=payment_id).update(refunded_minor=refunded_minor, updated_at=at)
