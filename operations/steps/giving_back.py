"""Giving back what was taken in vain: by a refund, and what Stripe refuses to refund onto the account balance."""

from collections.abc import Sequence
from datetime import datetime

from tortoise.transactions import in_transaction

from billing.error_codes import ErrorCode
from billing.money import Money
from integrations.errors import Rejected
from integrations.stripe import types as stripe
from models import Operation, Payment, Provider, Refund, RefundStatus
from operations.effects import Effect, Refusal, perform
from operations.ending import keep
from operations.steps.case import settled
from operations.steps.payment_methods import warn
from operations.steps.refunds import credit_what_was_kept, record_refund, record_refused, refundable, reserve
from operations.steps.refunds_found import news_of, work_in
from operations.tools import Tools


async def give_back(operation_id: str, payment: Payment, tools: Tools, *, reason: str) -> None:
    """All of the payment that is left, once. What was refunded in Stripe's dashboard has been given back already."""
    refund = await _prepared(operation_id, payment, tools, reason)
    if refund is None:
        return
    refusal = await refund_at_stripe(operation_id, refund, tools, step="give_back")
    found = await _refunds_of(payment, tools) if refusal else ()
    async with in_transaction():
        await _work_in(payment.id, found, tools.now())
        kept = await credit_what_was_kept(payment.id, tools.now(), operation_id=operation_id)
        if kept is not None:
            message = f"{kept} could not be refunded and stands on the account balance"
            message += f", Stripe refused: {refusal.message}" if refusal else ""
            await warn(operation_id, ErrorCode.PROVIDER_REJECTED, message)


async def _prepared(operation_id: str, payment: Payment, tools: Tools, reason: str) -> Refund | None:
    """The refund of this operation, reserved; None when nothing is left to give back."""
    operation = await Operation.get(id=operation_id)
    if refund_id := operation.result.get("refund_id"):
        return await Refund.get(id=refund_id)
    found = await _refunds_of(payment, tools)
    async with in_transaction():
        await _work_in(payment.id, found, tools.now())
        payment = await Payment.get(id=payment.id)
        left = await refundable(payment)
        if not left.is_positive:
            return None
        refund = await prepare_refund(payment, left, reason, tools.now())
        await keep(operation_id, refund_id=refund.id)
        return refund


async def _refunds_of(payment: Payment, tools: Tools) -> Sequence[stripe.Refund]:
    return await tools.stripe.list_refunds(payment_intent_id=settled(payment.stripe_payment_intent_id))


async def _work_in(payment_id: str, found: Sequence[stripe.Refund], at: datetime) -> None:
    payment = await Payment.filter(id=payment_id).select_for_update().get()
    await work_in(await news_of(payment, found), payment, at)


async def prepare_refund(payment: Payment, amount: Money, reason: str | None, at: datetime) -> Refund:
    """Reserve it on the payment's row, as locked by the caller, before Stripe hears of it."""
    await reserve(payment, amount.minor_units, at)
    return await Refund.create(
        customer_id=payment.customer_id,
        payment_id=payment.id,
        amount_minor=amount.minor_units,
        currency=amount.currency,
        status=RefundStatus.PENDING,
        reason=reason,
        created_at=at,
        updated_at=at,
    )


async def refund_at_stripe(operation_id: str, refund: Refund, tools: Tools, *, step: str) -> Refusal | None:
    payment = await Payment.get(id=refund.payment_id)
    intent_id = settled(payment.stripe_payment_intent_id)

    async def look_up(_: datetime) -> stripe.Refund | None:
        found = await tools.stripe.list_refunds(payment_intent_id=intent_id)
        return next((each for each in found if each.metadata.get("refund_id") == refund.id), None)

    async def settle(made: stripe.Refund) -> None:
        await record_refund(refund.id, made, tools.now(), operation_id=operation_id)

    async def refuse(rejected: Rejected) -> None:
        await record_refused(refund.id, rejected.message, tools.now())

    return await perform(
        operation_id,
        Effect(
            step=step,
            provider=Provider.STRIPE,
            send=lambda key: tools.stripe.create_refund(
                payment_intent_id=intent_id,
                amount=Money(refund.amount_minor, refund.currency),
                metadata={"refund_id": refund.id},
                idempotency_key=key,
            ),
            look_up=look_up,
            settle=settle,
            refuse=refuse,
            doubting=True,
        ),
        tools.now,
    )
