"""Operations that wait for their payer: taken up when the payer has acted, when asked to, and when time is over."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime

from tortoise.exceptions import IntegrityError
from tortoise.transactions import in_transaction

from access import audit
from access.audit import About
from billing.errors import OperationNotFound, OperationNotResumable, ProviderRejected, ProviderUnavailable
from integrations.errors import Rejected, Unavailable
from models import UNDECIDED, AuditOutcome, Customer, Operation, OperationStatus, Payment
from operations.ending import unpark
from operations.engine import MAX_TAKEOVERS, Engine
from operations.idempotency import answered_by, check_key, input_hash, remember
from operations.resuming import resume
from operations.steps.case import settled
from operations.steps.payments import record_intent
from operations.tools import Tools

BATCH = 100


async def resume_operation(
    operation_id: str, *, idempotency_key: str | None, engine: Engine, tools: Tools, wait_seconds: float
) -> str:
    """Look again at what an operation waits for; one that runs is nudged, should nothing run it.

    A key that was used before does not look a second time.
    """
    check_key(idempotency_key)
    hashed = input_hash("RESUME", {"operation_id": operation_id})
    if await answered_by(idempotency_key, hashed):
        return operation_id
    operation = await _resumable(operation_id)
    goes_on = await _can_go_on(operation, tools)
    await _audit(operation, tools, goes_on=goes_on)
    if goes_on:
        await _go_on(operation, engine, tools)
    try:
        await remember(idempotency_key, operation_id, hashed, tools.now())
    except IntegrityError:  # the same key, a moment earlier
        await answered_by(idempotency_key, hashed)
    await engine.wait(operation_id, seconds=wait_seconds)
    return operation_id


async def ask_to_resume(operation_id: str, tools: Tools) -> OperationStatus:
    """The same for who has no engine: what is RUNNING then, the sweep of a running service takes up."""
    operation = await _resumable(operation_id)
    goes_on = await _can_go_on(operation, tools)
    await _audit(operation, tools, goes_on=goes_on)
    if not goes_on:
        return OperationStatus.REQUIRES_ACTION
    if operation.status is OperationStatus.RUNNING:
        await Operation.filter(id=operation_id).update(takeovers=0)
    else:
        await unpark(operation_id, at=tools.now())
    return OperationStatus.RUNNING


async def _resumable(operation_id: str) -> Operation:
    operation = await Operation.get_or_none(id=operation_id)
    if operation is None:
        raise OperationNotFound(operation_id)
    if operation.status not in (OperationStatus.RUNNING, OperationStatus.REQUIRES_ACTION):
        raise OperationNotResumable(operation_id, operation.status)
    return operation


async def _audit(operation: Operation, tools: Tools, *, goes_on: bool) -> None:
    """That somebody asked, once nothing can refuse it any more; how the operation ends has an entry of its own."""
    customer = await Customer.get(id=operation.customer_id)
    await audit.record(
        "resumeOperation",
        AuditOutcome.SUCCEEDED,
        at=tools.now(),
        about=About(customer.id, customer.entity_id, operation.id),
        before={"status": operation.status},
        after={"status": OperationStatus.RUNNING if goes_on else operation.status},
    )


async def take_up(operation: Operation, engine: Engine, tools: Tools) -> None:
    """Read the payment again at Stripe, and go on when the payer has acted. Raises `ProviderUnavailable`."""
    if await _can_go_on(operation, tools):
        await _go_on(operation, engine, tools)


async def _can_go_on(operation: Operation, tools: Tools) -> bool:
    return operation.status is OperationStatus.RUNNING or await _payer_is_done(operation, tools)


async def _go_on(operation: Operation, engine: Engine, tools: Tools) -> None:
    if operation.status is not OperationStatus.RUNNING:
        await resume(operation.id, engine, tools.now)
    elif operation.takeovers > MAX_TAKEOVERS:  # given up, and somebody has looked at it
        await engine.start_over(operation.id)
    else:
        await engine.run(operation.id, operation.kind, leg=operation.leg)


async def _payer_is_done(operation: Operation, tools: Tools) -> bool:
    """Whether they have acted, or their time is up. The payment is read again at Stripe first."""
    payment = await _undecided_payment(operation)
    if payment is not None:
        await _read_again(payment, tools)
    return await _is_to_go_on(operation, tools.now())


async def _read_again(payment: Payment, tools: Tools) -> None:
    try:
        intent = await tools.stripe.get_payment_intent(payment_intent_id=settled(payment.stripe_payment_intent_id))
    except Unavailable as problem:
        raise ProviderUnavailable(problem.provider) from problem
    except Rejected as problem:
        raise ProviderRejected(problem.provider, problem.message) from problem
    async with in_transaction():
        await record_intent(payment.id, intent, tools.now())


async def expire_parked(engine: Engine, now: Callable[[], datetime]) -> int:
    """Take up what has waited long enough, and what needs to wait no longer. Returns how many.

    An operation that was taken up after its time cancels its payment at Stripe, or finds that it succeeded after all.
    """
    taken_up = 0
    async for operation in _parked():
        if await _is_to_go_on(operation, now()):
            taken_up += await resume(operation.id, engine, now)
    return taken_up


async def _parked() -> AsyncIterator[Operation]:
    after = ""
    parked = Operation.filter(status=OperationStatus.REQUIRES_ACTION)
    while operations := await parked.filter(id__gt=after).order_by("id").limit(BATCH):
        for operation in operations:
            yield operation
        after = operations[-1].id


async def _is_to_go_on(operation: Operation, at: datetime) -> bool:
    expires_at: datetime | None = operation.action_expires_at
    return (expires_at is not None and expires_at <= at) or await _undecided_payment(operation) is None


async def _undecided_payment(operation: Operation) -> Payment | None:
    return await Payment.filter(
        customer_id=operation.customer_id, operation_id=operation.id, status__in=UNDECIDED
    ).first()
