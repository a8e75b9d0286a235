from datetime import datetime

from billing.invoices import InvoiceStatus, Line, due_date, first_invoice, total
from billing.periods import midnight
from integrations.metronome import types as metronome
from models import Invoice, InvoiceLine, Payment, PaymentStatus, Provider
from operations.effects import Effect, Refusal, perform
from operations.steps.case import Case, settled
from operations.tools import Tools


def first_invoice_key(subscription_id: str) -> str:
    return f"{subscription_id}:first"


async def issue_first_invoice(case: Case, tools: Tools) -> Refusal | None:
    """The invoice for the first period of a paid plan; later ones come from the engine."""
    subscription = case.subscription
    lines = first_invoice(subscription.plan, subscription.period)
    key = first_invoice_key(subscription.id)
    if not lines or await Invoice.exists(key=key):
        return None
    metronome_customer_id = settled(case.customer.metronome_customer_id)

    async def settle(issued: metronome.Invoice) -> None:
        await _write(case, lines, key, issued.id, tools.now())

    return await perform(
        case.operation.id,
        Effect(
            step="metronome_invoice",
            provider=Provider.METRONOME,
            send=lambda idempotency_key: tools.metronome.create_invoice(
                customer_id=metronome_customer_id,
                contract_id=settled(subscription.metronome_contract_id),
                currency=subscription.currency,
                due_date=midnight(due_date(subscription.period_start)),
                lines=lines,
                uniqueness_key=key,
                idempotency_key=idempotency_key,
            ),
            look_up=lambda _: tools.metronome.find_invoice(customer_id=metronome_customer_id, uniqueness_key=key),
            settle=settle,
        ),
        tools.now,
    )


async def _write(case: Case, lines: tuple[Line, ...], key: str, metronome_invoice_id: str, at: datetime) -> None:
    subscription = case.subscription
    amount_minor = total(lines, subscription.currency).minor_units
    invoice = await Invoice.create(
        customer_id=case.customer.id,
        subscription_id=subscription.id,
        key=key,
        status=InvoiceStatus.OPEN,
        amount_minor=amount_minor,
        due_minor=amount_minor,
        currency=subscription.currency,
        period_start=subscription.period_start,
        period_end=subscription.period_end,
        due_date=due_date(subscription.period_start),
        metronome_invoice_id=metronome_invoice_id,
        issued_at=at,
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


async def mark_paid_in_metronome(operation_id: str, invoice: Invoice, tools: Tools) -> Refusal | None:
    """Tell the engine which payment settled the invoice. Telling it twice is telling it once."""
    payment = await Payment.get(invoice_id=invoice.id, status=PaymentStatus.SUCCEEDED)
    metronome_invoice_id = settled(invoice.metronome_invoice_id)

    async def look_up(_: datetime) -> metronome.Invoice | None:
        found = await tools.metronome.get_invoice(invoice_id=metronome_invoice_id)
        return found if found.status is InvoiceStatus.PAID else None

    async def settle(_: metronome.Invoice) -> None:
        return None

    return await perform(
        operation_id,
        Effect(
            step="metronome_invoice_paid",
            provider=Provider.METRONOME,
            send=lambda key: tools.metronome.pay_invoice(
                invoice_id=metronome_invoice_id,
                external_payment_id=settled(payment.stripe_payment_intent_id),
                idempotency_key=key,
            ),
            look_up=look_up,
            settle=settle,
        ),
        tools.now,
    )
