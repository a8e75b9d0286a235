"""What a failed collection comes to: Metronome hears of it, and after the last one the subscription ends."""

from collections.abc import Callable, Awaitable
from dataclasses import replace
from datetime import datetime

from tortoise.transactions import in_transaction

from billing.credits import end_allowance
from billing.invoices import InvoiceStatus
from billing.lifecycle import SubscriptionEvent, SubscriptionStatus, next_status
from billing.periods import credit_month_at
from integrations.metronome import types as metronome
from models import Invoice, Payment, Provider, ProviderEffect, Subscription
from operations.activity import record
from operations.effects import Effect, perform
from operations.position import credits_in_metronome, record_usage
from operations.steps.case import Case
from operations.steps.contracts import cancel_contract
from operations.steps.ledger import append_credits, credit_entries
from operations.tools import Tools

NO_METHOD = "no payment method"


def is_exhausted(invoice: Invoice) -> bool:
    """It failed as often as it is tried."""
    return (
        invoice.status is InvoiceStatus.OPEN
        and invoice.first_failed_at is not None
        and invoice.next_attempt_at is None
    )


async def tell_failure(operation_id: str, invoice: Invoice, payment: Payment | None, tools: Tools) -> None:
    """Metronome tells its own listeners; that it will not hear of it any more changes nothing here."""
    invoice_id: str | None = invoice.metronome_invoice_id
    if invoice_id is None or invoice.status is not InvoiceStatus.OPEN:
        return
    reason = (payment.decline_code or payment.error_code or payment.status.lower()) if payment else NO_METHOD
    await perform(
        operation_id,
        Effect(
            step="metronome_invoice_failed",
            provider=Provider.METRONOME,
            send=lambda key: tools.metronome.fail_invoice(invoice_id=invoice_id, reason=reason, idempotency_key=key),
            look_up=_nowhere_to_be_seen,
            settle=_nothing_more,
        ),
        tools.now,
    )


async def give_up(operation_id: str, invoice: Invoice, tools: Tools) -> None:
    """End the subscription that was not paid for; then, as the last thing, nobody tries the invoice any more."""
    case = await Case.load(operation_id)
    unpaid = replace(case, subscription=await Subscription.get(id=invoice.subscription_id))
    if unpaid.subscription.status is SubscriptionStatus.PAST_DUE:
        await _write_usage(unpaid, tools)
        await cancel_contract(unpaid, tools, effective=None)
        await _expire(unpaid, invoice, tools.now())
    await _mark_uncollectible(operation_id, invoice, tools)


async def _write_usage(case: Case, tools: Tools) -> None:
    """What was spent is told by Metronome's balance, until the contract takes the allowance with it."""
    operation_id = case.operation.id
    if await ProviderEffect.exists(operation_id=operation_id, step="metronome_contract_cancelled"):
        return
    left = await credits_in_metronome(case.customer, tools)
    async with in_transaction():
        await record_usage(case.customer, left, operation_id=operation_id, at=tools.now())


async def _expire(case: Case, invoice: Invoice, at: datetime) -> None:
    customer, cause = case.customer, f"operation:{case.operation.id}"
    async with in_transaction():
        subscription = await Subscription.filter(id=case.subscription.id).select_for_update().get()
        if subscription.status is not SubscriptionStatus.PAST_DUE:
            return
        month = credit_month_at(subscription.credit_anchor, at.date())
        entries = await credit_entries(customer.id)
        ended = end_allowance(entries, owner=customer.id, month=month, at=at, key=cause)
        await append_credits(customer.id, ended, cause=cause, reason="The subscription was not paid for")
        await Subscription.filter(id=subscription.id).update(
            status=next_status(subscription.status, SubscriptionEvent.COLLECTION_EXHAUSTED),
            cancel_at_period_end=False,
            scheduled_tier=None,
            scheduled_billing_period=None,
            scheduled_price_minor=None,
            scheduled_credits_per_month=None,
            ended_at=at,
            updated_at=at,
        )
        await record(
            "subscription.expired",
            f"{subscription.tier} ended: the invoice was not paid",
            at=at,
            customer=customer,
            operation_id=case.operation.id,
            data={"invoice": invoice.id},
        )


async def _mark_uncollectible(operation_id: str, invoice: Invoice, tools: Tools) -> None:
    invoice_id: str | None = invoice.metronome_invoice_id

    async def settle(_: metronome.Invoice) -> None:
        await _write_uncollectible(invoice, tools.now())

    async def look_up(_: datetime) -> metronome.Invoice | None:
        found = await tools.metronome.get_invoice(invoice_id=str(invoice_id))
        return found if found.status is InvoiceStatus.UNCOLLECTIBLE else None
