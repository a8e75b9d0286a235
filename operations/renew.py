"""renewal: the engine extends a contract, or ends it, and we follow.

One operation follows one boundary. When the engine is further ahead, the next operation is accepted in the transaction
that ends this one. The credits of each month come as events of their own.
"""

from datetime import datetime

from tortoise.transactions import in_transaction

from billing.errors import CustomerBusy
from billing.invoices import InvoiceStatus, Line
from billing.lifecycle import SubscriptionEvent, next_status
from billing.periods import Period
from integrations.metronome.types import Contract, ContractStatus
from integrations.metronome.types import Invoice as MetronomeInvoice
from models import Customer, Invoice, Operation, OperationKind, OperationStatus, Payment, PaymentStatus, Subscription
from operations.accepting import UNDER_WAY
from operations.activity import record
from operations.dunning import tell_failure
from operations.ending import keep, succeed
from operations.engine import Next, Step
from operations.steps.case import Case, settled
from operations.steps.collecting import collect
from operations.steps.invoices import mark_paid_in_metronome, write_period_invoice
from operations.tools import Tools

RENEWAL_KEY = "renewal:"
"""How the engine names the invoices it makes by itself: `renewal:<contract>:<first day>`."""

ENDED = (ContractStatus.CANCELLED, ContractStatus.EXPIRED)


async def follow(customer_id: str, *, at: datetime, kind: OperationKind = OperationKind.RENEW) -> Operation:
    """Accept the operation that catches up with the customer's contract. Called within a transaction; start it after.

    Raises `CustomerBusy` while another operation is under way: whatever called for this asks again later.
    """
    customer = await Customer.filter(id=customer_id).select_for_update().get()
    busy = await Operation.filter(customer_id=customer_id, status__in=UNDER_WAY).first()
    if busy is not None:
        raise CustomerBusy(customer.entity_id, busy.id)
    return await Operation.create(
        kind=kind,
        customer_id=customer_id,
        input={},
        input_hash="",
        status=OperationStatus.RUNNING,
        created_at=at,
        updated_at=at,
    )


async def work_in_renewal(operation_id: str, tools: Tools) -> Next:
    """Move the period to where the oldest renewal we do not know puts it, and write its invoice."""
    case = await Case.load(operation_id)
    contract = await tools.metronome.get_contract(contract_id=settled(case.subscription.metronome_contract_id))
    unknown = await _unknown_renewals(case, contract, tools)
    at = tools.now()
    async with in_transaction():
        case = await Case.load(operation_id)
        if "invoice_id" in case.operation.result or "advanced" in case.operation.result:
            return Next.CONTINUE
        if unknown:
            invoice = await _write_renewal(case, unknown[0], at)
            await keep(operation_id, invoice_id=invoice.id)
        elif contract.current_period is not None and contract.status not in ENDED:
            period = Period(contract.current_period.start.date(), contract.current_period.end.date())
            await _advance(case.subscription, period, at)
            await keep(operation_id, advanced=True)
    return Next.CONTINUE


async def _unknown_renewals(case: Case, contract: Contract, tools: Tools) -> list[MetronomeInvoice]:
    issued = await tools.metronome.list_invoices(
        customer_id=settled(case.customer.metronome_customer_id), contract_id=contract.id
    )
    ours = {invoice.metronome_invoice_id async for invoice in Invoice.filter(customer_id=case.customer.id)}
    renewals = [each for each in issued if (each.uniqueness_key or "").startswith(RENEWAL_KEY) and each.period]
    return sorted((each for each in renewals if each.id not in ours), key=_first_day)


def _first_day(invoice: MetronomeInvoice) -> datetime:
    assert invoice.period is not None
    return invoice.period.start


async def _write_renewal(case: Case, issued: MetronomeInvoice, at: datetime) -> Invoice:
    assert issued.period is not None
    period = Period(issued.period.start.date(), issued.period.end.date())
    await _advance(case.subscription, period, at)
    lines = [Line(line.description, line.quantity, line.unit_price, line.amount) for line in issued.lines]
    return await write_period_invoice(
        case.customer.id,
        await Subscription.get(id=case.subscription.id),
        period=period,
        lines=lines,
        key=f"{case.subscription.id}:renewal:{period.start}",
        metronome_invoice_id=issued.id,
        cause=f"operation:{case.operation.id}",
        at=at,
    )


async def _advance(subscription: Subscription, period: Period, at: datetime) -> None:
    """Forwards only. Nothing is paid for a new period yet."""
    current = await Subscription.filter(id=subscription.id).select_for_update().get()
    if period.start <= current.period_start:
        return
    await Subscription.filter(id=current.id).update(
        status=next_status(current.status, SubscriptionEvent.RENEWED),
        period_start=period.start,
        period_end=period.end,
        paid_minor=0,
        updated_at=at,
    )
    await record(
        "subscription.renewed",
        f"Renewed until {period.end}",
        at=at,
        customer=await Customer.get(id=current.customer_id),
    )


async def collect_renewal(operation_id: str, tools: Tools) -> Next:
    invoice = await _invoice(operation_id)
    if invoice is not None and invoice.due_minor:
        await collect(operation_id, invoice.id, tools, off_session=True)
    return Next.CONTINUE


async def report_renewal(operation_id: str, tools: Tools) -> Next:
    """Metronome hears what became of its invoice."""
    invoice = await _invoice(operation_id)
    if invoice is None:
        return Next.CONTINUE
    if invoice.status is InvoiceStatus.PAID:
        await mark_paid_in_metronome(operation_id, invoice, tools)
    elif failed := await Payment.filter(invoice_id=invoice.id, status=PaymentStatus.FAILED).first():
        await tell_failure(operation_id, invoice, failed, tools)
    return Next.CONTINUE


async def go_on(operation_id: str, tools: Tools) -> Next:
    """End, and accept what follows: the next boundary that was passed, or the end of the contract."""
    case = await Case.load(operation_id)
    contract = await tools.metronome.get_contract(contract_id=settled(case.subscription.metronome_contract_id))
    more = await _unknown_renewals(case, contract, tools)
    at = tools.now()
    async with in_transaction():
        if await succeed(operation_id, at=at):
            if more:
                await follow(case.customer.id, at=at)
            elif contract.status in ENDED:
                await follow(case.customer.id, at=at, kind=OperationKind.END)
    return Next.CONTINUE


async def _invoice(operation_id: str) -> Invoice | None:
    operation = await Operation.get(id=operation_id)
    return await Invoice.get_or_none(id=operation.result.get("invoice_id"))


STEPS: tuple[Step, ...] = (work_in_renewal, collect_renewal, report_renewal, go_on)
