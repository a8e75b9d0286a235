"""The credit for time on a plan that was left before it was paid for: it waits until its invoice is paid."""

from datetime import datetime

from tortoise.expressions import Q

from billing.invoices import UNPAID, InvoiceStatus
from billing.money import Money
from models import Invoice, Subscription
from operations.steps.ledger import move_account_balance


async def withhold(
    subscription: Subscription, amount: Money, *, besides: str | None, decided_at: datetime, at: datetime
) -> Money:
    """Note it on the unpaid invoices of the period, the newest first: that is the plan that was left.

    One that was paid since the change was decided gives it at once. Returns how much they hold: what was paid and
    refunded is on none. Called within a transaction, before the subscription's row is locked, as whoever pays an
    invoice locks that first.
    """
    left = amount.minor_units
    if not left:
        return amount
    unpaid = Q(status__in=UNPAID) | Q(status=InvoiceStatus.PAID, paid_at__gt=decided_at)
    of_period = Invoice.filter(unpaid, subscription_id=subscription.id, period_end=subscription.period_end)
    for invoice in await of_period.exclude(id=besides or "").order_by("-issued_at", "-id").select_for_update():
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
