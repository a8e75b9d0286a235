from datetime import datetime

import strawberry

import models
from models.ids import ID_LENGTH
from resolvers.pages import Order, page, searchable
from schema.types.audit import AuditEntry
from schema.types.connection import After, Connection, First
from schema.types.enums import ActorKind, AuditOutcome

NEWEST = Order("at", descending=True)


@strawberry.input(description="All that is given must hold.")
class AuditFilter:
    entity_id: str | None = strawberry.field(default=None, description="About one customer, by your own id.")
    operation_id: strawberry.ID | None = None
    action: str | None = strawberry.field(default=None, description="Exactly, as `changeTier`.")
    outcome: AuditOutcome | None = None
    actor: ActorKind | None = None
    key_id: strawberry.ID | None = strawberry.field(
        default=None, description="By one key, its sessions and the customer tokens it minted."
    )
    since: datetime | None = strawberry.field(default=None, description="This instant counts.")
    until: datetime | None = strawberry.field(default=None, description="This instant does not.")


async def audit_log(
    first: First = 20,
    after: After = None,
    filter: AuditFilter | None = None,  # noqa: A002  its name in the schema
) -> Connection[AuditEntry]:
    query = models.AuditEntry.filter(**_conditions(filter or AuditFilter()))
    return await page(query, AuditEntry, first=first, after=after, order=NEWEST)


def _conditions(wanted: AuditFilter) -> dict[str, object]:
    conditions = {
        "entity_id": wanted.entity_id and searchable(wanted.entity_id),
        "operation_id": wanted.operation_id and searchable(wanted.operation_id, longest=ID_LENGTH),
        "action": wanted.action and searchable(wanted.action, longest=64),
        "outcome": wanted.outcome,
        "actor_kind": wanted.actor,
        "key_id": wanted.key_id and searchable(wanted.key_id, longest=ID_LENGTH),
        "at__gte": wanted.since,
        "at__lt": wanted.until,
    }
    return {column: value for column, value in conditions.items() if value is not None}
