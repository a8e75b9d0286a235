"""changeTier at the period end: decided as one that is made at once, and noted until the contract ends (`end`)."""

from collections.abc import Mapping

from tortoise.transactions import in_transaction

from models import Subscription
from operations.activity import record
from operations.ending import fail, succeed
from operations.engine import Next, Step
from operations.position import why_not
from operations.steps.case import Case
from operations.steps.contracts import set_end
from operations.terms import Frozen
from operations.tools import Tools

NOTHING_SCHEDULED: Mapping[str, None] = {
    "scheduled_tier": None,
    "scheduled_billing_period": None,
    "scheduled_price_minor": None,
    "scheduled_credits_per_month": None,
}


async def end_old_contract(operation_id: str, tools: Tools) -> Next:
    """The contract will not renew, so that another can follow it."""
    case = await Case.load(operation_id)
    refusal = await set_end(case, tools, end=case.subscription.period_end)
    if refusal is None:
        return Next.CONTINUE
    async with in_transaction():
        await fail(operation_id, why_not(refusal, case.customer.entity_id), at=tools.now())
    return Next.STOP


async def write_schedule(operation_id: str, tools: Tools) -> Next:
    at = tools.now()
    async with in_transaction():
        case = await Case.load(operation_id)
        terms = Frozen.of(case.operation.input)
        if await succeed(operation_id, at=at):
            await Subscription.filter(id=case.subscription.id).update(
                scheduled_tier=terms.new.tier,
                scheduled_billing_period=terms.new.billing_period,
                scheduled_price_minor=terms.new.price.minor_units,
                scheduled_credits_per_month=terms.new.credits_per_month,
                updated_at=at,
            )
            await record(
                "subscription.change_scheduled",
                f"{terms.new.tier} {terms.new.billing_period} from {terms.on}",
                at=at,
                customer=case.customer,
                operation_id=operation_id,
            )
    return Next.CONTINUE


STEPS: tuple[Step, ...] = (end_old_contract, write_schedule)
