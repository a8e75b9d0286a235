"""What happened, for whoever watches: written in the transaction that makes it happen."""

from collections.abc import Mapping
from datetime import datetime

from models import Activity, Customer


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
    await Activity.create(
        at=at,
        kind=kind,
        customer_id=customer.id,
        entity_id=customer.entity_id,
        operation_id=operation_id,
        summary=summary[:500],
        data=dict(data or {}),
    )
