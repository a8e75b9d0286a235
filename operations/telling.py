"""What an operator is told of an operation: ids on every line, its trace, how it ended. Nothing depends on it."""

import contextlib
from dataclasses import dataclass

import structlog

from models import Operation, OperationStatus
from telemetry.metrics import operation_seconds, operations_ended

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class About:
    operation_id: str
    customer_id: str | None = None
    trace_parent: str | None = None

    def bound(self) -> contextlib.AbstractContextManager[None]:
        """The ids, on every line that is logged inside."""
        ids = {"operation": self.operation_id, "customer": self.customer_id}
        return structlog.contextvars.bound_contextvars(**{name: known for name, known in ids.items() if known})


async def about_operation(operation_id: str) -> About:
    with contextlib.suppress(Exception):  # the database may be away: the steps are what waits for it
        row = await Operation.filter(id=operation_id).first().values_list("customer_id", "trace_parent")
        if row is not None:
            return About(operation_id, *row)
    return About(operation_id)


async def tell_how_it_stands(operation_id: str) -> None:
    """In the log and the metrics: whoever waits for the answer has been told before."""
    with contextlib.suppress(Exception):
        operation = await Operation.get(id=operation_id)
        since = operation.finished_at or operation.updated_at
        seconds = (since - operation.created_at).total_seconds()
        kind, status = operation.kind.value, operation.status
        facts = {
            "operation": operation_id,
            "customer": operation.customer_id,
            "kind": kind,
            "seconds": round(seconds, 3),
        }
        match status:
            case OperationStatus.SUCCEEDED:
                log.info("operation.succeeded", **facts)
            case OperationStatus.FAILED:
                log.warning("operation.failed", **facts, code=operation.error_code)
            case OperationStatus.REQUIRES_ACTION:
                log.info("operation.waits_for_payer", **facts)
            case OperationStatus.RUNNING:
                log.debug("operation.runs_in_another_leg", **facts)
        if status in (OperationStatus.SUCCEEDED, OperationStatus.FAILED):
            operations_ended.labels(kind, status.value, operation.error_code or "").inc()
            operation_seconds.labels(kind).observe(seconds)
