"""What a customer owes of credits comes off an allowance that the engine has granted."""

from datetime import date

import structlog
from tortoise.transactions import in_transaction

from billing.credits import EntryKind, LedgerEntry, allowance_key, collect_owed
from billing.periods import Period, credit_month_at
from models import Operation
from operations.ending import keep
from operations.engine import Next
from operations.position import credits_in_metronome, record_usage
from operations.steps.case import Case
from operations.steps.credits import post_allowance
from operations.tools import Tools

log = structlog.get_logger()


async def collect_owed_credits(operation_id: str, tools: Tools) -> Next:
    """For a renewal that was called for by such an allowance. What Metronome refuses stays owed."""
    case = await Case.load(operation_id)
    granted_on = case.operation.input.get("granted_on")
    if granted_on is None:
        return Next.CONTINUE
    month = credit_month_at(case.subscription.credit_anchor, date.fromisoformat(granted_on))
    amount = await _amount(case, month, tools)
    key, at = f"operation:{operation_id}:owed", case.operation.created_at
    taken = (
        LedgerEntry(-amount, EntryKind.ADJUSTMENT, at, key, allowance_key(case.customer.id, month)) if amount else None
    )
    if taken and (refusal := await post_allowance(case, (taken,), tools, step="metronome_credits", month=month)):
        log.error("credits.still_owed", customer=case.customer.id, owed=amount, code=refusal.code)
    return Next.CONTINUE


async def _amount(case: Case, month: Period, tools: Tools) -> int:
    """Decided once: after the call, what it took would look spent."""
    left = await credits_in_metronome(case.customer, tools)
    async with in_transaction():
        operation = await Operation.filter(id=case.operation.id).select_for_update().get()
        if "owed_credits" in operation.result:
            return int(operation.result["owed_credits"])
        entries = await record_usage(case.customer, left, operation_id=operation.id, at=tools.now())
        taken = collect_owed(
            entries,
            owner=case.customer.id,
            plan=case.subscription.plan,
            month=month,
            at=operation.created_at,
            key=f"operation:{operation.id}",
        )
        amount = -sum(entry.amount for entry in taken)
        await keep(operation.id, owed_credits=amount)
        return amount
