"""cancel: now, or at the period end. What waits for the period end is dropped, so that nothing wakes later."""

from collections.abc import Mapping
from typing import Any

from tortoise.transactions import in_transaction

from billing.changes import Effective, UnusedTime, unused_time
from billing.credits import EntryKind, LedgerEntry, allowance_key, end_allowance
from billing.errors import EndScheduled
from billing.lifecycle import SubscriptionEvent, SubscriptionStatus, next_status
from billing.periods import credit_month_at
from billing.proration import allowance_share
from models import CreditEntry, OperationKind, Subscription
from operations.accepting import Request, Standing, answer_to, undertake
from operations.activity import record
from operations.ending import fail, succeed
from operations.engine import Engine, Next, Step
from operations.position import (
    check_live,
    check_period,
    credits_to_decide_on,
    current,
    position_of,
    record_usage,
    why_not,
)
from operations.schedule_change import NOTHING_SCHEDULED
from operations.steps.case import Case, settled
from operations.steps.contracts import cancel_contract
from operations.steps.credits import enter_granted, granted_for
from operations.steps.ledger import append_credits, credit_entries, move_account_balance
from operations.steps.withheld import refresh_paid, withhold
from operations.terms import money_json, money_of
from operations.tools import Tools

_EVENTS = {
    Effective.IMMEDIATELY: SubscriptionEvent.CANCELLED,
    Effective.AT_PERIOD_END: SubscriptionEvent.CANCELLATION_SCHEDULED,
}


async def cancel(
    entity_id: str,
    *,
    effective: Effective,
    credit_unused_time: bool,
    idempotency_key: str | None,
    engine: Engine,
    tools: Tools,
    wait_seconds: float,
) -> str:
    request = Request(
        OperationKind.CANCEL,
        entity_id,
        {"effective": effective.value, "credit_unused_time": credit_unused_time},
        idempotency_key,
    )
    if known := await answer_to(request, engine=engine, wait_seconds=wait_seconds):
        return known
    customer, _ = await current(entity_id)
    left = await credits_to_decide_on(customer, tools)
    at = tools.now()

    async def decide(standing: Standing) -> Mapping[str, Any]:
        subscription = standing.subscription
        check_live(standing.customer, subscription)
        next_status(subscription.status, _EVENTS[effective])
        check_period(standing.customer, subscription, at)
        if effective is Effective.AT_PERIOD_END:
            if subscription.cancel_at_period_end:
                raise EndScheduled(entity_id, subscription.period_end)
            return {"effective": effective.value}
        entries = await record_usage(standing.customer, left, operation_id=standing.operation_id, at=at)
        unpaid = await refresh_paid(subscription)
        unused = unused_time(position_of(standing.customer, subscription, entries), at.date())
        unused = unused if credit_unused_time else UnusedTime.none(subscription.currency)
        return {
            "effective": effective.value,
            "credit": money_json(unused.credited),
            "withheld": money_json(unused.withheld),
            "unpaid": unpaid,
        }

    return await undertake(request, decide, engine=engine, tools=tools, wait_seconds=wait_seconds)


async def end_contract(operation_id: str, tools: Tools) -> Next:
    case = await Case.load(operation_id)
    at_once = case.operation.input["effective"] == Effective.IMMEDIATELY
    period_end = case.subscription.period_end
    refusal = await cancel_contract(case, tools, effective=None if at_once else period_end, until=period_end)
    if refusal is None:
        if at_once:
            await _enter_unheard_month(case, tools)
        return Next.CONTINUE
    async with in_transaction():
        await fail(operation_id, why_not(refusal, case.customer.entity_id), at=tools.now())
    return Next.STOP


async def _enter_unheard_month(case: Case, tools: Tools) -> None:
    """A month's allowance that nobody told us of has ended with the contract: what was spent of it can be owed."""
    subscription, cause = case.subscription, f"operation:{case.operation.id}"
    month = credit_month_at(subscription.credit_anchor, tools.now().date())
    key = allowance_key(case.customer.id, month)
    if any(entry.pool == key for entry in await credit_entries(case.customer.id)):
        return
    granted = await granted_for(month, case, tools, contract_id=settled(subscription.metronome_contract_id))
    if granted is None or granted.expired_amount is None:
        return
    if await CreditEntry.exists(metronome_credit_id=granted.id):
        return
    spent, at = granted.amount - granted.expired_amount, granted.expired_at or tools.now()
    usage = (LedgerEntry(-spent, EntryKind.USAGE, at, f"{cause}:used", grant=key),) if spent else ()
    async with in_transaction():
        await enter_granted(granted, month, case)
        await append_credits(case.customer.id, usage, cause=cause, reason="Spent")


async def apply_cancellation(operation_id: str, tools: Tools) -> Next:
    at = tools.now()
    async with in_transaction():
        case = await Case.load(operation_id)
        if not await succeed(operation_id, at=at):
            return Next.STOP
        if case.operation.input["effective"] == Effective.IMMEDIATELY:
            await _end_at_once(case, tools)
        else:
            await Subscription.filter(id=case.subscription.id).update(
                **NOTHING_SCHEDULED, cancel_at_period_end=True, updated_at=at
            )
            await record(
                "subscription.cancellation_scheduled",
                f"Ends on {case.subscription.period_end}",
                at=at,
                customer=case.customer,
                operation_id=operation_id,
            )
    return Next.CONTINUE


async def _end_at_once(case: Case, tools: Tools) -> None:
    decided = case.operation.input
    withheld = await withhold(money_of(decided["withheld"]), decided["unpaid"], tools.now())
    unused = UnusedTime(credited=money_of(decided["credit"]), withheld=withheld)
    await end_subscription(case, SubscriptionEvent.CANCELLED, unused, tools)


async def end_subscription(case: Case, event: SubscriptionEvent, unused: UnusedTime, tools: Tools) -> None:
    """The subscription is over: so is its allowance, and unused time is credited. Called within a transaction.

    What is withheld of it is noted on its invoice already.
    """
    at, cause = tools.now(), f"operation:{case.operation.id}"
    subscription = await Subscription.filter(id=case.subscription.id).select_for_update().get()
    status = next_status(subscription.status, event)
    if status is subscription.status:
        return
    on = min(at.date(), subscription.period_end)
    month = credit_month_at(subscription.credit_anchor, on)
    is_given_back = unused.credited.is_positive or unused.withheld.is_positive
    paid_until = on if is_given_back else subscription.period_end
    entries = end_allowance(
        await credit_entries(case.customer.id),
        owner=case.customer.id,
        month=month,
        unpaid=allowance_share(subscription.plan, month, paid_until),
        at=at,
        key=cause,
    )
    await append_credits(case.customer.id, entries, cause=cause, reason="The subscription has ended")
    await move_account_balance(case.customer.id, unused.credited, key=f"{cause}:unused", cause=cause, at=at)
    await Subscription.filter(id=subscription.id).update(
        **NOTHING_SCHEDULED, status=status, cancel_at_period_end=False, paid_minor=0, ended_at=at, updated_at=at
    )
    await record(
        "subscription.ended",
        _told(status, unused),
        at=at,
        customer=case.customer,
        operation_id=case.operation.id,
    )


def _told(status: SubscriptionStatus, unused: UnusedTime) -> str:
    credited = f", {unused.credited} credited" if unused.credited.is_positive else ""
    withheld = f", {unused.withheld} to be credited once it is paid for" if unused.withheld.is_positive else ""
    return f"{status.capitalize()}{credited}{withheld}"


STEPS: tuple[Step, ...] = (end_contract, apply_cancellation)
