"""Stripe's news of refunds. All of the payment's are read again at Stripe, so the order of the news does not matter."""

from datetime import datetime

from integrations.stripe.types import Event
from models import Payment, PaymentStatus
from operations.steps.refunds import credit_what_was_kept
from operations.steps.refunds_found import MoreThanWasPaid, news_of, work_in
from webhooks.outcomes import Change, Notice, Parked
from webhooks.owners import not_worked_in, require_free
from webhooks.payments import intent_id_of, payment_of


async def refunds_changed(event: Event, notice: Notice) -> Change:
    """refund.*, charge.refunded and charge.refund.updated."""
    seen = await payment_of(event, notice)
    made = await notice.tools.stripe.list_refunds(payment_intent_id=intent_id_of(event))

    async def change(at: datetime) -> None:
        payment = await Payment.filter(id=seen.id).select_for_update().get()
        if payment.status is not PaymentStatus.SUCCEEDED:
            raise await not_worked_in(notice.customer, f"The success of payment {payment.id} is not worked in yet.")
        news = await news_of(payment, made)
        if not news:
            return
        # What a change that waits for its payer will write was decided with what was paid before.
        await require_free(notice.customer)
        try:
            await work_in(news, payment, at)
        except MoreThanWasPaid as drift:
            raise Parked(f"Drift: {drift}") from drift
        await credit_what_was_kept(payment.id, at)

    return change
