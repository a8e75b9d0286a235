"""Paging through the customers: every one once, whatever is added meanwhile; filters; what is refused."""

from datetime import timedelta
from typing import Any

import pytest

from billing.lifecycle import SubscriptionStatus
from billing.tiers import EntityType, Tier
from tests.api.rows import FIRST_DAY, write_customer, write_subscription
from tests.service import Service

PAGE = """
query Page($first: Int!, $after: String, $filter: CustomerFilter, $orderBy: CustomerOrder! = NEWEST) {
  customers(first: $first, after: $after, filter: $filter, orderBy: $orderBy) {
    totalCount
    edges { cursor node { entityId name } }
    nodes { entityId }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""
NAMES = ["Ada", "Émile", "Ada", "bob", "Zoë", "Ada", "ada", "Bob"]


@pytest.fixture(scope="module", autouse=True)
async def customers(service: Service) -> None:
    """Twenty; some share a name, and every two share the instant of their creation."""
    for place in range(20):
        await write_customer(
            f"user_{place:02}", at=FIRST_DAY + timedelta(seconds=place // 2), name=NAMES[place % len(NAMES)]
        )


async def page(service: Service, **variables: Any) -> dict[str, Any]:
    found: dict[str, Any] = (await service.graphql(PAGE, **{"first": 50, **variables}))["customers"]
    assert [edge["node"]["entityId"] for edge in found["edges"]] == [node["entityId"] for node in found["nodes"]]
    return found


def ids(found: dict[str, Any]) -> list[str]:
    return [node["entityId"] for node in found["nodes"]]


async def listed(service: Service, **filter_: Any) -> list[str]:
    found = await page(service, filter=filter_, orderBy="OLDEST")
    assert found["totalCount"] == len(found["nodes"])
    return ids(found)


@pytest.mark.parametrize(("order", "days"), [("NEWEST", -1), ("OLDEST", 10), ("NAME", 100)])
async def test_every_customer_comes_once_while_others_are_added_between_the_pages(
    service: Service, order: str, days: int
) -> None:
    """What is added before the place reached stays unseen, what is added behind it is seen; nothing comes twice."""
    expected = ids(await page(service, orderBy=order))
    seen: list[str] = []
    pages = 0
    info: dict[str, Any] = {"hasNextPage": True, "endCursor": None}
    while info["hasNextPage"]:
        found = await page(service, first=6, after=info["endCursor"], orderBy=order)
        info, seen, pages = found["pageInfo"], [*seen, *ids(found)], pages + 1
        assert info["hasPreviousPage"] is (pages > 1)
        if pages <= 3:
            step = timedelta(days=days * pages)
            await write_customer(f"{order}_before_{pages}", at=FIRST_DAY - step, name=f" {order}{pages}")
            await write_customer(f"{order}_behind_{pages}", at=FIRST_DAY + step, name=f"{chr(0x1F600 + days)} {pages}")

    assert pages > 3
    assert seen == [*expected, *(f"{order}_behind_{page}" for page in (1, 2, 3))]


async def test_names_are_ordered_the_same_by_both_databases(service: Service) -> None:
    found = await page(service, filter={"text": "user_0"}, orderBy="NAME")

    names = [edge["node"]["name"] for edge in found["edges"]]
    assert names == sorted(names)


async def test_filters_hold_together(service: Service) -> None:
    people = [
        ("f_1", Tier.PRO, SubscriptionStatus.ACTIVE, EntityType.USER),
        ("f_2", Tier.PRO, SubscriptionStatus.PAST_DUE, EntityType.ORGANIZATION),
        ("f_3", Tier.TEAM, SubscriptionStatus.PAST_DUE, EntityType.ORGANIZATION),
        ("f_4", Tier.TEAM, SubscriptionStatus.CANCELLED, EntityType.USER),
    ]
    for place, (entity_id, tier, status, entity_type) in enumerate(people):
        at = FIRST_DAY + timedelta(minutes=place)
        await write_customer(
            entity_id, at=at, tier=tier, status=status, entity_type=entity_type, email="f@filters.test"
        )
    mine = {"text": "filters.test"}

    assert await listed(service, **mine) == ["f_1", "f_2", "f_3", "f_4"]
    assert await listed(service, **mine, tier="PRO") == ["f_1", "f_2"]
    assert await listed(service, **mine, status="PAST_DUE") == ["f_2", "f_3"]
    assert await listed(service, **mine, type="USER") == ["f_1", "f_4"]
    assert await listed(service, **mine, tier="TEAM", status="PAST_DUE", type="ORGANIZATION") == ["f_3"]
    assert await listed(service, **mine, tier="FREE") == []


async def test_a_tier_of_the_past_is_not_found(service: Service) -> None:
    customer = await write_customer("changed", tier=Tier.PRO, email="past@tier.test")
    await write_subscription(customer, tier=Tier.TEAM, status=SubscriptionStatus.CANCELLED, is_current=False)

    assert await listed(service, text="tier.test", tier="TEAM") == []
    assert await listed(service, text="tier.test", tier="PRO") == ["changed"]
    assert await listed(service, text="tier.test") == ["changed"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("100%", ["t_percent"]),
        ("a_b", ["t_underscore"]),
        ("back\\slash", ["t_backslash"]),
        ("it's", ["t_quote"]),
        ("T_QUOTE", ["t_quote"]),
        ("PERCENT@TEXT.TEST", ["t_percent"]),
        ("  a_b  ", ["t_underscore"]),
        ("%", ["t_percent"]),
        ("\x00", []),
        ("x" * 10_000, []),
    ],
    ids=range(10),
)
async def test_text_is_searched_as_it_is(service: Service, texts: None, text: str, found: list[str]) -> None:
    assert await listed(service, text=text) == found


@pytest.fixture(scope="module")
async def texts(service: Service) -> None:
    names = {"percent": "100% Ada", "letter": "100 Ada, aXb", "underscore": "a_b", "backslash": "back\\slash"}
    for entity_id, name in {**names, "quote": "it's"}.items():
        await write_customer(f"t_{entity_id}", name=name, email=f"{entity_id}@text.test")


@pytest.mark.parametrize("first", [0, -1, 51, 2**31 - 1])
async def test_a_page_size_out_of_range_is_refused(service: Service, first: int) -> None:
    for query in (
        "query ($n: Int!) { customers(first: $n) { totalCount } }",
        "query ($n: Int!) { operations(first: $n) { totalCount } }",
        'query ($n: Int!) { creditLedger(entityId: "user_01", first: $n) { totalCount } }',
        'query ($n: Int!) { customer(entityId: "user_01") { invoices(first: $n) { id } } }',
        'query ($n: Int!) { customer(entityId: "user_01") { operations(first: $n) { id } } }',
    ):
        [error] = (await service.execute(query, n=first))["errors"]
        assert error["extensions"]["code"] in ("BAD_USER_INPUT", "QUERY_TOO_COMPLEX")


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "é", "\x00", "bnVsbA==", "WzFd", "WyJjcmVhdGVkX2F0Iiwibm93IiwiY3VzXzEiXQ==", "x" * 10_000, "e30="],
    ids=str.__len__,
)
async def test_what_is_no_cursor_of_the_list_is_refused(service: Service, cursor: str) -> None:
    [error] = (await service.execute(PAGE, first=1, after=cursor))["errors"]

    assert (error["extensions"]["code"], error["message"]) == ("BAD_USER_INPUT", "after is not a cursor of this list.")


async def test_a_cursor_of_another_order_is_refused(service: Service) -> None:
    by_name = (await page(service, first=1, orderBy="NAME"))["pageInfo"]["endCursor"]

    [error] = (await service.execute(PAGE, first=1, after=by_name, orderBy="NEWEST"))["errors"]

    assert error["message"] == "after is not a cursor of this list."
