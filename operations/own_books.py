"""What our own rows say twice about a customer, and whether it is the same."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime

from billing.credits import allowance_key
from billing.invoices import InvoiceStatus
from billing.lifecycle import SubscriptionStatus
from billing.money import Money
from billing.periods import Period, credit_month_at, midnight
from models import Invoice, Operation, Subscription
from operations.books import Ours
from operations.differences import NONE, Difference, Severity, unequal
from operations.terms import plan_of


def own_books(ours: Ours, at: datetime) -> Iterator[Difference]:
    customer = ours.customer
    yield from unequal(
        "credits.ledger", customer.id, customer.credit_balance, sum(entry.amount for entry in ours.credits)
    )
    on_balance = sum(entry.amount_minor for entry in ours.money)
    yield from unequal("account_balance.ledger", customer.id, customer.account_balance_minor, on_balance)
    for invoice in ours.invoices:
        lines = ours.lines.get(invoice.id, [])
        yield from unequal("invoice.lines", invoice.id, invoice.amount_minor, sum(line.amount_minor for line in lines))
        if invoice.status not in (InvoiceStatus.DRAFT, InvoiceStatus.VOID):
            moved = sum(entry.amount_minor for entry in ours.money if entry.invoice_id == invoice.id)
            yield from unequal("invoice.due", invoice.id, invoice.due_minor, invoice.amount_minor + moved)
    for subscription in ours.subscriptions:
        yield from _standing(subscription, ours.invoices)
        yield from _paid_period(subscription, ours)
        if subscription.is_current and subscription.status in (SubscriptionStatus.ACTIVE, SubscriptionStatus.PAST_DUE):
            yield from _allowance(subscription, ours, at)


def _standing(subscription: Subscription, invoices: Iterable[Invoice]) -> Iterator[Difference]:
    overdue = [
        invoice.id
        for invoice in invoices
        if invoice.subscription_id == subscription.id
        and invoice.status is InvoiceStatus.OPEN
        and invoice.first_failed_at is not None
    ]
    expected = SubscriptionStatus.PAST_DUE if overdue else SubscriptionStatus.ACTIVE
    if subscription.status in (SubscriptionStatus.ACTIVE, SubscriptionStatus.PAST_DUE):
        yield from unequal("subscription.status", subscription.id, subscription.status, expected)


def _paid_period(subscription: Subscription, ours: Ours) -> Iterator[Difference]:
    """A live period that costs something has an invoice, or money of an earlier one or of the account balance in it."""
    begun = midnight(subscription.period_start)
    accounted_for = (
        subscription.price_minor == 0
        or subscription.paid_minor > 0
        or any(_covers(invoice, subscription) for invoice in ours.invoices)
        or any(entry.at >= begun for entry in ours.money)
    )
    if subscription.status in (SubscriptionStatus.ACTIVE, SubscriptionStatus.PAST_DUE) and not accounted_for:
        owed = f"{Money(subscription.price_minor, subscription.currency)} for {subscription.period}"
        yield Difference("subscription.invoice", subscription.id, owed, NONE, Severity.HIGH)


def _covers(invoice: Invoice, subscription: Subscription) -> bool:
    same_end: bool = invoice.period_end == subscription.period_end
    return same_end and invoice.subscription_id == subscription.id and invoice.status is not InvoiceStatus.VOID


def _allowance(subscription: Subscription, ours: Ours, at: datetime) -> Iterator[Difference]:
    """What this credit month began with is the allowance of the plan, or of one that was left since it began."""
    month = credit_month_at(subscription.credit_anchor, at.date())
    key = allowance_key(ours.customer.id, month)
    granted = sum(entry.amount for entry in ours.credits if entry.key == key)
    allowances = {subscription.credits_per_month, *_allowances_left(subscription, ours, month)}
    if granted not in allowances:
        per_month = subscription.credits_per_month
        yield Difference("credits.allowance", subscription.id, str(per_month), str(granted), Severity.HIGH)


def _allowances_left(subscription: Subscription, ours: Ours, month: Period) -> Iterator[int]:
    """Of the plans that ended within the month: by a change, as it was scheduled, or before a reactivation."""
    for change in ours.plan_changes:
        if (terms := change.input.get("terms")) and _began_before(change, ours, month):
            yield plan_of(terms["old"]).credits_per_month
        elif old := change.result.get("old_plan"):
            yield plan_of(old).credits_per_month
    for other in ours.subscriptions:
        if other.ended_at is not None and other.ended_at >= midnight(month.start) and other.id != subscription.id:
            yield other.credits_per_month


def _began_before(change: Operation, ours: Ours, month: Period) -> bool:
    """Whether the month began on the plan before the change; decided before, it may have been made only after."""
    made_the_new_plans = f"operation:{change.id}:month:change"
    grant = allowance_key(ours.customer.id, month)
    decided_on = date.fromisoformat(change.input["terms"]["on"])
    return decided_on >= month.start or any(
        entry.key == made_the_new_plans and entry.grant_key == grant for entry in ours.credits
    )
