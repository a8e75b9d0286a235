from datetime import date
from enum import Enum
from typing import Any

import strawberry
from tortoise.expressions import Q, Subquery
from tortoise.queryset import ValuesListQuery

import models
from access.callers import Caller
from billing.invoices import PAYABLE
from billing.lifecycle import LIVE
from billing.tiers import CATALOGUE
from resolvers.pages import NEWEST_BY_CREATION, Order, one, page, searchable
from schema.context import Info
from schema.types.arguments import EntityId
from schema.types.connection import After, Connection, First
from schema.types.enums import BillingPeriod, SubscriptionStatus, Tier
from schema.types.subscription import Subscription
from schema.types.tier import TierInfo


@strawberry.enum(description="In which order subscriptions are listed.")
class SubscriptionOrder(Enum):
    NEWEST = strawberry.enum_value("NEWEST", description="Begun last first.")
    PERIOD_END = strawberry.enum_value(
        "PERIOD_END", description="By the end of the current period, the earliest first."
    )


_ORDERS = {
    SubscriptionOrder.NEWEST: NEWEST_BY_CREATION,
    SubscriptionOrder.PERIOD_END: Order("period_end", descending=False, of=date),
}


@strawberry.input(description="All that is given must hold.")
class SubscriptionFilter:
    status: SubscriptionStatus | None = None
    tier: Tier | None = None
    billing_period: BillingPeriod | None = None
    live: bool | None = strawberry.field(default=None, description="Whether it is PENDING, ACTIVE or PAST_DUE.")
    scheduled: bool | None = strawberry.field(
        default=None, description="Whether a change of plan, or its end, waits for the period end."
    )
    unpaid: bool | None = strawberry.field(default=None, description="Whether an invoice of it is to be collected.")
    period_ends_before: date | None = None
    entity_id: str | None = strawberry.field(default=None, description="Of one customer, by your own id.")


async def subscription(info: Info, entity_id: EntityId) -> Subscription | None:
    return await find_subscription(info.context.caller, entity_id)


async def find_subscription(caller: Caller, entity_id: str) -> Subscription | None:
    query = models.Subscription.filter(
        customer__entity_id=searchable(entity_id), is_current=True, **caller.only("customer_id")
    )
    row = await one(query, Subscription.COLUMNS)
    return Subscription.from_row(row) if row else None


async def subscriptions(
    info: Info,
    first: First = 20,
    after: After = None,
    filter: SubscriptionFilter | None = None,  # noqa: A002  its name in the schema
    order_by: SubscriptionOrder = SubscriptionOrder.NEWEST,
) -> Connection[Subscription]:
    query = models.Subscription.filter(
        *_conditions(filter or SubscriptionFilter()), **info.context.caller.only("customer_id")
    )
    return await page(query, Subscription, first=first, after=after, order=_ORDERS[order_by])


def tiers() -> list[TierInfo]:
    return [TierInfo.from_entry(entry) for entry in CATALOGUE.entries]


def _conditions(wanted: SubscriptionFilter) -> list[Q]:
    conditions = [Q(**{column: value}) for column, value in _columns(wanted).items() if value is not None]
    if wanted.live is not None:
        conditions.append(_either(Q(status__in=LIVE), holds=wanted.live))
    if wanted.scheduled is not None:
        conditions.append(
            _either(Q(cancel_at_period_end=True) | Q(scheduled_tier__isnull=False), holds=wanted.scheduled)
        )
    if wanted.unpaid is not None:
        conditions.append(_either(Q(id__in=Subquery(_with_unpaid_invoices())), holds=wanted.unpaid))
    return conditions


def _with_unpaid_invoices() -> ValuesListQuery[Any]:
    return models.Invoice.filter(status__in=PAYABLE).values_list("subscription_id", flat=True)


def _columns(wanted: SubscriptionFilter) -> dict[str, Any]:
    return {
        "status": wanted.status,
        "tier": wanted.tier,
        "billing_period": wanted.billing_period,
        "period_end__lt": wanted.period_ends_before,
        "customer__entity_id": None if wanted.entity_id is None else searchable(wanted.entity_id),
    }


def _either(condition: Q, *, holds: bool) -> Q:
    return condition if holds else ~condition
