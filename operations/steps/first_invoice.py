"""The first invoice of a subscription, as onboarding and reactivation collect it."""

from billing.invoices import InvoiceStatus
from models import Invoice, Payment, PaymentStatus, Subscription
from operations.dunning import tell_failure
from operations.steps.collecting import collect
from operations.steps.invoices import first_invoice_key, report_paid
from operations.tools import Tools


async def first_invoice_of(subscription: Subscription) -> Invoice | None:
    return await Invoice.get_or_none(key=first_invoice_key(subscription.id))


async def collect_first(operation_id: str, subscription: Subscription, tools: Tools) -> None:
    invoice = await first_invoice_of(subscription)
    if invoice is not None:
        await collect(operation_id, invoice.id, tools, off_session=False)


async def report_first(operation_id: str, subscription: Subscription, tools: Tools) -> None:
    """Tell Metronome what became of the invoice: that it is paid, or that collecting it failed."""
    invoice = await first_invoice_of(subscription)
    if invoice is None:
        return
    if invoice.status is InvoiceStatus.PAID:
        await report_paid(operation_id, invoice, tools)
    elif failed := await Payment.filter(invoice_id=invoice.id, status=PaymentStatus.FAILED).first():
        await tell_failure(operation_id, invoice, failed, tools)
