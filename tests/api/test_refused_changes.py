"""Changes that are refused: told with a code and a field, and nothing has happened anywhere."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.api.changing import Customers, codes
from tests.service import Service

REST = "/api/tier/change"


def terms(minor_units: int = 50_000, currency: str = "USD", credits_per_month: int = 1) -> dict[str, Any]:
    return {"price": {"minorUnits": minor_units, "currency": currency}, "creditsPerMonth": credits_per_month}


def enterprise(**given: Any) -> dict[str, Any]:
    return {"tier": "ENTERPRISE", "enterpriseTerms": terms(**given)}


@pytest.fixture(scope="module")
async def customers(service: Service) -> Customers:
    """Three who want for nothing: nobody may change them here."""
    found = Customers(service)
    found.go_to_next(1, 1)
    await found.onboard("pro")
    await found.onboard("team", tier="TEAM")
    await found.onboard("gone")
    await found.cancel("gone", effective="IMMEDIATELY")
    await found.onboard("leaving")
    await found.cancel("leaving")
    for entity in ("euro", "euro-gone"):
        await found.onboard(entity, **enterprise(currency="EUR"))
    await found.cancel("euro-gone", effective="IMMEDIATELY")
    return found


@pytest.fixture(autouse=True)
async def nothing_changes(customers: Customers) -> AsyncIterator[None]:
    before = await customers.footprint()
    yield
    assert (await customers.footprint()).beside_quotes == before.beside_quotes


CHANGES: list[tuple[str, str, dict[str, Any], str, str | None]] = [
    ("same tier and period", "pro", {"tier": "PRO"}, "SAME_PLAN", "tier"),
    ("the same, spelt out", "pro", {"tier": "PRO", "billingPeriod": "MONTHLY"}, "SAME_PLAN", "tier"),
    ("the same, later", "pro", {"tier": "PRO", "effective": "AT_PERIOD_END"}, "SAME_PLAN", "tier"),
    ("unknown customer", "nobody", {"tier": "TEAM"}, "CUSTOMER_NOT_FOUND", "entityId"),
    ("customer with a NUL", "pro\x00", {"tier": "TEAM"}, "CUSTOMER_NOT_FOUND", "entityId"),
    ("customer that has left", "gone", {"tier": "TEAM"}, "NO_LIVE_SUBSCRIPTION", "entityId"),
    ("customer that leaves", "leaving", {"tier": "TEAM"}, "ILLEGAL_TRANSITION", None),
    ("terms missing", "pro", {"tier": "ENTERPRISE"}, "ENTERPRISE_TERMS_REQUIRED", "enterpriseTerms"),
    (
        "terms not allowed",
        "pro",
        {"tier": "TEAM", "enterpriseTerms": terms()},
        "ENTERPRISE_TERMS_NOT_ALLOWED",
        "enterpriseTerms",
    ),
    ("list price in another currency", "euro", {"tier": "PRO"}, "INVALID_INPUT", "tier"),
    ("other currency", "pro", enterprise(currency="EUR"), "INVALID_INPUT", "enterpriseTerms.price.currency"),
    ("no currency", "pro", enterprise(currency="usd"), "INVALID_INPUT", "enterpriseTerms.price.currency"),
    ("price below the least charge", "pro", enterprise(minor_units=49), "INVALID_INPUT", "enterpriseTerms.price"),
    ("negative price", "pro", enterprise(minor_units=-1), "INVALID_INPUT", "enterpriseTerms.price"),
    (
        "negative credits",
        "pro",
        enterprise(credits_per_month=-1),
        "INVALID_INPUT",
        "enterpriseTerms.creditsPerMonth",
    ),
]


@pytest.mark.parametrize(
    ("entity", "given", "code", "field"), [row[1:] for row in CHANGES], ids=[c[0] for c in CHANGES]
)
async def test_a_change_that_cannot_be_is_refused_and_not_quoted(
    customers: Customers, entity: str, given: dict[str, Any], code: str, field: str | None
) -> None:
    payload = await customers.change(entity, **given)
    quote = await customers.quote(entity, **given)

    assert codes(payload) == codes(quote) == [(code, field)]
    assert (payload["operation"], payload["subscription"], quote["quote"]) == (None, None, None)


async def test_neither_tier_nor_quote_is_no_change(customers: Customers) -> None:
    assert codes(await customers.change("pro")) == [("INVALID_INPUT", "tier")]


@pytest.mark.parametrize("quote_id", ["quo_missing", "", "\x00", "x" * 5_000], ids=["unknown", "empty", "NUL", "long"])
async def test_a_quote_that_is_none_is_not_found(customers: Customers, quote_id: str) -> None:
    assert codes(await customers.change("pro", quoteId=quote_id)) == [("QUOTE_NOT_FOUND", "quoteId")]


async def test_a_quote_is_good_for_its_customer_only(customers: Customers) -> None:
    quote = await customers.quoted("team", tier="PRO")

    assert codes(await customers.change("pro", quoteId=quote["id"])) == [("QUOTE_NOT_FOUND", "quoteId")]


@pytest.mark.parametrize(
    "other", [{"tier": "TEAM"}, {"billingPeriod": "YEARLY"}, {"effective": "IMMEDIATELY"}, {"enterpriseTerms": terms()}]
)
async def test_a_quote_stands_for_the_whole_change(customers: Customers, other: dict[str, Any]) -> None:
    quote = await customers.quoted("pro", tier="TEAM")

    assert codes(await customers.change("pro", quoteId=quote["id"], **other)) == [("INVALID_INPUT", "quoteId")]


async def test_a_quote_expires(customers: Customers) -> None:
    quote = await customers.quoted("pro", tier="TEAM")
    customers.to(quote["expiresAt"].removesuffix("Z"))

    assert codes(await customers.change("pro", quoteId=quote["id"])) == [("QUOTE_EXPIRED", "quoteId")]


@pytest.mark.parametrize("verb", ["changeTier", "cancel", "reactivate", "withdrawScheduledChange"])
@pytest.mark.parametrize("key", ["", "k" * 256, "a\tb", "a\x00b"], ids=["empty", "256 characters", "tab", "NUL"])
async def test_a_key_that_cannot_be_kept_is_refused(customers: Customers, verb: str, key: str) -> None:
    given = {"tier": "TEAM"} if verb == "changeTier" else {}

    payload = await customers.do(verb, entityId="pro", idempotencyKey=key, **given)

    assert codes(payload) == [("INVALID_INPUT", "idempotencyKey")]


@pytest.mark.parametrize(
    ("verb", "entity", "code", "field"),
    [
        ("withdrawScheduledChange", "pro", "NO_SCHEDULED_CHANGE", "entityId"),
        ("withdrawScheduledChange", "gone", "NO_LIVE_SUBSCRIPTION", "entityId"),
        ("withdrawScheduledChange", "nobody", "CUSTOMER_NOT_FOUND", "entityId"),
        ("cancel", "leaving", "ILLEGAL_TRANSITION", None),
        ("cancel", "gone", "NO_LIVE_SUBSCRIPTION", "entityId"),
        ("cancel", "nobody", "CUSTOMER_NOT_FOUND", "entityId"),
        ("reactivate", "pro", "ILLEGAL_TRANSITION", None),
        ("reactivate", "nobody", "CUSTOMER_NOT_FOUND", "entityId"),
    ],
)
async def test_what_makes_no_sense_now_is_refused(
    customers: Customers, verb: str, entity: str, code: str, field: str | None
) -> None:
    assert codes(await customers.do(verb, entityId=entity)) == [(code, field)]


@pytest.mark.parametrize(
    ("entity", "given", "code", "field"),
    [
        ("leaving", {"tier": "TEAM"}, "INVALID_INPUT", "tier"),
        ("gone", {"tier": "ENTERPRISE"}, "ENTERPRISE_TERMS_REQUIRED", "enterpriseTerms"),
        ("gone", enterprise(currency="EUR"), "INVALID_INPUT", "enterpriseTerms.price.currency"),
        ("gone", enterprise(minor_units=49), "INVALID_INPUT", "enterpriseTerms.price"),
        ("euro-gone", {"tier": "PRO", "billingPeriod": "MONTHLY"}, "INVALID_INPUT", "tier"),
    ],
)
async def test_a_return_to_a_plan_that_cannot_be_is_refused(
    customers: Customers, entity: str, given: dict[str, Any], code: str, field: str
) -> None:
    assert codes(await customers.reactivate(entity, **given)) == [(code, field)]


async def test_why_a_list_price_cannot_be_had_is_told_in_words(customers: Customers) -> None:
    [error] = (await customers.change("euro", tier="PRO"))["userErrors"]
    why = "PRO is priced in USD, and this customer is billed in EUR"
    assert error["message"] == f"tier must be one with terms of its own: {why}."


REFUSED_BY_REST: list[tuple[dict[str, Any], int, str, str | None]] = [
    ({"entityId": "nobody"}, 404, "CUSTOMER_NOT_FOUND", "entityId"),
    ({"newTier": "pro"}, 409, "SAME_PLAN", "tier"),
    ({"newTier": "gold"}, 422, "INVALID_INPUT", "newTier"),
    ({"newTier": None}, 422, "INVALID_INPUT", "newTier"),
    ({"billingPeriod": "weekly"}, 422, "INVALID_INPUT", "billingPeriod"),
    ({"newTier": "enterprise"}, 422, "ENTERPRISE_TERMS_REQUIRED", "enterpriseTerms"),
    ({"effectiveDate": "yesterday"}, 422, "INVALID_INPUT", "effectiveDate"),
    ({"effectiveDate": ""}, 422, "INVALID_INPUT", "effectiveDate"),
    ({"effectiveDate": 7}, 422, "INVALID_INPUT", "effectiveDate"),
    ({"effectiveDate": "2020-01-01"}, 422, "INVALID_INPUT", "effectiveDate"),
    ({"effectiveDate": "2199-01-01"}, 422, "INVALID_INPUT", "effectiveDate"),
    ({"effectiveDate": "2020-01-01T00:00:00"}, 422, "INVALID_INPUT", "effectiveDate"),
    ({"price": 1}, 422, "INVALID_INPUT", "price"),
]


@pytest.mark.parametrize(("given", "status", "code", "field"), REFUSED_BY_REST, ids=str)
async def test_rest_refuses_with_a_status_and_a_field(
    customers: Customers, given: dict[str, Any], status: int, code: str, field: str | None
) -> None:
    answer = await customers.service.http.post(REST, json={"entityId": "pro", "newTier": "team", **given})

    assert answer.status_code == status
    error = answer.json()["error"]
    assert (error["code"], error.get("field")) == (code, field)


async def test_rest_tells_which_days_it_takes(customers: Customers) -> None:
    tomorrow = customers.today.replace(day=customers.today.day + 1).isoformat()

    answer = await customers.service.http.post(
        REST, json={"entityId": "pro", "newTier": "team", "effectiveDate": tomorrow}
    )

    today = customers.today
    assert answer.json()["error"]["message"] == (
        f"effectiveDate must be today, {today}, or the end of the period, {today.replace(month=2, day=1)}."
    )
