from enum import Enum

import strawberry
from tortoise.expressions import Q

import models
from resolvers.pages import NEWEST_BY_CREATION, Order, one, page
from schema.types.connection import Connection
from schema.types.customer import Customer
from schema.types.enums import EntityType, SubscriptionStatus, Tier


@strawberry.enum(description="In which order customers are listed.")
class CustomerOrder(Enum):
    NEWEST = "NEWEST"
    OLDEST = "OLDEST"
    NAME = "NAME"


_ORDERS = {
    CustomerOrder.NEWEST: NEWEST_BY_CREATION,
    CustomerOrder.OLDEST: Order("created_at", descending=False),
    CustomerOrder.NAME: Order("name", descending=False),
}


@strawberry.input(description="All that is given must hold.")
class CustomerFilter:
    tier: Tier | None = None
    status: SubscriptionStatus | None = None
    type: EntityType | None = None
    text: str | None = strawberry.field(default=None, description="Part of the entity id, the name or the e-mail.")


async def customer(entity_id: str) -> Customer | None:
    row = await one(models.Customer.filter(entity_id=entity_id, subscriptions__is_current=True), Customer.COLUMNS)
    return Customer.from_row(row) if row else None


async def customers(
    first: int = 20,
    after: str | None = None,
    filter: CustomerFilter | None = None,  # noqa: A002  its name in the schema
    order_by: CustomerOrder = CustomerOrder.NEWEST,
) -> Connection[Customer]:
    query = models.Customer.filter(subscriptions__is_current=True, *_conditions(filter or CustomerFilter()))
    return await page(query, Customer, first=first, after=after, order=_ORDERS[order_by])


def _conditions(wanted: CustomerFilter) -> list[Q]:
    conditions = []
    if wanted.tier is not None:
        conditions.append(Q(subscriptions__tier=wanted.tier))
    if wanted.status is not None:
        conditions.append(Q(subscriptions__status=wanted.status))
    if wanted.type is not None:
        conditions.append(Q(entity_type=wanted.type))
    if text := (wanted.text or "").strip():
        conditions.append(Q(entity_id__icontains=text) | Q(name__icontains=text) | Q(email__icontains=text))
    return conditions
