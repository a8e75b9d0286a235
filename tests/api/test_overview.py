"""The dashboard's figures are the database's, and cost the same few statements whatever there is."""

from datetime import timedelta

import pytest

import models
from billing.invoices import InvoiceStatus
from billing.lifecycle import SubscriptionStatus
from billing.tiers import BillingPeriod, EntityType, Tier
from models import OperationKind, OperationStatus
from tests.api.conftest import TODAY
from tests.api.rows import write_customer, write_history
from tests.service import METRONOME, STRIPE, Service

OVERVIEW = """
{
  overview {
    customers
    tiers { tier customers pastDue }
    monthlyRecurringRevenue { amount currency }
    openInvoices { invoices due { amount } }
    pastDueInvoices { invoices due { amount } }
    scheduledChanges
    webhooks { waiting parked dead }
    operations { running stuck requiresAction failedLastDay }
    stations { name settled moving troubled }
  }
}
"""


async def _plan(entity_id: str, **plan: object) -> models.Customer:
    customer = await write_customer(entity_id)
    await models.Subscription.filter(customer_id=customer.id).update(**plan)
    return customer


async def _unfinished(customer: models.Customer, kind: OperationKind, status: OperationStatus, minutes: int) -> None:
    at = TODAY - timedelta(minutes=minutes)
    await models.Operation.create(
        kind=kind,
        customer_id=customer.id,
        input={},
        input_hash="",
        status=status,
        created_at=at,
        updated_at=at,
    )


@pytest.fixture(scope="module", autouse=True)
async def business(service: Service) -> None:
    free = await _plan("user_free")
    pro = await _plan("user_pro", tier=Tier.PRO, price_minor=900, status=SubscriptionStatus.PAST_DUE)
    await _plan(
        "org_team",
        tier=Tier.TEAM,
        price_minor=29_000,
        billing_period=BillingPeriod.YEARLY,
        cancel_at_period_end=True,
        period_end=TODAY.date() + timedelta(days=3),
    )
    await _plan("user_gone", tier=Tier.PRO, price_minor=900, status=SubscriptionStatus.CANCELLED)
    await models.Customer.filter(entity_id="org_team").update(credit_balance=500, entity_type=EntityType.ORGANIZATION)
    await write_history(pro, length=3)
    late, open_, _ = await models.Invoice.filter(customer_id=pro.id).order_by("issued_at")
    await models.Invoice.filter(id=late.id).update(
        status=InvoiceStatus.OPEN, failed_attempts=1, next_attempt_at=TODAY + timedelta(days=1)
    )
    await models.Invoice.filter(id=open_.id).update(
        status=InvoiceStatus.OPEN, due_minor=400, due_date=TODAY.date() + timedelta(days=9)
    )
    await _unfinished(free, OperationKind.ONBOARD, OperationStatus.RUNNING, minutes=5)
    await _unfinished(pro, OperationKind.CHANGE_TIER, OperationStatus.REQUIRES_ACTION, minutes=5)
    await _unfinished(pro, OperationKind.CANCEL, OperationStatus.FAILED, minutes=5)
    await _unfinished(pro, OperationKind.CANCEL, OperationStatus.FAILED, minutes=2 * 24 * 60)


async def test_every_figure_is_what_stands_in_the_database(service: Service) -> None:
    overview = (await service.graphql(OVERVIEW))["overview"]

    assert overview == {
        "customers": 4,
        "tiers": [
            {"tier": "FREE", "customers": 1, "pastDue": 0},
            {"tier": "PRO", "customers": 1, "pastDue": 1},
            {"tier": "TEAM", "customers": 1, "pastDue": 0},
            {"tier": "ENTERPRISE", "customers": 0, "pastDue": 0},
        ],
        "monthlyRecurringRevenue": [{"amount": "33.17", "currency": "USD"}],
        "openInvoices": {"invoices": 2, "due": [{"amount": "13.00"}]},
        "pastDueInvoices": {"invoices": 1, "due": [{"amount": "9.00"}]},
        "scheduledChanges": 0,
        "webhooks": {"waiting": 0, "parked": 0, "dead": 0},
        "operations": {"running": 1, "stuck": 1, "requiresAction": 1, "failedLastDay": 1},
        "stations": [
            {"name": "ONBOARDING", "settled": 4, "moving": 0, "troubled": 1},
            {"name": "CONTRACT", "settled": 3, "moving": 0, "troubled": 1},
            {"name": "CREDITS", "settled": 500, "moving": 0, "troubled": 0},
            {"name": "INVOICE", "settled": 1, "moving": 2, "troubled": 0},
            {"name": "PAYMENT", "settled": 3, "moving": 0, "troubled": 1},
            {"name": "WEBHOOKS", "settled": 0, "moving": 0, "troubled": 0},
        ],
    }


async def test_what_is_stuck_is_found_among_the_operations(service: Service) -> None:
    found = await service.graphql("{ operations(filter: {stuck: true}) { nodes { kind entityId } } }")

    assert found["operations"]["nodes"] == [{"kind": "ONBOARD", "entityId": "user_free"}]


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ("{}", ["org_team", "user_free", "user_gone", "user_pro"]),
        ("{live: true}", ["org_team", "user_free", "user_pro"]),
        ("{live: false}", ["user_gone"]),
        ("{status: PAST_DUE}", ["user_pro"]),
        ("{scheduled: true}", ["org_team"]),
        ("{unpaid: true}", ["user_pro"]),
        ("{billingPeriod: YEARLY}", ["org_team"]),
        ("{tier: PRO, live: true}", ["user_pro"]),
        ('{periodEndsBefore: "2027-12-01"}', ["user_free", "user_gone", "user_pro"]),
        ('{entityId: "user_free"}', ["user_free"]),
        ('{entityId: "nobody"}', []),
    ],
)
async def test_subscriptions_are_filtered(service: Service, conditions: str, expected: list[str]) -> None:
    found = await service.graphql(
        f"{{ subscriptions(first: 50, filter: {conditions}) {{ nodes {{ customer {{ entityId }} }} }} }}"
    )

    assert sorted(node["customer"]["entityId"] for node in found["subscriptions"]["nodes"]) == expected


async def test_renewals_come_in_their_order_page_by_page(service: Service) -> None:
    page = """query Page($after: String) { subscriptions(first: 2, after: $after, orderBy: PERIOD_END) {
      nodes { currentPeriod { end } } pageInfo { endCursor hasNextPage } } }"""

    first = (await service.graphql(page))["subscriptions"]
    second = (await service.graphql(page, after=first["pageInfo"]["endCursor"]))["subscriptions"]

    ends = [node["currentPeriod"]["end"] for node in first["nodes"] + second["nodes"]]
    assert len(ends) == 4
    assert ends == sorted(ends)
    assert ends[-1] == "2028-02-03"
    assert (first["pageInfo"]["hasNextPage"], second["pageInfo"]["hasNextPage"]) == (True, False)


async def test_a_subscription_tells_what_is_unpaid_and_when_it_is_tried_again(service: Service) -> None:
    found = await service.graphql(
        """{ subscriptions(filter: {status: PAST_DUE}) {
          nodes { unpaidInvoices { amount { amount } nextAttemptAt } } } }"""
    )

    assert found["subscriptions"]["nodes"][0]["unpaidInvoices"] == [
        {"amount": {"amount": "9.00"}, "nextAttemptAt": "2028-02-01T09:30:00Z"},
        {"amount": {"amount": "9.00"}, "nextAttemptAt": None},
    ]


async def test_the_latest_activity_comes_newest_first_with_what_it_is_about(service: Service) -> None:
    answer = await service.graphql(
        """mutation { onboard(input: {entity: {id: "user_new", type: USER, name: "N", email: "n@example.com"}}) {
          operation { status } } }"""
    )
    assert answer["onboard"]["operation"]["status"] == "SUCCEEDED"

    query = '{ latestActivity(first: 3, entityId: "user_new") { kind customer { entityId } operation { kind } } }'
    latest = (await service.graphql(query))["latestActivity"]

    assert [event["kind"] for event in latest] == [
        "subscription.started",
        "operation.succeeded",
        "operation.step_done",
    ]
    assert all(event["customer"] == {"entityId": "user_new"} for event in latest)
    assert all(event["operation"] == {"kind": "ONBOARD"} for event in latest)


async def test_before_the_mocks_nothing_moves_money(service: Service) -> None:
    found = (await service.graphql("{ environment { mode now metronomeUrl stripeUrl } }"))["environment"]

    assert found.pop("now").startswith("2028-01-31T09:3")
    assert found == {
        "mode": "SANDBOX",
        "metronomeUrl": METRONOME,
        "stripeUrl": STRIPE,
    }
