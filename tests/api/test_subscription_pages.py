"""All subscriptions, page by page: order, filters, and whose they are."""

from datetime import date, timedelta
from typing import Any

import pytest

import models
from billing.lifecycle import SubscriptionStatus
from billing.tiers import BillingPeriod, Tier
from tests.api.rows import FIRST_DAY, write_customer, write_subscription
from tests.service import Service

PAGE = """
query Page($first: Int!, $after: String, $filter: SubscriptionFilter, $orderBy: SubscriptionOrder! = NEWEST) {
  subscriptions(first: $first, after: $after, filter: $filter, orderBy: $orderBy) {
    totalCount
    nodes { customer { entityId subscription { id } } id tier status currentPeriod { end } }
    pageInfo { hasNextPage endCursor }
  }
}
"""
PERIOD_ENDS = [5, 3, 9, 3, 1]


@pytest.fixture(scope="module", autouse=True)
async def history(service: Service) -> None:
    """Five customers; two share a period end, and the first has an older subscription that was cancelled."""
    for place, days in enumerate(PERIOD_ENDS):
        customer = await write_customer(
            f"sub_{place}", at=FIRST_DAY + timedelta(days=place), status=SubscriptionStatus.ACTIVE
        )
        await models.Subscription.filter(customer_id=customer.id).update(
            period_end=date(2027, 3, days),
            tier=Tier.PRO if place % 2 else Tier.TEAM,
            billing_period=BillingPeriod.YEARLY if place == 2 else BillingPeriod.MONTHLY,
            cancel_at_period_end=place == 3,
        )
        if place == 4:
            await models.Subscription.filter(customer_id=customer.id).update(
                scheduled_tier=Tier.FREE,
                scheduled_billing_period=BillingPeriod.MONTHLY,
                scheduled_price_minor=0,
                scheduled_credits_per_month=1_000,
            )
        if place == 0:
            await write_subscription(
                customer,
                at=FIRST_DAY - timedelta(days=90),
                tier=Tier.FREE,
                status=SubscriptionStatus.CANCELLED,
                is_current=False,
            )


async def page(service: Service, **variables: Any) -> dict[str, Any]:
    found: dict[str, Any] = (await service.graphql(PAGE, **{"first": 50, **variables}))["subscriptions"]
    return found


def owners(found: dict[str, Any]) -> list[str]:
    return [node["customer"]["entityId"] for node in found["nodes"]]


async def test_the_newest_come_first_and_ended_ones_are_among_them(service: Service) -> None:
    found = await page(service)

    assert owners(found) == ["sub_4", "sub_3", "sub_2", "sub_1", "sub_0", "sub_0"]
    assert found["totalCount"] == 6
    ended = found["nodes"][-1]
    assert (ended["status"], ended["tier"]) == ("CANCELLED", "FREE")
    assert ended["customer"]["subscription"]["id"] == found["nodes"][-2]["id"]


async def test_by_period_end_every_one_comes_once_across_pages(service: Service) -> None:
    seen: list[str] = []
    ends: list[str] = []
    info: dict[str, Any] = {"hasNextPage": True, "endCursor": None}
    while info["hasNextPage"]:
        found = await page(service, first=2, after=info["endCursor"], filter={"live": True}, orderBy="PERIOD_END")
        info = found["pageInfo"]
        seen += owners(found)
        ends += [node["currentPeriod"]["end"] for node in found["nodes"]]

    assert sorted(seen) == [f"sub_{place}" for place in range(5)]
    assert ends == ["2027-03-01", "2027-03-03", "2027-03-03", "2027-03-05", "2027-03-09"]


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        ({"tier": "PRO"}, ["sub_1", "sub_3"]),
        ({"status": "CANCELLED"}, ["sub_0"]),
        ({"live": False}, ["sub_0"]),
        ({"billingPeriod": "YEARLY"}, ["sub_2"]),
        ({"scheduled": True}, ["sub_3", "sub_4"]),
        ({"scheduled": False, "live": True}, ["sub_0", "sub_1", "sub_2"]),
        ({"periodEndsBefore": "2027-03-03", "live": True}, ["sub_4"]),
        ({"entityId": "sub_0"}, ["sub_0", "sub_0"]),
        ({"entityId": "nobody"}, []),
    ],
)
async def test_filters_hold_together(service: Service, filter_: dict[str, Any], expected: list[str]) -> None:
    assert sorted(owners(await page(service, filter=filter_))) == expected


@pytest.mark.parametrize("order", ["NEWEST", "PERIOD_END"])
async def test_a_cursor_of_the_other_order_is_refused(service: Service, order: str) -> None:
    other = {"NEWEST": "PERIOD_END", "PERIOD_END": "NEWEST"}[order]
    cursor = (await page(service, first=1, orderBy=order))["pageInfo"]["endCursor"]

    answer = await service.execute(PAGE, first=1, after=cursor, orderBy=other)

    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]
