from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Self

import strawberry

from schema.context import Info
from schema.types.enums import BillingPeriod, SubscriptionStatus, Tier
from schema.types.money import Money
from schema.types.scalars import BigInt

if TYPE_CHECKING:
    from schema.types.customer import Customer
    from schema.types.invoice import Invoice


@strawberry.type(description="Half-open: `start` belongs to it, `end` does not. Cut at UTC midnight.")
class Period:
    start: date
    end: date


@strawberry.type(description="What takes over at the end of the current period.")
class ScheduledChange:
    tier: Tier
    billing_period: BillingPeriod
    price: Money = strawberry.field(description="For one billing period.")
    credits_per_month: BigInt
    effective_on: date


@strawberry.type(description="One customer on one plan.")
class Subscription:
    id: strawberry.ID
    status: SubscriptionStatus
    tier: Tier
    billing_period: BillingPeriod
    price: Money = strawberry.field(description="For one billing period.")
    credits_per_month: BigInt = strawberry.field(
        description="The allowance, released at the start of each credit month."
    )
    anchor: date = strawberry.field(description="Every boundary is counted from this day.")
    current_period: Period
    cancel_at_period_end: bool = strawberry.field(description="Whether it ends with the current period.")
    scheduled_change: ScheduledChange | None = strawberry.field(description="Null when it renews as it is.")
    metronome_contract_id: str | None = strawberry.field(description="Null until it exists there.")
    started_at: datetime | None = strawberry.field(description="When it became live; null while it is PENDING.")
    ended_at: datetime | None = strawberry.field(description="Null while it is live.")
    created_at: datetime
    customer_id: strawberry.Private[str]

    @strawberry.field(description="Whose it is.")
    async def customer(self, info: Info) -> Annotated["Customer", strawberry.lazy("schema.types.customer")]:
        return await info.context.loaders.customers.load(self.customer_id)

    @strawberry.field(description="What is still to be collected for it, the oldest first.")
    async def unpaid_invoices(self, info: Info) -> list[Annotated["Invoice", strawberry.lazy("schema.types.invoice")]]:
        return await info.context.loaders.unpaid_invoices.load(self.id)

    COLUMNS = (
        "id",
        "customer_id",
        "created_at",
        "status",
        "tier",
        "billing_period",
        "price_minor",
        "currency",
        "credits_per_month",
        "anchor",
        "period_start",
        "period_end",
        "metronome_contract_id",
        "started_at",
        "ended_at",
        "cancel_at_period_end",
        "scheduled_tier",
        "scheduled_billing_period",
        "scheduled_price_minor",
        "scheduled_credits_per_month",
    )

    @classmethod
    def from_row(cls, row: tuple[Any, ...]) -> Self:
        (
            id_, customer_id, created_at, status, tier, billing_period, price_minor, currency, credits_per_month,
            anchor, start, end, contract_id, started_at, ended_at, cancel_at_period_end, *scheduled,
        ) = row  # fmt: skip
        return cls(
            id=id_,
            customer_id=customer_id,
            created_at=created_at,
            status=status,
            tier=tier,
            billing_period=billing_period,
            price=Money.of(price_minor, currency),
            credits_per_month=credits_per_month,
            anchor=anchor,
            current_period=Period(start=start, end=end),
            cancel_at_period_end=bool(cancel_at_period_end),
            scheduled_change=_scheduled(scheduled, currency, effective_on=end),
            metronome_contract_id=contract_id,
            started_at=started_at,
            ended_at=ended_at,
        )


def _scheduled(columns: list[Any], currency: str, *, effective_on: date) -> ScheduledChange | None:
    tier, billing_period, price_minor, credits_per_month = columns
    if tier is None:
        return None
    return ScheduledChange(
        tier=tier,
        billing_period=billing_period,
        price=Money.of(price_minor, currency),
        credits_per_month=credits_per_month,
        effective_on=effective_on,
    )
