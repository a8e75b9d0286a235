"""reactivate: takes back a cancellation that waits for the period end; after the end, starts a new subscription.

The new one is a row of its own and a contract of its own. The old ones stay as history.
"""

import asyncio
from collections.abc import Mapping
from datetime import date
from typing import Any

import structlog
from tortoise.transactions import in_transaction

from billing.credits import EntryKind, LedgerEntry, allowance_key, end_allowance, follow_allowance
from billing.error_codes import ErrorCode
from billing.errors import IllegalTransition, InvalidInput, ProviderRejected
from billing.lifecycle import LIVE, SubscriptionEvent, SubscriptionStatus, next_status
from billing.periods import Period, credit_month_at, midnight, period_at
from billing.tiers import Plan
from models import CreditEntry, OperationKind, Subscription
from operations.accepting import Request, Standing, undertake
from operations.activity import record
from operations.asked import AskedPlan
from operations.effects import Refusal
from operations.ending import fail, succeed
from operations.engine import Engine, Next, Step
from operations.position import check_period
from operations.renew import follow
from operations.steps.case import Case
from operations.steps.contracts import cancel_contract, open_contract, set_end
from operations.steps.credits import month_to_grant, post_allowance
from operations.steps.first_invoice import collect_first, first_invoice_of, report_first
from operations.steps.invoices import issue_first_invoice
from operations.steps.ledger import append_credits, credit_entries
from operations.steps.payment_methods import warn
from operations.tools import Tools

log = structlog.get_logger()


async def reactivate(
    entity_id: str,
    *,
    asked: AskedPlan | None,
    idempotency_key: str | None,
    engine: Engine,
    tools: Tools,
    wait_seconds: float,
) -> str:
    """`asked` None: the last plan. Taking back a cancellation changes no plan, so none may be given then."""
    at = tools.now()

    async def decide(standing: Standing) -> Mapping[str, Any]:
        subscription = standing.subscription
        plan = asked.on(subscription) if asked else subscription.plan
        if subscription.status not in LIVE:
            await _start_anew(standing, plan)
            return {"anew": True}
        if not subscription.cancel_at_period_end:
            raise IllegalTransition(subscription.status, SubscriptionEvent.CANCELLATION_WITHDRAWN)
        if plan != subscription.plan:
            raise InvalidInput("tier", "cannot be given while the subscription has not ended: use changeTier")
        check_period(standing.customer, subscription, at)
        return {"anew": False}

    async def _start_anew(standing: Standing, new: Plan) -> None:
        old = standing.subscription
        await Subscription.filter(id=old.id).update(is_current=False, updated_at=at)
        period = period_at(at.date(), new.billing_period, at.date())
        await Subscription.create(
            customer_id=standing.customer.id,
            status=SubscriptionStatus.PENDING,
            tier=new.tier,
            billing_period=new.billing_period,
            price_minor=new.price.minor_units,
            currency=new.price.currency,
            credits_per_month=new.credits_per_month,
            anchor=at.date(),
            credit_anchor=await _credit_anchor(old, at.date()),
            period_start=period.start,
            period_end=period.end,
            created_at=at,
            updated_at=at,
        )

    request = Request(
        OperationKind.REACTIVATE, entity_id, {"plan": asked.as_asked() if asked else None}, idempotency_key
    )
    return await undertake(request, decide, engine=engine, tools=tools, wait_seconds=wait_seconds)


async def _credit_anchor(old: Subscription, on: date) -> date:
    """A month that was granted already goes on and is not granted again. Else months begin anew, as periods do."""
    month = credit_month_at(old.credit_anchor, on)
    granted = any(
        entry.pool == allowance_key(old.customer_id, month) for entry in await credit_entries(old.customer_id)
    )
    return old.credit_anchor if granted else on


async def resume_contract(operation_id: str, tools: Tools) -> Next:
    case = await Case.load(operation_id)
    anew = case.operation.input["anew"]
    refusal = await open_contract(case, tools) if anew else await set_end(case, tools, end=None)
    if refusal is None:
        return Next.CONTINUE
    async with in_transaction():
        if await fail(operation_id, ProviderRejected("metronome", refusal.message), at=tools.now()) and anew:
            await _abandon(case, tools)
    return Next.STOP


async def _abandon(case: Case, tools: Tools) -> None:
    """The subscription that was never provisioned is history at once, and can be tried again."""
    status = next_status(SubscriptionStatus.PENDING, SubscriptionEvent.PROVISIONING_ABANDONED)
    await Subscription.filter(id=case.subscription.id).update(status=status, ended_at=tools.now())


async def resume_credits_and_invoice(operation_id: str, tools: Tools) -> Next:
    case = await Case.load(operation_id)
    if not case.operation.input["anew"]:
        return Next.CONTINUE
    month = await month_to_grant(case, tools)
    entries = await _credits_of_the_month(case, month)
    no_credits, no_invoice = await asyncio.gather(
        post_allowance(case, entries, tools, step="metronome_credits", month=month), issue_first_invoice(case, tools)
    )
    if no_invoice is not None:
        await _call_off(case, no_invoice, tools)
        return Next.STOP
    if no_credits is not None and not case.operation.warnings:
        message = f"The allowance was not granted, metronome refused: {no_credits.message}"
        async with in_transaction():
            await warn(operation_id, ErrorCode.PROVIDER_REJECTED, message, field="tier")
    return Next.CONTINUE


async def _credits_of_the_month(case: Case, month: Period) -> tuple[LedgerEntry, ...]:
    subscription = case.subscription
    return follow_allowance(
        await credit_entries(case.customer.id),
        owner=case.customer.id,
        old=await _plan_before(subscription),
        new=subscription.plan,
        month=month,
        # Not the time of this try: what is sent must stay the same when it is sent again.
        at=max(case.operation.created_at, midnight(month.start)),
        key=f"operation:{case.operation.id}",
    )


async def _plan_before(subscription: Subscription) -> Plan:
    """Of the last subscription that had a contract; one that never had granted nothing."""
    before = (
        await Subscription.filter(customer_id=subscription.customer_id, metronome_contract_id__not_isnull=True)
        .exclude(id=subscription.id)
        .order_by("-created_at")
        .first()
    )
    return before.plan if before else subscription.plan


async def _call_off(case: Case, refusal: Refusal, tools: Tools) -> None:
    """A subscription without its invoice would be free: its contract ends again, and its allowance with it."""
    still_there = await cancel_contract(case, tools, effective=None)
    if still_there is not None:
        log.error("contract.not_cancelled", operation=case.operation.id, code=still_there.code)
    month = await month_to_grant(case, tools)
    async with in_transaction():
        if await fail(case.operation.id, ProviderRejected("metronome", refusal.message), at=tools.now()):
            cause = f"operation:{case.operation.id}"
            entries = await credit_entries(case.customer.id)
            taken = end_allowance(
                entries,
                owner=case.customer.id,
                month=month,
                unpaid=await _granted_by(case.customer.id, cause),
                at=tools.now(),
                key=cause,
            )
            await append_credits(case.customer.id, taken, cause=cause, reason="The subscription was not resumed")
            await _abandon(case, tools)


async def _granted_by(customer_id: str, cause: str) -> int:
    kinds = (EntryKind.GRANT, EntryKind.CLAWBACK)
    amounts: list[int] = [
        entry.amount async for entry in CreditEntry.filter(customer_id=customer_id, cause=cause, kind__in=kinds)
    ]
    return max(sum(amounts), 0)


async def collect_anew(operation_id: str, tools: Tools) -> Next:
    case = await Case.load(operation_id)
    if case.operation.input["anew"]:
        await collect_first(operation_id, case.subscription, tools)
        await report_first(operation_id, case.subscription, tools)
    return Next.CONTINUE


async def apply_reactivation(operation_id: str, tools: Tools) -> Next:
    at = tools.now()
    async with in_transaction():
        case = await Case.load(operation_id)
        subscription = case.subscription
        invoice = await first_invoice_of(subscription) if case.operation.input["anew"] else None
        if not await succeed(operation_id, at=at, result={"invoice_id": invoice.id if invoice else None}):
            return Next.STOP
        changes: dict[str, Any] = {"cancel_at_period_end": False, "updated_at": at}
        if case.operation.input["anew"]:
            failed = invoice is not None and invoice.failed_attempts > 0
            event = SubscriptionEvent.PAYMENT_FAILED if failed else SubscriptionEvent.PROVISIONED
            changes |= {"status": next_status(subscription.status, event), "started_at": at}
        await Subscription.filter(id=subscription.id).update(**changes)
        await record(
            "subscription.reactivated",
            f"On {subscription.tier} {subscription.billing_period}",
            at=at,
            customer=case.customer,
            operation_id=operation_id,
        )
        if at.date() >= subscription.period_end:
            await follow(case.customer.id, at=at)
    return Next.CONTINUE


STEPS: tuple[Step, ...] = (
    resume_contract,
    resume_credits_and_invoice,
    collect_anew,
    apply_reactivation,
)
