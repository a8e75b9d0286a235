"""confirmPayment: the payer has been through 3-D Secure, so what became of the payment is read again at Stripe."""

from collections.abc import Mapping

from tortoise.exceptions import IntegrityError
from tortoise.transactions import in_transaction

from billing.errors import InvalidInput, PaymentNotFound
from models import Operation, OperationKind, Payment, PaymentStatus
from operations.accepting import UNDER_WAY, Decide, Request, Standing, undertake
from operations.collect_invoice import Collection
from operations.engine import Engine
from operations.idempotency import answered_by, check_key, remember
from operations.parked import take_up
from operations.tools import Tools


async def confirm_payment(
    payment_id: str, *, idempotency_key: str | None, engine: Engine, tools: Tools, wait_seconds: float
) -> str:
    """Returns the id of the operation that answers: the one that waits for this payment, else one of its own."""
    payment = await Payment.get_or_none(id=payment_id).select_related("customer")
    if payment is None:
        raise PaymentNotFound(payment_id)
    request = Request(
        kind=OperationKind.COLLECT,
        entity_id=payment.customer.entity_id,
        given={"payment_id": payment_id},
        idempotency_key=idempotency_key,
    )
    waiting = await _waiting_for(payment, request)
    if waiting is None:
        return await undertake(request, _decide(payment_id), engine=engine, tools=tools, wait_seconds=wait_seconds)
    # First, so that whoever asks again after a crash is not given an operation of its own beside it.
    await _remember(request, waiting.id, tools)
    await take_up(waiting, engine, tools)
    await engine.wait(waiting.id, seconds=wait_seconds)
    return waiting.id


async def _waiting_for(payment: Payment, request: Request) -> Operation | None:
    """The operation under way that answers: the one the key stands for, else the one the payment belongs to."""
    check_key(request.idempotency_key)
    known = await answered_by(request.idempotency_key, request.hashed)
    return await Operation.get_or_none(id=known or payment.operation_id, status__in=UNDER_WAY)


def _decide(payment_id: str) -> Decide:
    async def decide(_: Standing) -> Mapping[str, object]:
        payment = await Payment.get(id=payment_id)
        if payment.status is PaymentStatus.CANCELLED:
            raise InvalidInput("paymentId", "names a payment that was cancelled: pay the invoice instead")
        return Collection(payment.invoice_id, payment_id=payment_id).as_input()

    return decide


async def _remember(request: Request, operation_id: str, tools: Tools) -> None:
    try:
        async with in_transaction():
            await remember(request.idempotency_key, operation_id, request.hashed, tools.now())
    except IntegrityError:
        await answered_by(request.idempotency_key, request.hashed)  # refuse it if it meant something else
