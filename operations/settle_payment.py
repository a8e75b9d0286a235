"""settle_payment: an invoice was settled while no verb was waiting for it.

By a payment of ours: Metronome has yet to hear of it. By other means: what is still open of it at Stripe must not be
paid as well. A payment that settled nothing is given back.
"""

from collections.abc import Callable
from datetime import datetime

from tortoise.expressions import F
from tortoise.transactions import in_transaction

from billing.error_codes import ErrorCode
from billing.errors import ProviderRejected
from billing.invoices import InvoiceStatus
from billing.money import Money
from models import UNDECIDED, Customer, Invoice, Operation, OperationKind, OperationStatus, Payment, PaymentStatus
from operations.accepting import UNDER_WAY
from operations.activity import record_accepted
from operations.crashpoints import crashpoint
from operations.ending import fail, succeed
from operations.engine import Engine, Next, Step
from operations.idempotency import input_hash
from operations.steps.collecting import close_intent
from operations.steps.giving_back import give_back
from operations.steps.invoices import mark_paid_in_metronome
from operations.steps.payment_methods import warn_once
from operations.steps.payments import mark_in_vain
from operations.steps.refunds import refundable
from operations.tools import Tools


async def accept(payment: Payment, at: datetime) -> str:
    """Within the transaction that records what was settled. Returns the operation's id, to be run after the commit."""
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


async def give_back_what_was_in_vain(engine: Engine, now: Callable[[], datetime]) -> int:
    """What another operation found to be in vain; who is busy is left for the next round. Returns how many."""
    # Not "is not null": SQLite looks that up in no index.
    in_vain = Payment.filter(in_vain_at__lte=now(), refunded_minor__lt=F("amount_minor")).order_by("in_vain_at")
    return sum([await _start(payment, engine, now()) async for payment in in_vain])


async def _start(payment: Payment, engine: Engine, at: datetime) -> bool:
    async with in_transaction():
        await Customer.filter(id=payment.customer_id).select_for_update().get()
        busy = await Operation.exists(customer_id=payment.customer_id, status__in=UNDER_WAY)
        if busy or not (await refundable(await Payment.get(id=payment.id))).is_positive:
            return False
        operation_id = await accept(payment, at)
    crashpoint("settle_payment.accepted")
    await engine.run(operation_id, OperationKind.SETTLE_PAYMENT)
    return True


async def close_what_is_open(operation_id: str, tools: Tools) -> Next:
    """The invoice is paid already: the payer may not pay it once more."""
    _, payment = await _load(operation_id)
    if payment.status is PaymentStatus.SUCCEEDED:
        return Next.CONTINUE
    await close_intent(operation_id, payment, tools)
    if await Payment.exists(id=payment.id, status__in=UNDECIDED):
        message = "The invoice is paid, and Stripe did not cancel another payment of it, which goes back if it succeeds"
        async with in_transaction():
            await warn_once(operation_id, ErrorCode.PROVIDER_REJECTED, message)
    return Next.CONTINUE


async def report_settled_payment(operation_id: str, tools: Tools) -> Next:
    invoice, payment = await _load(operation_id)
    if payment.status is not PaymentStatus.SUCCEEDED or payment.in_vain_at is not None:
        return Next.CONTINUE
    if invoice.status is not InvoiceStatus.PAID:
        async with in_transaction():
            await mark_in_vain(payment, f"The invoice is {invoice.status.lower()}", tools.now())
        return Next.CONTINUE
    refusal = await mark_paid_in_metronome(operation_id, invoice, tools)
    if refusal is None:
        return Next.CONTINUE
    async with in_transaction():
        await fail(operation_id, ProviderRejected("metronome", refusal.message), at=tools.now())
    return Next.STOP


async def give_back_payment(operation_id: str, tools: Tools) -> Next:
    invoice, payment = await _load(operation_id)
    if payment.in_vain_at is None:
        return Next.CONTINUE
    amount = Money(payment.amount_minor, payment.currency)
    message = f"The invoice was {invoice.status.lower()} without this payment of {amount}: it is given back"
    async with in_transaction():
        await warn_once(operation_id, ErrorCode.INVOICE_NOT_PAYABLE, message)
    await give_back(operation_id, payment, tools, reason=f"The invoice was {invoice.status.lower()} already")
    return Next.CONTINUE


async def finish_settling(operation_id: str, tools: Tools) -> Next:
    async with in_transaction():
        await succeed(operation_id, at=tools.now())
    return Next.CONTINUE


STEPS: tuple[Step, ...] = (close_what_is_open, report_settled_payment, give_back_payment, finish_settling)


async def _load(operation_id: str) -> tuple[Invoice, Payment]:
    given = (await Operation.get(id=operation_id)).input
    return await Invoice.get(id=given["invoice_id"]), await Payment.get(id=given["payment_id"])
