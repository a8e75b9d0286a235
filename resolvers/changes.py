"""Quote, change, schedule, withdraw, cancel, reactivate: input to verb, operation to payload."""

from datetime import datetime

from billing.changes import Effective
from billing.errors import BillingError, InvalidInput
from billing.tiers import Plan
from models import Quote, Subscription
from models.ids import ID_LENGTH
from operations import cancel as cancelling
from operations import reactivate as reactivating
from operations.change_tier import Change
from operations.change_tier import change_tier as run_change
from operations.position import current
from operations.quoting import find_quote, quote_change
from operations.terms import plan_of
from operations.withdraw_change import withdraw_change
from resolvers.pages import searchable
from resolvers.plans import plan
from resolvers.verbs import payload_of, refused
from schema.context import Context, Info
from schema.errors import user_errors
from schema.types.changes import (
    CancelInput,
    CancelPayload,
    ChangeTierInput,
    ChangeTierPayload,
    QuoteTierChangeInput,
    QuoteTierChangePayload,
    ReactivateInput,
    ReactivatePayload,
    TierChangeQuote,
    WithdrawScheduledChangeInput,
    WithdrawScheduledChangePayload,
)


async def quote_tier_change(info: Info, input: QuoteTierChangeInput) -> QuoteTierChangePayload:  # noqa: A002  its name in the schema
    try:
        _, subscription = await current(searchable(input.entity_id))
        wanted = plan(input.tier, input.billing_period or subscription.billing_period, input.enterprise_terms)
        quote = await quote_change(_change(input.entity_id, wanted, input.effective, subscription), info.context.tools)
    except BillingError as problem:
        return QuoteTierChangePayload(user_errors=user_errors(problem))
    return QuoteTierChangePayload(quote=TierChangeQuote.from_terms(quote.id, quote.terms, quote.expires_at))


async def change_tier(info: Info, input: ChangeTierInput) -> ChangeTierPayload:  # noqa: A002  its name in the schema
    try:
        operation_id = await start_change(info.context, input)
    except BillingError as problem:
        return refused(ChangeTierPayload, problem)
    return await payload_of(ChangeTierPayload, operation_id)


async def start_change(context: Context, given: ChangeTierInput) -> str:
    _, subscription = await current(searchable(given.entity_id))
    quote = await _quote(given, context.now())
    return await run_change(
        _quoted_change(given, quote) if quote else _asked_change(given, subscription),
        quote=quote,
        idempotency_key=given.idempotency_key,
        engine=context.engine,
        tools=context.tools,
        wait_seconds=context.wait_seconds,
    )


async def _quote(given: ChangeTierInput, at: datetime) -> Quote | None:
    if given.quote_id is None:
        return None
    if given.tier or given.billing_period or given.effective or given.enterprise_terms:
        raise InvalidInput("quoteId", "stands for the whole change: leave the other fields out")
    return await find_quote(searchable(given.quote_id, longest=ID_LENGTH), entity_id=given.entity_id, at=at)


def _quoted_change(given: ChangeTierInput, quote: Quote) -> Change:
    return Change(given.entity_id, plan_of(quote.input["plan"]), Effective(quote.input["effective"]))


def _asked_change(given: ChangeTierInput, subscription: Subscription) -> Change:
    if given.tier is None:
        raise InvalidInput("tier", "is needed, or a quoteId")
    wanted = plan(given.tier, given.billing_period or subscription.billing_period, given.enterprise_terms)
    return _change(given.entity_id, wanted, given.effective or Effective.IMMEDIATELY, subscription)


def _change(entity_id: str, wanted: Plan, effective: Effective, subscription: Subscription) -> Change:
    check_plan(wanted, subscription)
    return Change(entity_id, wanted, effective)


def check_plan(wanted: Plan, subscription: Subscription) -> None:
    """A customer is billed in one currency."""
    if wanted.price.currency != subscription.currency:
        raise InvalidInput("enterpriseTerms.price.currency", f"must be {subscription.currency}, as it was before")


async def withdraw_scheduled_change(
    info: Info,
    input: WithdrawScheduledChangeInput,  # noqa: A002  its name in the schema
) -> WithdrawScheduledChangePayload:
    try:
        operation_id = await withdraw_change(
            searchable(input.entity_id),
            idempotency_key=input.idempotency_key,
            engine=info.context.engine,
            tools=info.context.tools,
            wait_seconds=info.context.wait_seconds,
        )
    except BillingError as problem:
        return refused(WithdrawScheduledChangePayload, problem)
    return await payload_of(WithdrawScheduledChangePayload, operation_id)


async def cancel(info: Info, input: CancelInput) -> CancelPayload:  # noqa: A002  its name in the schema
    try:
        operation_id = await cancelling.cancel(
            searchable(input.entity_id),
            effective=input.effective,
            credit_unused_time=input.credit_unused_time,
            idempotency_key=input.idempotency_key,
            engine=info.context.engine,
            tools=info.context.tools,
            wait_seconds=info.context.wait_seconds,
        )
    except BillingError as problem:
        return refused(CancelPayload, problem)
    return await payload_of(CancelPayload, operation_id)


async def reactivate(info: Info, input: ReactivateInput) -> ReactivatePayload:  # noqa: A002  its name in the schema
    try:
        operation_id = await reactivating.reactivate(
            searchable(input.entity_id),
            plan=await _wanted(input),
            idempotency_key=input.idempotency_key,
            engine=info.context.engine,
            tools=info.context.tools,
            wait_seconds=info.context.wait_seconds,
        )
    except BillingError as problem:
        return refused(ReactivatePayload, problem)
    return await payload_of(ReactivatePayload, operation_id)


async def _wanted(given: ReactivateInput) -> Plan | None:
    """None: the last plan, with the terms it had."""
    _, subscription = await current(searchable(given.entity_id))
    if given.tier is None and given.billing_period is None and given.enterprise_terms is None:
        return None
    tier = given.tier or subscription.tier
    billing_period = given.billing_period or subscription.billing_period
    wanted = plan(tier, billing_period, given.enterprise_terms)
    check_plan(wanted, subscription)
    return wanted
