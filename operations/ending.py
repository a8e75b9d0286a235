"""How an operation ends, or waits. Each is one guarded write: who comes second changes nothing."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from tortoise.transactions import in_transaction

from billing.errors import BillingError
from models import Customer, Operation, OperationStatus
from operations.activity import record
from operations.auditing import audit_ended


async def succeed(operation_id: str, *, at: datetime, result: Mapping[str, object] | None = None) -> bool:
    """Called in the transaction that writes what the operation came to. False: it had ended before, write nothing."""
    operation = await Operation.filter(id=operation_id).select_for_update().get()
    if operation.status is not OperationStatus.RUNNING:
        return False
    operation.status = OperationStatus.SUCCEEDED
    operation.result = {**operation.result, **(result or {})}
    await _close(operation, at)
    return True


async def fail(operation_id: str, error: BillingError, *, at: datetime) -> bool:
    """Called in the transaction that takes back what the operation had prepared. False: it had ended before."""
    operation = await Operation.filter(id=operation_id).select_for_update().get()
    if operation.status is not OperationStatus.RUNNING:
        return False
    operation.status = OperationStatus.FAILED
    operation.error_code = error.code.value
    operation.error_message = str(error)[:1000]
    operation.error_field = error.field
    await _close(operation, at)
    return True


async def _close(operation: Operation, at: datetime) -> None:
    operation.last_problem = None
    operation.action_expires_at = None
    operation.updated_at = operation.finished_at = at
    await operation.save()
    await record(
        f"operation.{operation.status.lower()}",
        f"{operation.kind.replace('_', ' ').capitalize()} {operation.status.lower()}",
        at=at,
        customer=await Customer.get(id=operation.customer_id),
        operation_id=operation.id,
        data={"error": operation.error_code} if operation.error_code else None,
    )
    await audit_ended(operation.id)


async def park(operation_id: str, *, at: datetime, patience: timedelta) -> None:
    """Wait for the payer: the operation keeps the customer to itself, and is taken up by the payment's outcome."""
    async with in_transaction():
        operation = await Operation.filter(id=operation_id).select_for_update().get()
        if operation.status is not OperationStatus.RUNNING:
            return
        operation.status = OperationStatus.REQUIRES_ACTION
        operation.action_expires_at = _deadline(operation, at, patience)
        operation.updated_at = at
        await operation.save()
        await record(
            "operation.requires_action",
            "Waiting for the payer to confirm the payment",
            at=at,
            customer=await Customer.get(id=operation.customer_id),
            operation_id=operation.id,
        )


def _deadline(operation: Operation, at: datetime, patience: timedelta) -> datetime:
    """One that has passed without an outcome is followed by another, or it would be taken up without end."""
    set_before: datetime | None = operation.action_expires_at
    return set_before if set_before is not None and set_before > at else at + patience


async def unpark(operation_id: str, *, at: datetime) -> Operation | None:
    """Back to running, for one more leg; None when it does not wait. The caller then starts it with the engine."""
    async with in_transaction():
        operation = await Operation.filter(id=operation_id).select_for_update().get()
        if operation.status is not OperationStatus.REQUIRES_ACTION:
            return None
        operation.status = OperationStatus.RUNNING
        operation.leg += 1
        operation.updated_at = at
        await operation.save()
        await record(
            "operation.resumed",
            f"{operation.kind.replace('_', ' ').capitalize()} goes on",
            at=at,
            customer=await Customer.get(id=operation.customer_id),
            operation_id=operation.id,
        )
        return operation


async def keep(operation_id: str, **found: object) -> None:
    """Write down what a step found or made, for later steps and for the answer. Called in the step's transaction."""
    operation = await Operation.filter(id=operation_id).select_for_update().get()
    operation.result = {**operation.result, **found}
    await operation.save(update_fields=["result"])
