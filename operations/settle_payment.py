"""settle_payment: a payment succeeded while no verb was waiting for it, so Metronome has yet to hear of it."""

from datetime import datetime

from tortoise.transactions import in_transaction

from billing.errors import ProviderRejected
from models import Customer, Invoice, Operation, OperationKind, OperationStatus, Payment
from operations.activity import record_accepted
from operations.ending import fail, succeed
from operations.engine import Next, Step
from operations.idempotency import input_hash
from operations.steps.invoices import mark_paid_in_metronome
from operations.tools import Tools


async def accept(payment: Payment, at: datetime) -> str:
    """Within the transaction that records the payment. Returns the operation's id, to be run after the commit."""
    given = {"payment_id": payment.id, "invoice_id": payment.invoice_id}
    operation = await Operation.create(
        kind=OperationKind.SETTLE_PAYMENT,
        customer_id=payment.customer_id,
        input=given,
        input_hash=input_hash(OperationKind.SETTLE_PAYMENT, given),
        status=OperationStatus.RUNNING,
        created_at=at,
        updated_at=at,
    )
    await record_accepted(operation, await Customer.get(id=payment.customer_id))
    return operation.id


async def report_settled_payment(operation_id: str, tools: Tools) -> Next:
    operation = await Operation.get(id=operation_id)
    invoice = await Invoice.get(id=operation.input["invoice_id"])
    refusal = await mark_paid_in_metronome(operation_id, invoice, tools)
    if refusal is None:
        return Next.CONTINUE
    async with in_transaction():
        await fail(operation_id, ProviderRejected("metronome", refusal.message), at=tools.now())
    return Next.STOP


async def finish_settling(operation_id: str, tools: Tools) -> Next:
    async with in_transaction():
        await succeed(operation_id, at=tools.now())
    return Next.CONTINUE


STEPS: tuple[Step, ...] = (report_settled_payment, finish_settling)
