"""renewal: the engine extends a contract, or ends it, and we follow.

One operation follows one boundary. When the engine is further ahead, the next operation is accepted in the transaction
that ends this one. The credits of each month come as events of their own. The engine invoices what it renews; periods
that had passed when a contract was made are invoiced here. What Metronome refused to invoice is tried first of all.
"""

from collections.abc import Sequence
from datetime import date, datetime

from tortoise.transactions import in_transaction

from billing.errors import CustomerBusy
from billing.invoices import InvoiceStatus, Line, first_invoice
from billing.lifecycle import STANDING, SubscriptionEvent, next_status
from billing.periods import Period, midnight, period_at
from integrations.metronome.types import Contract, ContractStatus, Span
from integrations.metronome.types import Invoice as MetronomeInvoice
from models import Customer, Invoice, Operation, OperationKind, OperationStatus, Payment, PaymentStatus, Subscription
from operations.accepting import UNDER_WAY
from operations.activity import record, record_accepted
from operations.dunning import tell_failure
from operations.ending import keep, succeed
from operations.engine import Next, Step
from operations.follow_end import follow_end
from operations.steps.case import Case, settled
from operations.steps.collecting import collect
from operations.steps.invoices import issue, report_paid, write_period_invoice
from operations.steps.owed import issue_owed, owed_invoices, write_owed
from operations.steps.owed_credits import collect_owed_credits
from operations.tools import Tools

RENEWAL_KEY = "renewal:"
"""How the engine names the invoices it makes by itself: `renewal:<contract>:<first day>`."""

ENDED = (ContractStatus.CANCELLED, ContractStatus.EXPIRED)


async def follow(
    customer_id: str, *, at: datetime, kind: OperationKind = OperationKind.RENEW, granted_on: date | None = None
) -> Operation:
    """Accept the operation that catches up with the customer's contract. Called within a transaction; start it after.

    `granted_on` is the first day of the credit month whose allowance pays what the customer owes.
    Raises `CustomerBusy` while another operation is under way: whatever called for this asks again later.
    """
    customer = await Customer.filter(id=customer_id).select_for_update().get()
    busy = await Operation.filter(customer_id=customer_id, status__in=UNDER_WAY).first()
    if busy is not None:
        raise CustomerBusy(customer.entity_id, busy.id)
    operation = await Operation.create(
        kind=kind,
        customer_id=customer_id,
        input={"granted_on": granted_on.isoformat()} if granted_on else {},
        input_hash="",
        status=OperationStatus.RUNNING,
        created_at=at,
        updated_at=at,
    )
    await record_accepted(operation, customer)
    return operation


async def work_in_renewal(operation_id: str, tools: Tools) -> Next:
    """Move the period to the next one that we do not know, and write its invoice."""
    case = await Case.load(operation_id)
    if "invoice_id" in case.operation.result or "advanced" in case.operation.result:
        return Next.CONTINUE
    if owed := await owed_invoices(customer_id=case.customer.id, next_attempt_at__lte=tools.now()).first():
        await issue_owed(case, owed, tools)
        return Next.CONTINUE
    contract = await tools.metronome.get_contract(contract_id=settled(case.subscription.metronome_contract_id))
    if missed := _begun_before_the_contract(case.subscription, contract):
        await _invoice_missed(case, missed, tools)
        return Next.CONTINUE
    unknown = await unknown_renewals(case, contract, tools)
    at = tools.now()
    async with in_transaction():
        if unknown and (issued := unknown[0]).period:
            lines = [Line(line.description, line.quantity, line.unit_price, line.amount) for line in issued.lines]
            await _write_renewal(case, _days(issued.period), lines, issued.id, at)
        elif contract.current_period is not None and contract.status not in ENDED:
            await _advance(case, _days(contract.current_period), at)
    return Next.CONTINUE


def is_behind(subscription: Subscription, contract: Contract) -> bool:
    """Whether the engine is in a later period than we are."""
    if subscription.status not in STANDING or contract.status in ENDED or contract.current_period is None:
        return False
    return contract.current_period.start > midnight(subscription.period_start)


def _begun_before_the_contract(subscription: Subscription, contract: Contract) -> Period | None:
    """The period that is next, if it began before the contract was made: the engine has no invoice for such a one.

    A contract is made late when the one before it ended while this service, or Metronome, was away.
    """
    if not is_behind(subscription, contract):
        return None
    following = period_at(subscription.anchor, subscription.billing_period, subscription.period_end)
    return following if midnight(following.start) <= contract.created_at else None


async def _invoice_missed(case: Case, period: Period, tools: Tools) -> None:
    lines = first_invoice(case.subscription.plan, period)

    async def write(issued: MetronomeInvoice) -> None:
        await _write_renewal(case, period, lines, issued.id, tools.now())

    refusal = lines and await issue(
        case,
        tools,
        lines=lines,
        contract_id=settled(case.subscription.metronome_contract_id),
        issued_on=period.start,
        uniqueness_key=renewal_key(case.subscription, period),
        write=write,
    )
    if refusal or not lines:
        async with in_transaction():
            await _advance(case, period, tools.now())
            if refusal:
                key = renewal_key(case.subscription, period)
                await write_owed(case, period=period, lines=lines, key=key, refusal=refusal, at=tools.now())


def renewal_key(subscription: Subscription, period: Period) -> str:
    return f"{subscription.id}:renewal:{period.start}"


async def unknown_renewals(case: Case, contract: Contract, tools: Tools) -> list[MetronomeInvoice]:
    """What the engine invoiced of the contract and we have no invoice for, the oldest first."""
    issued = await tools.metronome.list_invoices(
        customer_id=settled(case.customer.metronome_customer_id), contract_id=contract.id
    )
    ours = {invoice.metronome_invoice_id async for invoice in Invoice.filter(customer_id=case.customer.id)}
    renewals = [each for each in issued if (each.uniqueness_key or "").startswith(RENEWAL_KEY) and each.period]
    return sorted((each for each in renewals if each.id not in ours), key=_first_day)


def _first_day(invoice: MetronomeInvoice) -> datetime:
    assert invoice.period is not None
    return invoice.period.start


def _days(span: Span) -> Period:
    return Period(span.start.date(), span.end.date())


async def _write_renewal(
    case: Case, period: Period, lines: Sequence[Line], metronome_invoice_id: str, at: datetime
) -> None:
    """Called within a transaction, which keeps the invoice with the operation."""
    await _advance(case, period, at)
    invoice = await write_period_invoice(
        case.customer.id,
        await Subscription.get(id=case.subscription.id),
        period=period,
        lines=lines,
        key=renewal_key(case.subscription, period),
        metronome_invoice_id=metronome_invoice_id,
        cause=f"operation:{case.operation.id}",
        at=at,
    )
    await keep(case.operation.id, invoice_id=invoice.id)


async def _advance(case: Case, period: Period, at: datetime) -> None:
    """Forwards only, and not once it has ended: its last invoice may be told of later. Nothing is paid for it yet."""
    await keep(case.operation.id, advanced=True)
    current = await Subscription.filter(id=case.subscription.id).select_for_update().get()
    if period.start <= current.period_start or current.status not in STANDING:
        return
    await Subscription.filter(id=current.id).update(
        status=next_status(current.status, SubscriptionEvent.RENEWED),
        period_start=period.start,
        period_end=period.end,
        paid_minor=0,
        updated_at=at,
    )
    await record("subscription.renewed", f"Renewed until {period.end}", at=at, customer=case.customer)


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
        await report_paid(operation_id, invoice, tools)
    elif failed := await Payment.filter(invoice_id=invoice.id, status=PaymentStatus.FAILED).first():
        await tell_failure(operation_id, invoice, failed, tools)
    return Next.CONTINUE


async def go_on(operation_id: str, tools: Tools) -> Next:
    """End, and accept what follows: the next boundary that was passed, or the end of the contract."""
    case = await Case.load(operation_id)
    contract = await tools.metronome.get_contract(contract_id=settled(case.subscription.metronome_contract_id))
    more = bool(await unknown_renewals(case, contract, tools))
    at = tools.now()
    async with in_transaction():
        if await succeed(operation_id, at=at):
            if more or is_behind(case.subscription, contract):
                await follow(case.customer.id, at=at)
            elif contract.status in ENDED:
                await follow(case.customer.id, at=at, kind=OperationKind.END)
            else:
                await follow_end(
                    await Subscription.filter(id=case.subscription.id).select_for_update().get(), contract, at
                )
    return Next.CONTINUE


async def _invoice(operation_id: str) -> Invoice | None:
    operation = await Operation.get(id=operation_id)
    return await Invoice.get_or_none(id=operation.result.get("invoice_id"))


STEPS: tuple[Step, ...] = (work_in_renewal, collect_owed_credits, collect_renewal, report_renewal, go_on)
