"""An invoice that Metronome refused for a period that has begun: it stays owed, as a draft, and is issued later.

Nothing is collected before Metronome has it, and the account balance pays none of it until then.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from tortoise.queryset import QuerySet
from tortoise.transactions import in_transaction

from billing.error_codes import ErrorCode
from billing.invoices import InvoiceStatus, Line, total
from billing.money import Money
from billing.periods import Period
from integrations.metronome.types import Invoice as MetronomeInvoice
from models import Invoice, InvoiceLine, Subscription
from operations.effects import Refusal
from operations.ending import keep
from operations.steps.case import Case, settled
from operations.steps.invoices import issue, write_invoice, write_period_invoice
from operations.steps.payment_methods import warn
from operations.tools import Tools

log = structlog.get_logger()

FIRST_WAIT = timedelta(hours=1)
LATER_WAIT = timedelta(days=1)


def owed_invoices(**of: object) -> QuerySet[Invoice]:
    """A draft of a change has no next attempt: its operation issues it."""
    return Invoice.filter(
        status=InvoiceStatus.DRAFT, metronome_invoice_id=None, next_attempt_at__not_isnull=True, **of
    ).order_by("next_attempt_at", "id")


async def write_owed(
    case: Case, *, period: Period, lines: Sequence[Line], key: str, refusal: Refusal, at: datetime
) -> None:
    """Called within a transaction. Twice is once."""
    if await Invoice.exists(key=key):
        return
    invoice = await write_invoice(
        case.customer.id,
        case.subscription,
        period=period,
        lines=lines,
        key=key,
        status=InvoiceStatus.DRAFT,
        due=total(lines, case.subscription.currency),
        issued_on=period.start,
        metronome_invoice_id=None,
        at=at,
    )
    await _put_off(case.operation.id, invoice, refusal, until=at + FIRST_WAIT)


async def issue_owed(case: Case, invoice: Invoice, tools: Tools) -> None:
    """One more try: it is an invoice of its period from then on, or put off again."""
    subscription = await Subscription.get(id=invoice.subscription_id)
    period = Period(invoice.period_start, invoice.period_end)
    lines = [
        _line(row, invoice.currency) async for row in InvoiceLine.filter(invoice_id=invoice.id).order_by("position")
    ]

    async def write(issued: MetronomeInvoice) -> None:
        opened = await write_period_invoice(
            case.customer.id,
            subscription,
            period=period,
            lines=lines,
            key=invoice.key,
            metronome_invoice_id=issued.id,
            cause=f"operation:{case.operation.id}",
            at=tools.now(),
        )
        await keep(case.operation.id, invoice_id=opened.id)

    refusal = await issue(
        replace(case, subscription=subscription),
        tools,
        lines=lines,
        contract_id=settled(subscription.metronome_contract_id),
        issued_on=period.start,
        uniqueness_key=invoice.key,
        write=write,
    )
    if refusal is not None:
        async with in_transaction():
            await _put_off(case.operation.id, invoice, refusal, until=tools.now() + LATER_WAIT)
            await keep(case.operation.id, advanced=True)  # this was its work


def _line(row: InvoiceLine, currency: str) -> Line:
    unit_price, amount = Money(row.unit_price_minor, currency), Money(row.amount_minor, currency)
    return Line(row.description, row.quantity, unit_price, amount)


async def _put_off(operation_id: str, invoice: Invoice, refusal: Refusal, *, until: datetime) -> None:
    period = Period(invoice.period_start, invoice.period_end)
    log.error("invoice.refused", operation=operation_id, invoice=invoice.id, period=str(period), code=refusal.code)
    await Invoice.filter(id=invoice.id).update(next_attempt_at=until)
    message = f"Metronome refused the invoice of {period}, which stays owed and is tried again: {refusal.message}"
    await warn(operation_id, ErrorCode.PROVIDER_REJECTED, message)
