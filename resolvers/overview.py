"""The business at a glance: one grouped statement for each noun, whatever there is."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tortoise.expressions import Q
from tortoise.functions import Count, Sum

import models
from billing.invoices import PAYABLE, InvoiceStatus
from billing.lifecycle import LIVE, SubscriptionStatus
from billing.money import Money as Amount
from billing.revenue import monthly_revenue
from billing.tiers import BillingPeriod, Tier
from models import OperationKind, OperationStatus, PaymentStatus, WebhookEventState
from resolvers.operations import stuck
from schema.context import Info
from schema.types.money import Money
from schema.types.overview import (
    InvoiceTotals,
    OperationCounts,
    Overview,
    Station,
    StationName,
    TierCount,
    WebhookCounts,
)
from schema.types.scalars import BigInt

A_DAY = timedelta(days=1)
OF_CONTRACTS = frozenset(OperationKind) - {
    OperationKind.ONBOARD,
    OperationKind.COLLECT,
    OperationKind.SETTLE_PAYMENT,
    OperationKind.REFUND,
    OperationKind.GRANT_CREDITS,
}


@dataclass(frozen=True, slots=True)
class _Plans:
    """The current subscriptions that are alike."""

    tier: Tier
    status: SubscriptionStatus
    billing_period: BillingPeriod
    currency: str
    count: int
    price_minor: int
    scheduled: int

    @property
    def live(self) -> bool:
        return self.status in LIVE


@dataclass(frozen=True, slots=True)
class _Unpaid:
    """The invoices that can still be paid, of one currency."""

    currency: str
    count: int
    due_minor: int
    late: int
    late_minor: int


@dataclass(frozen=True, slots=True)
class _Operations:
    running: Counter[OperationKind]
    stuck: Counter[OperationKind]
    waiting: Counter[OperationKind]
    failed: Counter[OperationKind]


async def overview(info: Info) -> Overview:
    now = info.context.now()
    plans, unpaid, operations = await _plans(), await _unpaid(now), await _operations(now)
    invoices, payments, events = await _invoices(), await _payments(), await _events()
    return Overview(
        at=now,
        customers=sum(plan.count for plan in plans),
        tiers=_tiers(plans),
        monthly_recurring_revenue=_revenue(plans),
        open_invoices=_totals((each.currency, each.count, each.due_minor) for each in unpaid),
        past_due_invoices=_totals((each.currency, each.late, each.late_minor) for each in unpaid),
        scheduled_changes=sum(plan.scheduled for plan in plans),
        webhooks=WebhookCounts(
            waiting=events[WebhookEventState.PENDING],
            parked=events[WebhookEventState.PARKED],
            dead=events[WebhookEventState.DEAD],
        ),
        operations=OperationCounts(
            running=operations.running.total(),
            stuck=operations.stuck.total(),
            requires_action=operations.waiting.total(),
            failed_last_day=operations.failed.total(),
        ),
        stations=[
            _onboarding(plans, operations),
            _contract(plans, operations),
            _credits(await _credits_held(), operations),
            _invoice(invoices),
            _payment(payments, late_invoices=sum(each.late for each in unpaid)),
            _webhooks(events),
        ],
    )


async def _plans() -> list[_Plans]:
    by = ("tier", "status", "billing_period", "currency")
    query = models.Subscription.filter(is_current=True).annotate(
        count=Count("id"), price=Sum("price_minor"), scheduled=Count("id", _filter=Q(scheduled_tier__not_isnull=True))
    )
    return [_Plans(*row) for row in await query.group_by(*by).values_list(*by, "count", "price", "scheduled")]


async def _unpaid(now: datetime) -> list[_Unpaid]:
    late = Q(failed_attempts__gt=0) | Q(due_date__lt=now.date())
    query = models.Invoice.filter(status__in=list(PAYABLE)).annotate(
        count=Count("id"),
        due=Sum("due_minor"),
        late=Count("id", _filter=late),
        late_due=Sum("due_minor", _filter=late),
    )
    rows = await query.group_by("currency").values_list("currency", "count", "due", "late", "late_due")
    return [
        _Unpaid(currency, count, int(due), tardy, int(tardy_due or 0))
        for currency, count, due, tardy, tardy_due in rows
    ]


async def _operations(now: datetime) -> _Operations:
    query = models.Operation.filter(
        Q(status__in=[OperationStatus.RUNNING, OperationStatus.REQUIRES_ACTION])
        | Q(status=OperationStatus.FAILED, updated_at__gt=now - A_DAY)
    ).annotate(count=Count("id"), stuck=Count("id", _filter=stuck(now)))
    rows = await query.group_by("status", "kind").values_list("status", "kind", "count", "stuck")
    found: dict[OperationStatus, Counter[OperationKind]] = defaultdict(Counter)
    standing: Counter[OperationKind] = Counter()
    for status, kind, count, still in rows:
        found[status][kind] = count
        standing[kind] += still
    return _Operations(
        running=found[OperationStatus.RUNNING],
        stuck=standing,
        waiting=found[OperationStatus.REQUIRES_ACTION],
        failed=found[OperationStatus.FAILED],
    )


async def _invoices() -> Counter[InvoiceStatus]:
    return await _counted(models.Invoice.all(), "status")


async def _payments() -> Counter[PaymentStatus]:
    return await _counted(models.Payment.all(), "status")


async def _events() -> Counter[WebhookEventState]:
    return await _counted(models.WebhookEvent.all(), "state")


async def _counted(query: Any, column: str) -> Counter[Any]:
    """Counts the column itself: all that is asked for then stands in its index."""
    rows = await query.annotate(count=Count(column)).group_by(column).values_list(column, "count")
    return Counter(dict(rows))


async def _credits_held() -> int:
    rows = await models.Customer.annotate(held=Sum("credit_balance")).values_list("held")
    return int(rows[0][0] or 0)


def _tiers(plans: list[_Plans]) -> list[TierCount]:
    live: Counter[Tier] = Counter()
    late: Counter[Tier] = Counter()
    for plan in plans:
        live[plan.tier] += plan.count if plan.live else 0
        late[plan.tier] += plan.count if plan.status is SubscriptionStatus.PAST_DUE else 0
    return [TierCount(tier=tier, customers=live[tier], past_due=late[tier]) for tier in Tier]


def _revenue(plans: list[_Plans]) -> list[Money]:
    prices = [(plan.billing_period, Amount(int(plan.price_minor), plan.currency)) for plan in plans if plan.live]
    return [Money.of(total.minor_units, total.currency) for total in monthly_revenue(prices)]


def _totals(rows: Iterable[tuple[str, int, int]]) -> InvoiceTotals:
    invoices, due = 0, Counter[str]()
    for currency, count, due_minor in rows:
        invoices += count
        due[currency] += due_minor
    return InvoiceTotals(invoices=invoices, due=[Money.of(due[currency], currency) for currency in sorted(due)])


def _onboarding(plans: list[_Plans], operations: _Operations) -> Station:
    kind = OperationKind.ONBOARD
    return Station(
        name=StationName.ONBOARDING,
        settled=BigInt(sum(plan.count for plan in plans if plan.status is not SubscriptionStatus.PENDING)),
        moving=operations.running[kind] - operations.stuck[kind],
        troubled=operations.stuck[kind] + operations.failed[kind],
    )


def _contract(plans: list[_Plans], operations: _Operations) -> Station:
    def of_contracts(counts: Counter[OperationKind]) -> int:
        return sum(counts[kind] for kind in OF_CONTRACTS)

    return Station(
        name=StationName.CONTRACT,
        settled=BigInt(sum(plan.count for plan in plans if plan.live)),
        moving=of_contracts(operations.running) - of_contracts(operations.stuck),
        troubled=of_contracts(operations.stuck) + of_contracts(operations.failed),
    )


def _credits(held: int, operations: _Operations) -> Station:
    kind = OperationKind.GRANT_CREDITS
    return Station(
        name=StationName.CREDITS,
        settled=BigInt(held),
        moving=operations.running[kind] - operations.stuck[kind],
        troubled=operations.stuck[kind] + operations.failed[kind],
    )


def _invoice(invoices: Counter[InvoiceStatus]) -> Station:
    return Station(
        name=StationName.INVOICE,
        settled=BigInt(invoices[InvoiceStatus.PAID]),
        moving=invoices[InvoiceStatus.OPEN],
        troubled=invoices[InvoiceStatus.UNCOLLECTIBLE],
    )


def _payment(payments: Counter[PaymentStatus], *, late_invoices: int) -> Station:
    return Station(
        name=StationName.PAYMENT,
        settled=BigInt(payments[PaymentStatus.SUCCEEDED]),
        moving=payments[PaymentStatus.PROCESSING],
        troubled=payments[PaymentStatus.REQUIRES_ACTION] + late_invoices,
    )


def _webhooks(events: Counter[WebhookEventState]) -> Station:
    return Station(
        name=StationName.WEBHOOKS,
        settled=BigInt(events[WebhookEventState.DONE] + events[WebhookEventState.IGNORED]),
        moving=events[WebhookEventState.PENDING],
        troubled=events[WebhookEventState.PARKED] + events[WebhookEventState.DEAD],
    )
