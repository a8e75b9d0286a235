from enum import Enum

import strawberry
from tortoise.expressions import Q, Subquery

import models
from access.callers import Caller
from resolvers.pages import NEWEST_BY_CREATION, Order, one, page, searchable
from schema.context import Info
from schema.types.arguments import EntityId
from schema.types.connection import After, Connection, First
from schema.types.customer import Customer
from schema.types.enums import EntityType, SubscriptionStatus, Tier


@strawberry.enum(description="In which order customers are listed.")
class CustomerOrder(Enum):
    NEWEST = strawberry.enum_value("NEWEST", description="Onboarded last first.")
    OLDEST = strawberry.enum_value("OLDEST", description="Onboarded first first.")
    NAME = strawberry.enum_value("NAME", description="By name, by the bytes of its characters.")


_ORDERS = {
    CustomerOrder.NEWEST: NEWEST_BY_CREATION,
    CustomerOrder.OLDEST: Order("created_at", descending=False),
    CustomerOrder.NAME: Order("name", descending=False, of=str),
}


@strawberry.input(description="All that is given must hold.")
class CustomerFilter:
    tier: Tier | None = strawberry.field(default=None, description="Of the live subscription, or the last that was.")
    status: SubscriptionStatus | None = strawberry.field(default=None, description="Of the same subscription.")
    type: EntityType | None = None
    has_drift: bool | None = strawberry.field(
        default=None, description="Whether a provider holds something else of the customer than we do."
    )
    text: str | None = strawberry.field(
        default=None,
        description="Part of the entity id, the name or the e-mail, in upper or lower case; at most 128 characters.",
    )


async def customer(info: Info, entity_id: EntityId) -> Customer | None:
    query = models.Customer.filter(
        entity_id=searchable(entity_id), subscriptions__is_current=True, **info.context.caller.only("id")
    )
    row = await one(query, Customer.COLUMNS)
    return Customer.from_row(row) if row else None


async def customers(
    info: Info,
    first: First = 20,
    after: After = None,
    filter: CustomerFilter | None = None,  # noqa: A002  its name in the schema
    order_by: CustomerOrder = CustomerOrder.NEWEST,
) -> Connection[Customer]:
    return await list_customers(info.context.caller, first=first, after=after, filter=filter, order_by=order_by)


async def list_customers(
    caller: Caller,
    *,
    first: int,
    after: str | None,
    filter: CustomerFilter | None = None,  # noqa: A002  its name in the schema
    order_by: CustomerOrder = CustomerOrder.NEWEST,
) -> Connection[Customer]:
    query = models.Customer.filter(
        *_conditions(filter or CustomerFilter()), subscriptions__is_current=True, **caller.only("id")
    )
    return await page(query, Customer, first=first, after=after, order=_ORDERS[order_by])


def _conditions(wanted: CustomerFilter) -> list[Q]:
    conditions = []
    if wanted.tier is not None:
        conditions.append(Q(subscriptions__tier=wanted.tier))
    if wanted.status is not None:
        conditions.append(Q(subscriptions__status=wanted.status))
    if wanted.type is not None:
        conditions.append(Q(entity_type=wanted.type))
    if wanted.has_drift is not None:
        drifting = Q(id__in=Subquery(models.CustomerDrift.all().values("customer_id")))
        conditions.append(drifting if wanted.has_drift else ~drifting)
    if text := searchable(wanted.text or "").strip():
        conditions.append(Q(entity_id__icontains=text) | Q(name__icontains=text) | Q(email__icontains=text))
    return conditions
