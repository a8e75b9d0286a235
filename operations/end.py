"""The end of a contract, made by the engine: what was scheduled follows it, or the subscription is over."""

from datetime import datetime

import structlog
from tortoise.transactions import in_transaction

from billing.changes import UnusedTime
from billing.credits import EntryKind, LedgerEntry, allowance_key, end_allowance, follow_allowance, left_of
from billing.error_codes import ErrorCode
from billing.invoices import InvoiceStatus, first_invoice
from billing.lifecycle import LIVE, SubscriptionEvent, next_status
from billing.periods import credit_month_at, midnight, period_at
from billing.proration import allowance_share
from integrations.metronome import types as metronome
from integrations.metronome.types import Contract, ContractStatus
from models import Invoice, Operation, Payment, PaymentStatus, Subscription
from operations.activity import record
from operations.cancel import end_subscription
from operations.dunning import tell_failure
from operations.effects import TOO_LATE
from operations.ending import keep, succeed
from operations.engine import Next, Step
from operations.renew import ENDED, follow, is_behind, renewal_key, unknown_renewals
from operations.schedule_change import NOTHING_SCHEDULED
from operations.steps.case import Case, settled
from operations.steps.collecting import collect
from operations.steps.contracts import start_contract
from operations.steps.credits import month_to_grant, post_allowance
from operations.steps.invoices import issue, report_paid, write_period_invoice
from operations.steps.ledger import append_credits, credit_entries
from operations.steps.owed import write_owed
from operations.steps.payment_methods import warn
from operations.terms import plan_json, plan_of
from operations.tools import Tools

log = structlog.get_logger()


async def follow_or_end(operation_id: str, tools: Tools) -> Next:
    case = await Case.load(operation_id)
    subscription = case.subscription
    if "contract_id" in case.operation.result:
        return Next.CONTINUE
    contract = await tools.metronome.get_contract(contract_id=settled(subscription.metronome_contract_id))
    if contract.status not in ENDED:
        return await finish(operation_id, tools)  # what called for this was older than the contract
    if await unknown_renewals(case, contract, tools):
        return await _renew_first(case, tools)
    plan = subscription.scheduled_plan if contract.status is ContractStatus.EXPIRED else None
    if plan is None or subscription.status not in LIVE:
        await _end(case, contract, tools)
        return Next.STOP
    anchor = subscription.anchor if plan.billing_period is subscription.billing_period else subscription.period_end
    refusal = await start_contract(case, tools, plan=plan, start=subscription.period_end, anchor=anchor, replaces=None)
    if refusal is None:
        return Next.CONTINUE
    log.error("subscription.not_followed", subscription=subscription.id, code=refusal.code)
    await _end(case, contract, tools)
    return Next.STOP


async def _renew_first(case: Case, tools: Tools) -> Next:
    """It was renewed before it ended, and told of in another order: the renewal will find the end."""
    async with in_transaction():
        if await succeed(case.operation.id, at=tools.now()):
            await follow(case.customer.id, at=tools.now())
    return Next.STOP


async def _end(case: Case, contract: Contract, tools: Tools) -> None:
    """Cancelled by us for the period end, or by somebody else at the provider; or it simply ran out."""
    cancelled = contract.status is ContractStatus.CANCELLED
    event = SubscriptionEvent.CANCELLED if cancelled else SubscriptionEvent.CONTRACT_ENDED
    if case.subscription.status in LIVE:
        subscription, at = case.subscription, contract.end_date or tools.now()
        month = credit_month_at(subscription.credit_anchor, at.date())
        unpaid = allowance_share(subscription.plan, month, subscription.period_end)
        await _close_cut_month(case, contract.id, at, tools, unpaid=unpaid)
    async with in_transaction():
        if await succeed(case.operation.id, at=tools.now()) and case.subscription.status in LIVE:
            await end_subscription(case, event, UnusedTime.none(case.subscription.currency), tools)


async def take_over_plan(operation_id: str, tools: Tools) -> Next:
    """From the boundary on, the customer is on what was scheduled."""
    at = tools.now()
    async with in_transaction():
        case = await Case.load(operation_id)
        subscription = await Subscription.filter(id=case.subscription.id).select_for_update().get()
        plan = subscription.scheduled_plan
        if plan is None:
            return Next.CONTINUE
        await keep(
            operation_id,
            old_plan=plan_json(subscription.plan),
            old_contract_id=subscription.metronome_contract_id,
        )
        same = plan.billing_period is subscription.billing_period
        anchor = subscription.anchor if same else subscription.period_end
        period = period_at(anchor, plan.billing_period, subscription.period_end)
        await Subscription.filter(id=subscription.id).update(
            **NOTHING_SCHEDULED,
            status=next_status(subscription.status, SubscriptionEvent.PLAN_CHANGED),
            tier=plan.tier,
            billing_period=plan.billing_period,
            price_minor=plan.price.minor_units,
            currency=plan.price.currency,
            credits_per_month=plan.credits_per_month,
            anchor=anchor,
            period_start=period.start,
            period_end=period.end,
            paid_minor=0,
            metronome_contract_id=case.operation.result["contract_id"],
            updated_at=at,
        )
        await record(
            "subscription.changed",
            f"{subscription.tier} {subscription.billing_period} to {plan.tier} {plan.billing_period}, as scheduled",
            at=at,
            customer=case.customer,
            operation_id=operation_id,
        )
    return Next.CONTINUE


async def grant_new_month(operation_id: str, tools: Tools) -> Next:
    """Of months that passed before the contract was made, nobody has any."""
    case = await Case.load(operation_id)
    subscription, kept = case.subscription, case.operation.result
    boundary = midnight(subscription.period_start)
    await _close_cut_month(case, kept["old_contract_id"], boundary, tools)
    month = await month_to_grant(case, tools)
    granted = follow_allowance(
        await credit_entries(case.customer.id),
        owner=case.customer.id,
        old=plan_of(kept["old_plan"]),
        new=subscription.plan,
        month=month,
        at=max(boundary, midnight(month.start)),
        key=f"operation:{operation_id}",
    )
    refusal = await post_allowance(case, granted, tools, step="metronome_credits", month=month)
    if refusal is not None and refusal.code != TOO_LATE and not case.operation.warnings:
        log.error("allowance.refused", operation=operation_id, subscription=subscription.id, code=refusal.code)
        message = f"The allowance was not granted, metronome refused: {refusal.message}"
        async with in_transaction():
            await warn(operation_id, ErrorCode.PROVIDER_REJECTED, message)
    return Next.CONTINUE


async def _close_cut_month(case: Case, contract_id: str, at: datetime, tools: Tools, *, unpaid: int = 0) -> None:
    """A contract that ends in the middle of a credit month takes its allowance along: what was used, what was left.

    Done once, before the new allowance is there: it has the same key, and would be taken for the old one.
    """
    cause = f"operation:{case.operation.id}"
    key = allowance_key(case.customer.id, credit_month_at(case.subscription.credit_anchor, at.date()))
    granted = await tools.metronome.list_credits(
        customer_id=settled(case.customer.metronome_customer_id),
        contract_id=contract_id,
    )
    cut = [each for each in granted if each.expired_at and each.expires_at and each.expired_at < each.expires_at]
    expired = sum(credit.expired_amount or 0 for credit in cut)
    async with in_transaction():
        operation = await Operation.filter(id=case.operation.id).select_for_update().get()
        if "month_closed" in operation.result:
            return
        await keep(operation.id, month_closed=True)
        entries = await credit_entries(case.customer.id)
        used = left_of(entries, key) - expired
        usage = (LedgerEntry(-used, EntryKind.USAGE, at, f"{cause}:used", grant=key),) if used > 0 else ()
        month = credit_month_at(case.subscription.credit_anchor, at.date())
        standing = [*entries, *usage]
        ended = end_allowance(standing, owner=case.customer.id, month=month, unpaid=unpaid, at=at, key=cause)
        await append_credits(case.customer.id, (*usage, *ended), cause=cause, reason="The old contract has ended")


async def invoice_new_period(operation_id: str, tools: Tools) -> Next:
    case = await Case.load(operation_id)
    subscription = case.subscription
    lines = first_invoice(subscription.plan, subscription.period)
    key = renewal_key(subscription, subscription.period)
    if not lines or "invoice_id" in case.operation.result:
        return Next.CONTINUE

    async def write(issued: metronome.Invoice) -> None:
        invoice = await write_period_invoice(
            case.customer.id,
            subscription,
            period=subscription.period,
            lines=lines,
            key=key,
            metronome_invoice_id=issued.id,
            cause=f"operation:{operation_id}",
            at=tools.now(),
        )
        await keep(operation_id, invoice_id=invoice.id)

    refusal = await issue(
        case,
        tools,
        lines=lines,
        contract_id=settled(subscription.metronome_contract_id),
        issued_on=subscription.period_start,
        uniqueness_key=key,
        write=write,
    )
    if refusal is not None:
        async with in_transaction():
            await write_owed(case, period=subscription.period, lines=lines, key=key, refusal=refusal, at=tools.now())
    return Next.CONTINUE


async def collect_new_period(operation_id: str, tools: Tools) -> Next:
    operation = await Operation.get(id=operation_id)
    invoice = await Invoice.get_or_none(id=operation.result.get("invoice_id"))
    if invoice is None:
        return Next.CONTINUE
    if invoice.due_minor:
        await collect(operation_id, invoice.id, tools, off_session=True)
        invoice = await Invoice.get(id=invoice.id)
    if invoice.status is InvoiceStatus.PAID:
        await report_paid(operation_id, invoice, tools)
    elif failed := await Payment.filter(invoice_id=invoice.id, status=PaymentStatus.FAILED).first():
        await tell_failure(operation_id, invoice, failed, tools)
    return Next.CONTINUE


async def finish(operation_id: str, tools: Tools) -> Next:
    """The periods that have passed since the boundary are followed one by one."""
    case = await Case.load(operation_id)
    contract = await tools.metronome.get_contract(contract_id=settled(case.subscription.metronome_contract_id))
    async with in_transaction():
        if await succeed(operation_id, at=tools.now()) and is_behind(case.subscription, contract):
            await follow(case.customer.id, at=tools.now())
    return Next.CONTINUE


STEPS: tuple[Step, ...] = (
    follow_or_end,
    take_over_plan,
    grant_new_month,
    invoice_new_period,
    collect_new_period,
    finish,
)
