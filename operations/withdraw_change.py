"""withdrawScheduledChange: the contract renews as it is."""

from collections.abc import Mapping
from typing import Any

from tortoise.transactions import in_transaction

from billing.errors import NoScheduledChange, ProviderRejected
from models import OperationKind, Subscription
from operations.accepting import Request, Standing, undertake
from operations.activity import record
from operations.ending import fail, succeed
from operations.engine import Engine, Next, Step
from operations.position import check_live, check_period
from operations.schedule_change import NOTHING_SCHEDULED
from operations.steps.case import Case
from operations.steps.contracts import set_end
from operations.tools import Tools


async def withdraw_change(
    entity_id: str, *, idempotency_key: str | None, engine: Engine, tools: Tools, wait_seconds: float
) -> str:
    at = tools.now()

    async def decide(standing: Standing) -> Mapping[str, Any]:
        check_live(standing.customer, standing.subscription)
        if standing.subscription.scheduled_plan is None:
            raise NoScheduledChange(entity_id)
        check_period(standing.customer, standing.subscription, at)
        return {}

    request = Request(OperationKind.WITHDRAW_CHANGE, entity_id, {}, idempotency_key)
    return await undertake(request, decide, engine=engine, tools=tools, wait_seconds=wait_seconds)


async def renew_again(operation_id: str, tools: Tools) -> Next:
    refusal = await set_end(await Case.load(operation_id), tools, end=None)
    if refusal is None:
        return Next.CONTINUE
    async with in_transaction():
        await fail(operation_id, ProviderRejected("metronome", refusal.message), at=tools.now())
    return Next.STOP


async def clear_schedule(operation_id: str, tools: Tools) -> Next:
    at = tools.now()
    async with in_transaction():
        case = await Case.load(operation_id)
        if await succeed(operation_id, at=at):
            await Subscription.filter(id=case.subscription.id).update(**NOTHING_SCHEDULED, updated_at=at)
            await record(
                "subscription.change_withdrawn",
                f"Stays on {case.subscription.tier} {case.subscription.billing_period}",
                at=at,
                customer=case.customer,
                operation_id=operation_id,
            )
    return Next.CONTINUE


STEPS: tuple[Step, ...] = (renew_again, clear_schedule)
