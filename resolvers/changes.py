"""Quote, change, schedule, withdraw, cancel, reactivate: input to verb, operation to payload."""

from datetime import date

from billing.changes import Effective
from billing.errors import BillingError, InvalidInput
from models import Quote
from models.ids import ID_LENGTH
from operations import cancel as cancelling
from operations import reactivate as reactivating
from operations.asked import AskedPlan, Change
from operations.change_tier import change_tier as run_change
from operations.position import current
from operations.quoting import find_quote, quote_change
from operations.withdraw_change import withdraw_change
from resolvers.pages import searchable
from resolvers.plans import enterprise_terms
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
        asked = AskedPlan(input.tier, input.billing_period, enterprise_terms(input.enterprise_terms))
        quote = await quote_change(Change(searchable(input.entity_id), asked, input.effective), info.context.tools)
    except BillingError as problem:
        return QuoteTierChangePayload(user_errors=user_errors(problem))
    return QuoteTierChangePayload(quote=TierChangeQuote.from_terms(quote.id, quote.terms, quote.expires_at))


async def change_tier(info: Info, input: ChangeTierInput) -> ChangeTierPayload:  # noqa: A002  its name in the schema
    try:
        operation_id = await start_change(info.context, input)
    except BillingError as problem:
        return refused(ChangeTierPayload, problem)
    return await payload_of(ChangeTierPayload, operation_id)


async def start_change(context: Context, given: ChangeTierInput, *, on: date | None = None) -> str:
    """`on`: the older REST form names a day instead of `effective`."""
    return await run_change(
        searchable(given.entity_id),
        await _quote(given) if given.quote_id is not None else _change(given, on),
        idempotency_key=given.idempotency_key,
        engine=context.engine,
        tools=context.tools,
        wait_seconds=context.wait_seconds,
    )


async def _quote(given: ChangeTierInput) -> Quote:
    if given.tier or given.billing_period or given.effective or given.enterprise_terms:
        raise InvalidInput("quoteId", "stands for the whole change: leave the other fields out")
    await current(given.entity_id)
    return await find_quote(searchable(str(given.quote_id), longest=ID_LENGTH), entity_id=given.entity_id)


def _change(given: ChangeTierInput, on: date | None) -> Change:
    if given.tier is None:
        raise InvalidInput("tier", "is needed, or a quoteId")
    asked = AskedPlan(given.tier, given.billing_period, enterprise_terms(given.enterprise_terms))
    return Change(given.entity_id, asked, on or given.effective or Effective.IMMEDIATELY)


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
            asked=_wanted(input),
            idempotency_key=input.idempotency_key,
            engine=info.context.engine,
            tools=info.context.tools,
            wait_seconds=info.context.wait_seconds,
        )
    except BillingError as problem:
        return refused(ReactivatePayload, problem)
    return await payload_of(ReactivatePayload, operation_id)


def _wanted(given: ReactivateInput) -> AskedPlan | None:
    """None: the last plan, with the terms it had."""
    if given.tier is None and given.billing_period is None and given.enterprise_terms is None:
        return None
    return AskedPlan(given.tier, given.billing_period, enterprise_terms(given.enterprise_terms))
