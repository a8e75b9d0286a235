"""The allowance when the plan changes, also where the change was under way as a credit month ended.

What was decided is for the month of the change. If Metronome made the change only after the next month began, that one
was granted for the plan before; and what was to be taken may have been taken from it. Then it is made the new plan's.
"""

from tortoise.transactions import in_transaction

from billing.credits import LedgerEntry, change_allowance, match_month
from billing.error_codes import ErrorCode
from billing.periods import Period, credit_month_at, midnight
from models import Operation
from operations.effects import TOO_LATE, Refusal
from operations.ending import keep
from operations.position import credits_in_metronome, record_usage
from operations.steps.case import Case, settled
from operations.steps.credits import enter_granted, granted_for, post_allowance
from operations.steps.payment_methods import warn
from operations.terms import Frozen, entry_json, entry_of
from operations.tools import Tools


async def move_allowance(case: Case, terms: Frozen, tools: Tools) -> None:
    contract_id = settled(case.operation.result.get("contract_id"))
    month = credit_month_at(case.subscription.credit_anchor, terms.on)
    refusal = await post_allowance(
        case, terms.credit_entries, tools, step="metronome_credits", month=month, contract_id=contract_id
    )
    if tools.now() >= midnight(month.end):
        refusal = await _match_this_month(case, terms, tools, contract_id=contract_id)
    elif refusal is not None:
        refusal = await _move_what_is_left(case, terms, month, tools, contract_id=contract_id)
    if refusal is not None and refusal.code != TOO_LATE and not case.operation.warnings:
        message = f"The allowance was not changed, metronome refused: {refusal.message}"
        async with in_transaction():
            await warn(case.operation.id, ErrorCode.PROVIDER_REJECTED, message, field="tier")


async def _move_what_is_left(
    case: Case, terms: Frozen, month: Period, tools: Tools, *, contract_id: str
) -> Refusal | None:
    """Credits were spent meanwhile: as much is taken back as is still there."""
    left, again = await credits_in_metronome(case.customer, tools), f"{case.operation.id}:again"
    async with in_transaction():
        entries = await record_usage(case.customer, left, operation_id=again, at=tools.now())
    changes = change_allowance(
        entries,
        owner=case.customer.id,
        old=case.subscription.plan,
        new=terms.new,
        month=month,
        at=tools.now(),
        key=f"operation:{again}",
    )
    return await post_allowance(
        case, changes, tools, step="metronome_credits_again", month=month, contract_id=contract_id
    )


async def _match_this_month(case: Case, terms: Frozen, tools: Tools, *, contract_id: str) -> Refusal | None:
    month = credit_month_at(case.subscription.credit_anchor, tools.now().date())
    granted = await granted_for(month, case, tools, contract_id=contract_id)
    if granted is None:
        return None
    async with in_transaction():
        await enter_granted(granted, month, case)
    changes = await _decide(case, terms, month, tools)
    return await post_allowance(
        case, changes, tools, step="metronome_credits_month", month=month, contract_id=contract_id
    )


async def _decide(case: Case, terms: Frozen, month: Period, tools: Tools) -> tuple[LedgerEntry, ...]:
    """Once: after the call, what it took would look spent."""
    left = await credits_in_metronome(case.customer, tools)
    async with in_transaction():
        operation = await Operation.filter(id=case.operation.id).select_for_update().get()
        if (decided := operation.result.get("month_entries")) is not None:
            return tuple(entry_of(entry) for entry in decided)
        entries = await record_usage(case.customer, left, operation_id=f"{operation.id}:month", at=tools.now())
        changes = match_month(
            entries, owner=case.customer.id, plan=terms.new, month=month, key=f"operation:{operation.id}:month"
        )
        await keep(operation.id, month_entries=[entry_json(entry) for entry in changes])
        return changes
