"""Invoices that Metronome refused, tried again when their time has come."""

from collections.abc import Callable
from datetime import datetime

import structlog
from tortoise.transactions import in_transaction

from billing.errors import CustomerBusy
from models import Customer, Operation, Subscription
from operations.crashpoints import crashpoint
from operations.engine import Engine
from operations.renew import follow
from operations.steps.owed import owed_invoices

log = structlog.get_logger()


async def issue_what_is_owed(engine: Engine, now: Callable[[], datetime]) -> int:
    """Accept a renewal, which begins with what is owed, for each customer whose try is due. Returns how many."""
    due = await owed_invoices(next_attempt_at__lte=now()).values_list("customer_id", flat=True)
    started = 0
    for customer_id in dict.fromkeys(due):
        try:
            started += await _try_again(str(customer_id), engine, now())
        except Exception:  # one that cannot be tried must not keep all behind it from it
            log.exception("invoice.not_issued_again", customer=customer_id)
    return started


async def _try_again(customer_id: str, engine: Engine, at: datetime) -> bool:
    try:
        operation = await _accept(customer_id, at)
    except CustomerBusy:  # the next round
        return False
    if operation is None:
        return False
    crashpoint("renew.accepted")
    await engine.run(operation.id, operation.kind)
    return True


async def _accept(customer_id: str, at: datetime) -> Operation | None:
    """None: another worker was faster, or there is no contract that a renewal could follow."""
    async with in_transaction():
        await Customer.filter(id=customer_id).select_for_update().get()
        contract = Subscription.filter(customer_id=customer_id, is_current=True, metronome_contract_id__not_isnull=True)
        due = owed_invoices(customer_id=customer_id, next_attempt_at__lte=at)
        return await follow(customer_id, at=at) if await due.exists() and await contract.exists() else None
