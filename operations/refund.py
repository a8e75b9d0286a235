"""refundPayment: money back of one payment, never more than was captured.

What is asked for is reserved on the payment under its lock before Stripe hears of it, so refunds at the same moment
cannot add up to more; a refusal gives it back.
"""

from collections.abc import Mapping
from datetime import datetime

from tortoise.transactions import in_transaction

from billing.errors import BillingError, InvalidInput, PaymentNotFound, ProviderRejected, RefundExceedsCaptured
from billing.money import Money
from models import OperationKind, Payment, PaymentStatus, Refund, RefundStatus
from operations.accepting import Request, Standing, undertake
from operations.ending import fail, keep, succeed
from operations.engine import Engine, Next, Step
from operations.steps.case import Case
from operations.steps.giving_back import prepare_refund, refund_at_stripe
from operations.steps.refunds import refundable
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
    captured = payment.status is PaymentStatus.SUCCEEDED
    left = await refundable(payment) if captured else Money.zero(payment.currency)
    asked = amount or left
    if not asked.is_positive or asked > left:
        raise RefundExceedsCaptured(
            asked=str(amount or Money(payment.amount_minor, payment.currency)), refundable=str(left)
        )
    return (await prepare_refund(payment, asked, reason, at)).id


async def send_refund(operation_id: str, tools: Tools) -> Next:
    """A refusal is on the refund's row, where the conclusion finds it."""
    case = await Case.load(operation_id)
    refund = await Refund.get(id=case.operation.input["refund_id"])
    _ = await refund_at_stripe(operation_id, refund, tools, step="refund")
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
