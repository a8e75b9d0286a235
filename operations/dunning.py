"""What a failed collection comes to: Metronome hears of it, and after the last one the subscription ends."""

from dataclasses import replace
from datetime import datetime

import structlog
from tortoise.transactions import in_transaction

from billing.changes import UnusedTime
from billing.error_codes import ErrorCode
from billing.invoices import InvoiceStatus
from billing.lifecycle import SubscriptionEvent, SubscriptionStatus
from integrations.metronome import types as metronome
from models import Customer, Invoice, Payment, Provider, ProviderEffect, Subscription
from operations.activity import record
from operations.cancel import end_subscription
from operations.effects import Effect, Refusal, perform
from operations.position import credits_in_metronome, record_usage
from operations.steps.case import Case, settled
from operations.steps.contracts import cancel_contract
from operations.steps.payment_methods import warn
from operations.tools import Tools

log = structlog.get_logger()

NO_METHOD = "no payment method"


def is_exhausted(invoice: Invoice) -> bool:
    """It is open and failed as often as it is tried."""
    return invoice.status is InvoiceStatus.OPEN and bool(invoice.first_failed_at) and invoice.next_attempt_at is None


async def tell_failure(operation_id: str, invoice: Invoice, payment: Payment | None, tools: Tools) -> None:
    """For Metronome's own listeners. What was paid or given up meanwhile has nothing left to tell."""
    if invoice.metronome_invoice_id is None or invoice.status is not InvoiceStatus.OPEN:
        return
    reason = (payment.decline_code or payment.error_code or payment.status.lower()) if payment else NO_METHOD

    async def nothing_shows_it(_: datetime) -> metronome.Invoice | None:
        return None

    # Nothing of ours depends on their hearing of it.
    _ = await perform(
        operation_id,
        Effect(
            step="metronome_invoice_failed",
            provider=Provider.METRONOME,
            send=lambda key: tools.metronome.fail_invoice(
                invoice_id=settled(invoice.metronome_invoice_id), reason=reason, idempotency_key=key
            ),
            look_up=nothing_shows_it,
        ),
        tools.now,
    )


async def give_up(operation_id: str, invoice: Invoice, tools: Tools) -> None:
    """End the subscription that was not paid for; then nobody tries the invoice any more."""
    case = await Case.load(operation_id)
    unpaid = replace(case, subscription=await Subscription.get(id=invoice.subscription_id))
    if unpaid.subscription.status is SubscriptionStatus.PAST_DUE:
        await _write_usage(unpaid, tools)
        # A refusal means that the contract has ended already.
        _ = await cancel_contract(unpaid, tools, effective=None)
        await _expire(unpaid, tools)
    await _mark_uncollectible(operation_id, invoice, tools)


async def _write_usage(case: Case, tools: Tools) -> None:
    """What was spent is known from Metronome's balance, until the contract takes the allowance with it."""
    operation_id = case.operation.id
    if await ProviderEffect.exists(operation_id=operation_id, step="metronome_contract_cancelled"):
        return
    left = await credits_in_metronome(case.customer, tools)
    async with in_transaction():
        await record_usage(case.customer, left, operation_id=operation_id, at=tools.now())


async def _expire(case: Case, tools: Tools) -> None:
    async with in_transaction():
        if await Subscription.exists(id=case.subscription.id, status=SubscriptionStatus.PAST_DUE):
            nothing = UnusedTime.none(case.subscription.currency)
            await end_subscription(case, SubscriptionEvent.COLLECTION_EXHAUSTED, nothing, tools)


async def _mark_uncollectible(operation_id: str, invoice: Invoice, tools: Tools) -> None:
    if invoice.metronome_invoice_id is None:
        async with in_transaction():
            await _write_uncollectible(operation_id, invoice, tools.now())
        return
    invoice_id = settled(invoice.metronome_invoice_id)

    async def look_up(_: datetime) -> metronome.Invoice | None:
        found = await tools.metronome.get_invoice(invoice_id=invoice_id)
        return found if found.status is InvoiceStatus.UNCOLLECTIBLE else None

    async def settle(_: metronome.Invoice) -> None:
        await _write_uncollectible(operation_id, invoice, tools.now())

    refusal = await perform(
        operation_id,
        Effect(
            step="metronome_invoice_uncollectible",
            provider=Provider.METRONOME,
            send=lambda key: tools.metronome.mark_uncollectible(invoice_id=invoice_id, idempotency_key=key),
            look_up=look_up,
            settle=settle,
        ),
        tools.now,
    )
    if refusal is not None:
        async with in_transaction():
            await _give_up_alone(operation_id, invoice, refusal, tools.now())


async def _give_up_alone(operation_id: str, invoice: Invoice, refusal: Refusal, at: datetime) -> None:
    """Nobody tries it any more here, whatever Metronome says: that it differs is told, now and by every reconcile."""
    if await _write_uncollectible(operation_id, invoice, at):
        log.error("invoice.uncollectible_refused", operation=operation_id, invoice=invoice.id, code=refusal.code)
        message = f"The invoice is uncollectible, and Metronome refused to hear of it: {refusal.message}"
        await warn(operation_id, ErrorCode.PROVIDER_REJECTED, message)


async def _write_uncollectible(operation_id: str, invoice: Invoice, at: datetime) -> bool:
    given_up = await Invoice.filter(id=invoice.id, status=InvoiceStatus.OPEN).update(
        status=InvoiceStatus.UNCOLLECTIBLE, updated_at=at
    )
    if given_up:
        await record(
            "invoice.uncollectible",
            f"Given up after {invoice.failed_attempts} failed payments",
            at=at,
            customer=await Customer.get(id=invoice.customer_id),
            operation_id=operation_id,
            data={"invoice": invoice.id},
        )
    return bool(given_up)
