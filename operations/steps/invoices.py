"""Invoices: written here, issued in Metronome, and told there when they are paid."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime

import structlog
from tortoise.transactions import in_transaction

from billing.error_codes import ErrorCode
from billing.invoices import InvoiceStatus, Line, due_date, first_invoice, settle, total
from billing.money import Money
from billing.periods import Period, midnight
from integrations.metronome import types as metronome
from models import Customer, Invoice, InvoiceLine, Payment, PaymentStatus, Provider, Subscription
from operations.effects import Effect, Refusal, perform
from operations.steps.case import Case, settled
from operations.steps.ledger import move_account_balance
from operations.steps.payment_methods import warn_once
from operations.steps.payments import mark_in_vain
from operations.steps.withheld import credit_withheld
from operations.tools import Tools

log = structlog.get_logger()


def first_invoice_key(subscription_id: str) -> str:
    return f"{subscription_id}:first"


async def issue_first_invoice(case: Case, tools: Tools) -> Refusal | None:
    """The invoice for the first period of a paid plan; later ones come from the engine."""
    subscription = case.subscription
    lines = first_invoice(subscription.plan, subscription.period)
    key = first_invoice_key(subscription.id)
    if not lines or await Invoice.exists(key=key):
        return None

    async def write(issued: metronome.Invoice) -> None:
        await write_period_invoice(
            case.customer.id,
            subscription,
            period=subscription.period,
            lines=lines,
            key=key,
            metronome_invoice_id=issued.id,
            cause=f"operation:{case.operation.id}",
            at=tools.now(),
        )

    return await issue(
        case,
        tools,
        lines=lines,
        contract_id=settled(subscription.metronome_contract_id),
        issued_on=subscription.period_start,
        uniqueness_key=key,
        write=write,
    )


async def issue(
    case: Case,
    tools: Tools,
    *,
    lines: Sequence[Line],
    contract_id: str,
    issued_on: date,
    uniqueness_key: str,
    write: Callable[[metronome.Invoice], Awaitable[None]],
    asked_anew: bool = False,
) -> Refusal | None:
    """Create the invoice in Metronome; `write` puts it into our rows, in the step's closing transaction."""
    metronome_customer_id = settled(case.customer.metronome_customer_id)
    return await perform(
        case.operation.id,
        Effect(
            step="metronome_invoice",
            provider=Provider.METRONOME,
            send=lambda idempotency_key: tools.metronome.create_invoice(
                customer_id=metronome_customer_id,
                contract_id=contract_id,
                currency=case.subscription.currency,
                due_date=midnight(due_date(issued_on)),
                lines=lines,
                uniqueness_key=uniqueness_key,
                idempotency_key=idempotency_key,
            ),
            look_up=lambda _: tools.metronome.find_invoice(
                customer_id=metronome_customer_id, uniqueness_key=uniqueness_key
            ),
            settle=write,
            asked_anew=asked_anew,
        ),
        tools.now,
    )


async def write_period_invoice(
    customer_id: str,
    subscription: Subscription,
    *,
    period: Period,
    lines: Sequence[Line],
    key: str,
    metronome_invoice_id: str,
    cause: str,
    at: datetime,
) -> Invoice:
    """The invoice of one whole period, less what the account balance pays of it. Called within a transaction."""
    customer = await Customer.filter(id=customer_id).select_for_update().get()
    amount = total(lines, subscription.currency)
    settlement = settle(amount, Money(customer.account_balance_minor, subscription.currency))
    status = InvoiceStatus.OPEN if settlement.due_now.is_positive else InvoiceStatus.PAID
    owed = await Invoice.get_or_none(key=key)
    if owed is not None:
        invoice = await _open(owed, status, settlement.due_now, metronome_invoice_id, at)
    else:
        invoice = await write_invoice(
            customer_id,
            subscription,
            period=period,
            lines=lines,
            key=key,
            status=status,
            due=settlement.due_now,
            issued_on=period.start,
            metronome_invoice_id=metronome_invoice_id,
            at=at,
        )
    await move_account_balance(
        customer_id, settlement.balance_change, key=f"{invoice.id}:balance", cause=cause, at=at, invoice_id=invoice.id
    )
    paid = amount - settlement.due_now
    if status is InvoiceStatus.PAID:
        await credit_withheld(invoice, at)
        paid -= Money(invoice.withheld_minor, invoice.currency)
    current = await Subscription.filter(id=subscription.id).select_for_update().get()
    if period.end == current.period_end:
        current.paid_minor += paid.minor_units
        await current.save(update_fields=["paid_minor"])
    return invoice


async def _open(owed: Invoice, status: InvoiceStatus, due: Money, metronome_invoice_id: str, at: datetime) -> Invoice:
    """Metronome has taken at last what it refused before."""
    owed.status, owed.due_minor, owed.metronome_invoice_id = status, due.minor_units, metronome_invoice_id
    owed.next_attempt_at, owed.updated_at = None, at
    owed.paid_at = at if status is InvoiceStatus.PAID else None
    await owed.save()
    return owed


async def write_invoice(
    customer_id: str,
    subscription: Subscription,
    *,
    period: Period,
    lines: Sequence[Line],
    key: str,
    status: InvoiceStatus,
    due: Money,
    issued_on: date,
    metronome_invoice_id: str | None,
    at: datetime,
) -> Invoice:
    invoice = await Invoice.create(
        customer_id=customer_id,
        subscription_id=subscription.id,
        key=key,
        status=status,
        amount_minor=total(lines, subscription.currency).minor_units,
        due_minor=due.minor_units,
        currency=subscription.currency,
        period_start=period.start,
        period_end=period.end,
        due_date=due_date(issued_on),
        metronome_invoice_id=metronome_invoice_id,
        issued_at=at,
        paid_at=at if status is InvoiceStatus.PAID else None,
        updated_at=at,
    )
    for position, line in enumerate(lines):
        await InvoiceLine.create(
            invoice_id=invoice.id,
            position=position,
            description=line.description,
            quantity=line.quantity,
            unit_price_minor=line.unit_price.minor_units,
            amount_minor=line.amount.minor_units,
        )
    return invoice


async def mark_paid_in_metronome(operation_id: str, invoice: Invoice, tools: Tools) -> Refusal | None:
    """Tell the engine what settled the invoice: a payment, or the account balance. Twice is once.

    A payment that comes second there, after a bank transfer for one, was in vain.
    """
    payment = await Payment.get_or_none(invoice_id=invoice.id, status=PaymentStatus.SUCCEEDED)
    if payment is not None and payment.in_vain_at is not None:
        return None
    paid_by = settled(payment.stripe_payment_intent_id) if payment else f"account-balance:{invoice.id}"
    metronome_invoice_id = settled(invoice.metronome_invoice_id)

    async def look_up(_: datetime) -> metronome.Invoice | None:
        found = await tools.metronome.get_invoice(invoice_id=metronome_invoice_id)
        by_this = payment is None or found.external_payment_id == paid_by
        return found if found.status is InvoiceStatus.PAID and by_this else None

    refusal = await perform(
        operation_id,
        Effect(
            step="metronome_invoice_paid",
            provider=Provider.METRONOME,
            send=lambda key: tools.metronome.pay_invoice(
                invoice_id=metronome_invoice_id, external_payment_id=paid_by, idempotency_key=key
            ),
            look_up=look_up,
        ),
        tools.now,
    )
    if refusal is None or payment is None:
        return refusal
    found = await tools.metronome.get_invoice(invoice_id=metronome_invoice_id)
    if found.status is not InvoiceStatus.PAID:
        return refusal
    if found.external_payment_id != paid_by:
        async with in_transaction():
            await mark_in_vain(payment, "The invoice was paid by other means, as told by Metronome", tools.now())
    return None


async def report_paid(operation_id: str, invoice: Invoice, tools: Tools) -> None:
    """The same for a verb that goes on either way: the money is there, so a refusal is only told."""
    refusal = await mark_paid_in_metronome(operation_id, invoice, tools)
    if refusal is None:
        return
    log.error("invoice.paid_refused", operation=operation_id, invoice=invoice.id, code=refusal.code)
    message = f"The invoice is paid, and Metronome refused to hear of it: {refusal.message}"
    async with in_transaction():
        await warn_once(operation_id, ErrorCode.PROVIDER_REJECTED, message)
