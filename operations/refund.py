"""refundPayment: money back of one payment, never more than was captured.

What is asked for is reserved on the payment under its lock before Stripe hears of it, so refunds at the same moment
cannot add up to more; a refusal gives it back.
"""

from collections.abc import Mapping
from datetime import datetime

from tortoise.transactions import in_transaction

from billing.errors import BillingError, InvalidInput, PaymentNotFound, ProviderRejected, RefundExceedsCaptured
from billing.money import Money
from integrations.errors import Rejected
from integrations.stripe import types as stripe
from models import OperationKind, Payment, PaymentStatus, Provider, Refund, RefundStatus
from operations.accepting import Request, Standing, undertake
from operations.effects import Effect, perform
from operations.ending import fail, keep, succeed
from operations.engine import Engine, Next, Step
from operations.steps.case import Case, settled
from operations.steps.refunds import record_refund, record_refused
from operations.tools import Tools

MAX_REASON_CHARACTERS = 500


async def refund_payment(
    payment_id: str,
    amount: Money | None,
    reason: str | None,
    *,
    idempotency_key: str | None,
    engine: Engine,
    tools: Tools,
    wait_seconds: float,
) -> str:
    """Without an amount: all that is left. Returns the operation's id."""
    payment = await Payment.get_or_none(id=payment_id).select_related("customer")
    if payment is None:
        raise PaymentNotFound(payment_id)
    check_reason(reason)
    if amount is not None:
        _check_amount(amount, payment.currency)

    async def decide(standing: Standing) -> Mapping[str, object]:
        return {"refund_id": await _reserve(payment_id, amount, reason, tools.now())}

    request = Request(
        kind=OperationKind.REFUND,
        entity_id=payment.customer.entity_id,
        given={
            "payment_id": payment_id,
            "amount": [amount.minor_units, amount.currency] if amount else None,
            "reason": reason,
        },
        idempotency_key=idempotency_key,
    )
    return await undertake(request, decide, engine=engine, tools=tools, wait_seconds=wait_seconds)


def check_reason(reason: str | None) -> None:
    if reason is not None and not (len(reason) <= MAX_REASON_CHARACTERS and reason.isprintable()):
        raise InvalidInput("reason", f"must be at most {MAX_REASON_CHARACTERS} printable characters")


def _check_amount(amount: Money, currency: str) -> None:
    if amount.currency != currency:
        raise InvalidInput("amount.currency", f"must be {currency}, as the payment is")
    if not amount.is_positive:
        raise InvalidInput("amount.minorUnits", "must be at least 1")


async def _reserve(payment_id: str, amount: Money | None, reason: str | None, at: datetime) -> str:
    payment = await Payment.filter(id=payment_id).select_for_update().get()
    captured_minor = payment.amount_minor if payment.status is PaymentStatus.SUCCEEDED else 0
    left = Money(captured_minor - payment.refunded_minor, payment.currency)
    asked = amount or left
    if not asked.is_positive or asked > left:
        raise RefundExceedsCaptured(
            asked=str(amount or Money(payment.amount_minor, payment.currency)), refundable=str(left)
        )
    payment.refunded_minor += asked.minor_units
    payment.updated_at = at
    await payment.save(update_fields=["refunded_minor", "updated_at"])
    refund = await Refund.create(
        customer_id=payment.customer_id,
        payment_id=payment.id,
        amount_minor=asked.minor_units,
        currency=asked.currency,
        status=RefundStatus.PENDING,
        reason=reason,
        created_at=at,
        updated_at=at,
    )
    return refund.id


async def send_refund(operation_id: str, tools: Tools) -> Next:
    case = await Case.load(operation_id)
    refund = await Refund.get(id=case.operation.input["refund_id"])
    payment = await Payment.get(id=refund.payment_id)
    intent_id = settled(payment.stripe_payment_intent_id)

    async def look_up(_: datetime) -> stripe.Refund | None:
        found = await tools.stripe.list_refunds(payment_intent_id=intent_id)
        return next((each for each in found if each.metadata.get("refund_id") == refund.id), None)

    async def settle(made: stripe.Refund) -> None:
        await record_refund(refund.id, made, tools.now(), operation_id=operation_id)

    async def refuse(rejected: Rejected) -> None:
        await record_refused(refund.id, rejected.message, tools.now())

    await perform(
        operation_id,
        Effect(
            step="refund",
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
        ),
        tools.now,
    )
    return Next.CONTINUE


async def conclude_refund(operation_id: str, tools: Tools) -> Next:
    """A refund that is still on its way is no failure."""
    async with in_transaction():
        case = await Case.load(operation_id)
        refund = await Refund.get(id=case.operation.input["refund_id"]).select_related("payment")
        await keep(operation_id, refund_id=refund.id, invoice_id=refund.payment.invoice_id)
        if (problem := _problem(refund)) is None:
            await succeed(operation_id, at=tools.now())
        else:
            await fail(operation_id, problem, at=tools.now())
    return Next.CONTINUE


def _problem(refund: Refund) -> BillingError | None:
    if refund.status is not RefundStatus.FAILED:
        return None
    return ProviderRejected("stripe", refund.failure_reason or "the refund failed")


STEPS: tuple[Step, ...] = (send_refund, conclude_refund)
