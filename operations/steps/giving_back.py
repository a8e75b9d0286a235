"""Giving back what was collected for something that then could not be done: the one compensation there is."""

from datetime import datetime

from billing.money import Money
from integrations.stripe import types as stripe
from models import Payment, PaymentStatus, Provider, Refund, RefundStatus
from operations.counting import count_money
from operations.effects import Effect, perform
from operations.steps.case import settled
from operations.tools import Tools


async def give_back(operation_id: str, invoice_id: str, tools: Tools, *, reason: str) -> None:
    payment = await Payment.get_or_none(invoice_id=invoice_id, status=PaymentStatus.SUCCEEDED)
    if payment is None:
        return
    intent_id = settled(payment.stripe_payment_intent_id)
    amount = Money(payment.amount_minor, payment.currency)

    async def look_up(_: datetime) -> stripe.Refund | None:
        refunds = await tools.stripe.list_refunds(payment_intent_id=intent_id)
        return next((each for each in refunds if each.metadata.get("operation_id") == operation_id), None)

    async def settle(refund: stripe.Refund) -> None:
        await Payment.filter(id=payment.id).update(refunded_minor=payment.amount_minor, updated_at=tools.now())
        await Refund.create(
            customer_id=payment.customer_id,
            payment_id=payment.id,
            amount_minor=payment.amount_minor,
            currency=payment.currency,
            status=RefundStatus.SUCCEEDED,
            reason=reason,
            stripe_refund_id=refund.id,
            created_at=tools.now(),
            updated_at=tools.now(),
        )
        count_money("REFUND", payment.amount_minor, payment.currency)

    await perform(
        operation_id,
        Effect(
            step="give_back",
            provider=Provider.STRIPE,
            send=lambda key: tools.stripe.create_refund(
                payment_intent_id=intent_id,
                amount=amount,
                metadata={"operation_id": operation_id},
                idempotency_key=key,
            ),
            look_up=look_up,
            settle=settle,
        ),
        tools.now,
    )
