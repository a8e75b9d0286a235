"""What happened, for whoever watches: written in the transaction that makes it happen, kept for a while."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from models import Activity, Customer, Operation

PRUNED_AT_ONCE = 1000

# Who in this process wants to know at once. What other processes write is found by looking.
_watchers: set[Callable[[int], None]] = set()


async def record(
    kind: str,
    summary: str,
    *,
    at: datetime,
    customer: Customer,
    operation_id: str | None = None,
    data: Mapping[str, object] | None = None,
) -> None:
    """`summary` is one sentence for a person; no personal data, which lives only on the customer."""
    activity = await Activity.create(
        at=at,
        kind=kind,
        customer_id=customer.id,
        entity_id=customer.entity_id,
        operation_id=operation_id,
        summary=summary[:500],
        data=dict(data or {}),
    )
    for tell in _watchers:
        tell(activity.id)


async def record_accepted(operation: Operation, customer: Customer) -> None:
    """Called in the transaction that writes the operation."""
    await record(
        "operation.accepted",
        f"{operation.kind.replace('_', ' ').capitalize()} accepted",
        at=operation.created_at,
        customer=customer,
        operation_id=operation.id,
    )


async def record_step(
    operation_id: str, *, step: str, attempt: int, at: datetime, refusal_code: str | None = None
) -> None:
    """A change at a provider stands or was refused. Called in the transaction that writes the answer down."""
    name = step.replace("_", " ").capitalize()
    await record(
        "operation.step_done" if refusal_code is None else "operation.step_refused",
        f"{name} done" if refusal_code is None else f"{name} refused: {refusal_code}",
        at=at,
        customer=await Customer.get(operations__id=operation_id),
        operation_id=operation_id,
        data={"step": step, "attempt": attempt},
    )


@contextmanager
def watching(tell: Callable[[int], None]) -> Iterator[None]:
    """`tell` is called with the id of what this process writes: soon after, not before, it is committed."""
    _watchers.add(tell)
    try:
        yield
    finally:
        _watchers.discard(tell)


async def prune_activity(before: datetime) -> int:
    """Delete what is older, from the beginning on and never the newest; returns how many there were.

    Only a beginning may go: a cursor is good as long as nothing after it is gone, and that is told by its id alone.
    """
    pruned = 0
    while ids := await _first_ids(await _first_to_keep(before)):
        pruned += await Activity.filter(id__lte=ids[-1]).delete()
    return pruned


async def _first_to_keep(before: datetime) -> int:
    row = await Activity.filter(at__gte=before).order_by("id").first().values_list("id")
    return row[0] if row else await Activity.newest_id() or 0


async def _first_ids(until: int) -> list[int]:
    rows = await Activity.filter(id__lt=until).order_by("id").limit(PRUNED_AT_ONCE).values_list("id")
    return [row[0] for row in rows]
