"""Input that is refused: told with its field, in GraphQL and REST alike, and nothing has changed anywhere."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.api.onboarding import ONBOARD, Footprint, onboard, person, send_onboard
from tests.service import Service

TERMS = {"price": {"minorUnits": 500_000, "currency": "USD"}, "creditsPerMonth": 1_000}


def entity(**changed: Any) -> dict[str, Any]:
    return {"entity": person("nobody", **changed)}


def enterprise(*, credits_per_month: int = 1, **price: Any) -> dict[str, Any]:
    terms = {"price": {"minorUnits": 5_000, "currency": "USD", **price}, "creditsPerMonth": credits_per_month}
    return {**entity(), "tier": "ENTERPRISE", "enterpriseTerms": terms}


# Refused by our own rules: what is wrong, the input, and the field that is named.
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("empty name", entity(name=""), "entity.name"),
    ("blank name", entity(name="  "), "entity.name"),
    ("name of 10,000 characters", entity(name="x" * 10_000), "entity.name"),
    ("name with a NUL", entity(name="Ada\x00"), "entity.name"),
    ("empty id", entity(id=""), "entity.id"),
    ("id with a line feed", entity(id="user\n"), "entity.id"),
    ("id with a NUL", entity(id="user\x00"), "entity.id"),
    ("id with a slash", entity(id="../user"), "entity.id"),
    ("id of 129 characters", entity(id="x" * 129), "entity.id"),
    ("e-mail that is none", entity(email="ada"), "entity.email"),
    ("empty e-mail", entity(email=""), "entity.email"),
    ("e-mail of 10,000 characters", entity(email=f"{'a' * 10_000}@example.com"), "entity.email"),
    ("e-mail with a header in it", entity(email="ada@example.com\nBcc: x@y.z"), "entity.email"),
    ("metadata with an empty value", entity(metadata={"a": ""}), "entity.metadata"),
    ("metadata with a NUL", entity(metadata={"a": "\x00"}), "entity.metadata"),
    ("50 metadata keys", entity(metadata={f"k{i}": "v" for i in range(50)}), "entity.metadata"),
    ("ENTERPRISE without terms", {**entity(), "tier": "ENTERPRISE"}, "enterpriseTerms"),
    ("terms on PRO", {**entity(), "tier": "PRO", "enterpriseTerms": TERMS}, "enterpriseTerms"),
    ("negative price", enterprise(minorUnits=-1), "enterpriseTerms.price"),
    ("price below the least charge", enterprise(minorUnits=49), "enterpriseTerms.price"),
    ("price above the most charge", enterprise(minorUnits=100_000_000), "enterpriseTerms.price"),
    ("negative credits", enterprise(credits_per_month=-1), "enterpriseTerms.creditsPerMonth"),
    ("more credits than can be kept", enterprise(credits_per_month=10**12 + 1), "enterpriseTerms.creditsPerMonth"),
    ("more credits than Metronome takes", enterprise(credits_per_month=2 * 10**15), "enterpriseTerms.creditsPerMonth"),
    ("currency without a known least charge", enterprise(currency="AFN"), "enterpriseTerms.price.currency"),
    ("currency that Stripe counts in hundredths", enterprise(currency="ISK"), "enterpriseTerms.price.currency"),
    ("currency that Stripe counts whole", enterprise(currency="MGA"), "enterpriseTerms.price.currency"),
    ("currency of thousandths", enterprise(currency="KWD"), "enterpriseTerms.price.currency"),
    ("no such currency", enterprise(currency="usd"), "enterpriseTerms.price.currency"),
    ("no such payment method", {**entity(), "paymentMethodId": "pm_missing"}, "paymentMethodId"),
    ("no payment method id at all", {**entity(), "paymentMethodId": "tok_visa"}, "paymentMethodId"),
    ("payment method id with a path", {**entity(), "paymentMethodId": "pm_/../x"}, "paymentMethodId"),
    ("empty payment method id", {**entity(), "paymentMethodId": ""}, "paymentMethodId"),
]
CODES = {
    "ENTERPRISE without terms": "ENTERPRISE_TERMS_REQUIRED",
    "terms on PRO": "ENTERPRISE_TERMS_NOT_ALLOWED",
    "no such payment method": "PAYMENT_METHOD_NOT_FOUND",
}
KEYS = {"empty": "", "256 characters": "k" * 256, "control character": "a\tb", "NUL": "a\x00b"}

# Refused by the types of the schema: what is wrong, the input, and where GraphQL finds it.
MISTYPED: list[tuple[str, dict[str, Any], str]] = [
    ("unknown tier", {**entity(), "tier": "GOLD"}, "input.tier"),
    ("unknown period", {**entity(), "billingPeriod": "WEEKLY"}, "input.billingPeriod"),
    ("unknown entity type", entity(type="ROBOT"), "input.entity.type"),
    ("name that is a number", entity(name=7), "input.entity.name"),
    ("no entity", {}, "input"),
    ("unknown field", {**entity(), "price": 1}, "input"),
    ("fractional price", enterprise(minorUnits=900.5), "input.enterpriseTerms.price.minorUnits"),
    ("price in words", enterprise(minorUnits="900"), "input.enterpriseTerms.price.minorUnits"),
    ("price that is true", enterprise(minorUnits=True), "input.enterpriseTerms.price.minorUnits"),
    ("price past what is exact", enterprise(minorUnits=2**53), "input.enterpriseTerms.price.minorUnits"),
]
METADATA: list[Any] = [["a"], "a", 1, {"a": 1}, {"a": None}, {"a": {"b": "c"}}]


@pytest.fixture(autouse=True)
async def nothing_changes(service: Service) -> AsyncIterator[None]:
    before = await Footprint.of(service)
    yield
    assert await Footprint.of(service) == before


@pytest.mark.parametrize(("wrong", "given", "field"), REFUSED, ids=[row[0] for row in REFUSED])
async def test_refused_input_names_its_field(service: Service, wrong: str, given: dict[str, Any], field: str) -> None:
    code = CODES.get(wrong, "INVALID_INPUT")
    payload = await send_onboard(service, given)

    assert {(error["code"], error["field"], error["retryable"]) for error in payload["userErrors"]} == {
        (code, field, False)
    }
    assert [payload[each] for each in ("customer", "subscription", "invoice", "payment", "operation")] == [None] * 5

    answer = await service.http.post("/api/onboard", json=given)
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert (error["code"], error["field"]) == (code, field)
    assert error["message"].endswith(".")


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
async def test_a_key_that_cannot_be_kept_is_refused(service: Service, key: str) -> None:
    payload = await send_onboard(service, {**entity(), "idempotencyKey": key})

    assert [(error["code"], error["field"]) for error in payload["userErrors"]] == [("INVALID_INPUT", "idempotencyKey")]


@pytest.mark.parametrize("key", ["", "k" * 256], ids=["empty", "256 characters"])
async def test_rest_takes_the_key_from_a_header(service: Service, key: str) -> None:
    answer = await service.http.post("/api/onboard", json=entity(), headers={"idempotency-key": key})

    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == "idempotencyKey"


@pytest.mark.parametrize("metadata", METADATA, ids=str)
async def test_metadata_is_an_object_of_strings(service: Service, metadata: Any) -> None:
    payload = await send_onboard(service, entity(metadata=metadata))
    assert [(error["code"], error["field"]) for error in payload["userErrors"]] == [
        ("INVALID_INPUT", "entity.metadata")
    ]

    answer = await service.http.post("/api/onboard", json=entity(metadata=metadata))
    assert answer.status_code == 422
    assert answer.json()["error"]["field"].startswith("entity.metadata")


@pytest.mark.parametrize(("given", "place"), [row[1:] for row in MISTYPED], ids=[row[0] for row in MISTYPED])
async def test_mistyped_input_is_told_with_its_place(service: Service, given: dict[str, Any], place: str) -> None:
    body = await service.execute(ONBOARD, input=given)

    assert "data" not in body
    assert {error["extensions"]["code"] for error in body["errors"]} == {"BAD_USER_INPUT"}
    assert all(f"'{place}'" in error["message"] or "'$input'" in error["message"] for error in body["errors"])

    answer = await service.http.post("/api/onboard", json=given)
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["code"] == "INVALID_INPUT"
    expected = place.removeprefix("input").removeprefix(".")
    assert error["field"] == expected or (not expected and error["field"] in ("entity", "price"))


async def test_all_that_is_wrong_with_an_entity_is_told_at_once(service: Service) -> None:
    payload = await send_onboard(service, entity(id="", name="", email=""))

    assert [error["field"] for error in payload["userErrors"]] == ["entity.id", "entity.name", "entity.email"]


async def test_an_onboarded_entity_with_other_input_is_a_conflict_in_rest(service: Service) -> None:
    answer = await service.http.post("/api/onboard", json={"entity": person("settled"), "tier": "team"})

    assert answer.status_code == 409
    error = answer.json()["error"]
    assert (error["code"], error["field"]) == ("CUSTOMER_EXISTS", "entity.id")


@pytest.fixture(scope="module", autouse=True)
async def somebody(service: Service) -> None:
    """So that there are rows and objects which could change."""
    assert (await onboard(service, "settled", tier="PRO"))["userErrors"] == []
