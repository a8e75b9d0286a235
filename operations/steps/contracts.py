"""The contract in Metronome: opened, replaced, ended, and its end taken back."""

from collections.abc import Awaitable, Callable
from datetime import date, datetime

from billing.periods import credit_month_at, midnight
from billing.tiers import CATALOGUE, Plan
from integrations.metronome.types import Contract, ContractStatus
from models import Provider, Subscription
from operations.effects import Effect, Refusal, perform
from operations.ending import keep
from operations.steps.case import Case, settled
from operations.tools import Tools


async def open_contract(case: Case, tools: Tools) -> Refusal | None:
    """The contract of the current subscription. From its next boundary on, the engine renews it."""
    subscription = case.subscription
    if subscription.metronome_contract_id is not None:
        return None

    async def settle(contract: Contract) -> None:
        await Subscription.filter(id=subscription.id).update(metronome_contract_id=contract.id, updated_at=tools.now())

    return await _create(
        case,
        tools,
        plan=subscription.plan,
        start=subscription.period_start,
        anchor=subscription.anchor,
        uniqueness_key=subscription.id,
        settle=settle,
    )


async def start_contract(
    case: Case, tools: Tools, *, plan: Plan, start: date, anchor: date, replaces: str | None
) -> Refusal | None:
    """The contract that follows the current one; its id is kept as `contract_id` until the change is applied.

    With `replaces`, the old one ends where the new one starts, in one call, and its allowance moves over.
    """

    async def settle(contract: Contract) -> None:
        await keep(case.operation.id, contract_id=contract.id)

    return await _create(
        case,
        tools,
        plan=plan,
        start=start,
        anchor=anchor,
        uniqueness_key=case.operation.id,
        settle=settle,
        replaces=replaces,
        until=last_moment(case.subscription, start) if replaces else None,
    )


def last_moment(subscription: Subscription, on: date) -> datetime:
    """Until when a change of plan that was decided for a day can be made.

    At the end of the period the engine renews the old plan and invoices that, at the end of the credit month it grants
    the old plan's allowance; on a yearly plan, or after another billing period, the two are not the same.
    """
    return midnight(min(subscription.period_end, credit_month_at(subscription.credit_anchor, on).end))


async def _create(
    case: Case,
    tools: Tools,
    *,
    plan: Plan,
    start: date,
    anchor: date,
    uniqueness_key: str,
    settle: Callable[[Contract], Awaitable[None]],
    replaces: str | None = None,
    until: datetime | None = None,
) -> Refusal | None:
    credit_anchor = case.subscription.credit_anchor
    own_terms = CATALOGUE.entry(plan.tier).price(plan.billing_period) is None
    metronome_customer_id = settled(case.customer.metronome_customer_id)
    return await perform(
        case.operation.id,
        Effect(
            step="metronome_contract",
            provider=Provider.METRONOME,
            send=lambda key: tools.metronome.create_contract(
                customer_id=metronome_customer_id,
                tier=plan.tier,
                billing_period=plan.billing_period,
                start_date=midnight(start),
                billing_anchor_date=midnight(anchor),
                credit_anchor_date=midnight(credit_anchor) if credit_anchor != anchor else None,
                price=plan.price if own_terms else None,
                credits_per_month=plan.credits_per_month if own_terms else None,
                replaces_contract_id=replaces,
                uniqueness_key=uniqueness_key,
                idempotency_key=key,
            ),
            look_up=lambda _: tools.metronome.find_contract(
                customer_id=metronome_customer_id, uniqueness_key=uniqueness_key
            ),
            settle=settle,
            until=until,
        ),
        tools.now,
    )


async def set_end(case: Case, tools: Tools, *, end: date | None) -> Refusal | None:
    """Let the contract end without renewal at `end`, as long as that is to come; or, with None, renew again."""
    contract_id = settled(case.subscription.metronome_contract_id)
    end_date = midnight(end) if end else None

    async def look_up(_: datetime) -> Contract | None:
        found = await tools.metronome.get_contract(contract_id=contract_id)
        return found if found.end_date == end_date else None

    return await perform(
        case.operation.id,
        Effect(
            step="metronome_contract_end",
            provider=Provider.METRONOME,
            send=lambda key: tools.metronome.set_contract_end(
                contract_id=contract_id, end_date=end_date, idempotency_key=key
            ),
            look_up=look_up,
            until=end_date,
        ),
        tools.now,
    )


async def cancel_contract(
    case: Case, tools: Tools, *, effective: date | None, until: date | None = None
) -> Refusal | None:
    """Cancel now, or at a later midnight until which it stays active. It is tried no longer than `until`."""
    contract_id = settled(case.subscription.metronome_contract_id)
    effective_date = midnight(effective) if effective else None

    async def look_up(_: datetime) -> Contract | None:
        found = await tools.metronome.get_contract(contract_id=contract_id)
        if effective_date is None:
            return found if found.status is ContractStatus.CANCELLED else None
        # A scheduled change ends it on the same day: that is no cancellation.
        return found if found.end_date == effective_date and found.cancelled_at is not None else None

    return await perform(
        case.operation.id,
        Effect(
            step="metronome_contract_cancelled",
            provider=Provider.METRONOME,
            send=lambda key: tools.metronome.cancel_contract(
                contract_id=contract_id, effective_date=effective_date, idempotency_key=key
            ),
            look_up=look_up,
            until=midnight(until) if until else None,
        ),
        tools.now,
    )
