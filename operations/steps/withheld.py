"""The credit for time on a plan that was left before it was paid for: it waits until its invoice is paid."""

from collections.abc import Sequence
from datetime import datetime

from billing.invoices import UNPAID, InvoiceStatus
from billing.money import Money
from models import Invoice, Subscription
from operations.steps.ledger import move_account_balance


async def refresh_paid(subscription: Subscription) -> list[str]:
    """Read `paid_minor` anew, and return the ids of the period's unpaid invoices.

    In one statement, which sees one moment: a payment that is recorded meanwhile is in the one or in the other, and not
    in both. Called in the accepting transaction.
    """
    of_period = Invoice.filter(subscription_id=subscription.id, period_end=subscription.period_end)
    found = await of_period.values("id", "status", "subscription__paid_minor")
    if found:
        subscription.paid_minor = found[0]["subscription__paid_minor"]
    return [invoice["id"] for invoice in found if invoice["status"] in UNPAID]


async def withhold(amount: Money, unpaid: Sequence[str], at: datetime) -> Money:
    """Note it on the invoices that were unpaid when it was decided, the newest first: that is the plan that was left.

    One that was paid since gives it at once. Returns how much they hold: what was paid and refunded is on none. Called
    within a transaction, before the subscription's row is locked, as whoever pays an invoice locks that first.
    """
    left = amount.minor_units
    if not left:
        return amount
    still = Invoice.filter(id__in=list(unpaid), status__in=[*UNPAID, InvoiceStatus.PAID])
    for invoice in await still.order_by("-issued_at", "-id").select_for_update():
        held = min(left, max(invoice.due_minor - invoice.withheld_minor, 0))
        invoice.withheld_minor += held
        left -= held
        await invoice.save(update_fields=["withheld_minor"])
        if invoice.status is InvoiceStatus.PAID:
            await credit_withheld(invoice, at)
    return Money(amount.minor_units - left, amount.currency)


async def credit_withheld(invoice: Invoice, at: datetime) -> None:
    """The invoice is paid: what it withheld is the customer's. Called in the transaction that settles it; once."""
    await move_account_balance(
        invoice.customer_id,
        Money(invoice.withheld_minor, invoice.currency),
        key=f"{invoice.id}:withheld",
        cause=f"invoice:{invoice.id}",
        at=at,
    )
