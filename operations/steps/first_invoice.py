"""The first invoice of a subscription, as onboarding and reactivation collect it."""

from billing.invoices import InvoiceStatus
from models import Invoice, Subscription
from operations.effects import Refusal
from operations.steps.collecting import collect
from operations.steps.invoices import first_invoice_key, mark_paid_in_metronome
from operations.tools import Tools


async def first_invoice_of(subscription: Subscription) -> Invoice | None:
    return await Invoice.get_or_none(key=first_invoice_key(subscription.id))


async def collect_first(operation_id: str, subscription: Subscription, tools: Tools) -> None:
    invoice = await first_invoice_of(subscription)
    if invoice is not None:
        await collect(operation_id, invoice.id, tools, off_session=False)


async def report_first(operation_id: str, subscription: Subscription, tools: Tools) -> Refusal | None:
    """Tell Metronome of the invoice that is paid by now."""
    invoice = await first_invoice_of(subscription)
    if invoice is None or invoice.status is not InvoiceStatus.PAID:
        return None
    return await mark_paid_in_metronome(operation_id, invoice, tools)
