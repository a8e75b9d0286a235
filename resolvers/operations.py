from datetime import datetime, timedelta
from typing import Annotated

import strawberry
from tortoise.expressions import Q

import models
from models.ids import ID_LENGTH
from resolvers.pages import one, page, searchable
from schema.context import Info
from schema.types.connection import After, Connection, First
from schema.types.enums import OperationKind, OperationStatus
from schema.types.operation import Operation

STANDS_STILL_AFTER = timedelta(minutes=1)

OperationId = Annotated[strawberry.ID, strawberry.argument(description="As an answer or a list names it.")]


@strawberry.input(description="All that is given must hold.")
class OperationFilter:
    entity_id: str | None = strawberry.field(default=None, description="Of one customer, by your own id.")
    kind: OperationKind | None = None
    status: OperationStatus | None = None
    stuck: bool = strawberry.field(
        default=False, description="Only RUNNING ones that a provider keeps waiting, or that stand still."
    )


async def operation(info: Info, id: OperationId) -> Operation | None:  # noqa: A002  its name in the schema
    query = models.Operation.filter(id=searchable(id, longest=ID_LENGTH), **info.context.caller.only("customer_id"))
    row = await one(query, Operation.COLUMNS)
    return Operation.from_row(row) if row else None


async def operations(
    info: Info,
    first: First = 20,
    after: After = None,
    filter: OperationFilter | None = None,  # noqa: A002  its name in the schema
) -> Connection[Operation]:
    query = models.Operation.filter(**info.context.caller.only("customer_id"))
    if filter and filter.entity_id is not None:
        query = query.filter(customer__entity_id=searchable(filter.entity_id))
    if filter and filter.kind is not None:
        query = query.filter(kind=filter.kind)
    if filter and filter.status is not None:
        query = query.filter(status=filter.status)
    if filter and filter.stuck:
        query = query.filter(stuck(info.context.now()))
    return await page(query, Operation, first=first, after=after)


def stuck(now: datetime) -> Q:
    """Still running though a provider refused or did not answer, or though nothing happened for a while."""
    waits = Q(last_problem__not_isnull=True) | Q(updated_at__lt=now - STANDS_STILL_AFTER)
    return Q(status=OperationStatus.RUNNING) & waits
