"""The older REST form: what it answers, and with which status."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.access.asking import code_of
from tests.api.onboarding import onboard, paid
from tests.service import Service

FIVE_MEGABYTES = b" " * 5_000_000
JSON = {"content-type": "application/json"}


def problem(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/json"
    error = answer.json()["error"]
    assert set(error) <= {"code", "message", "field"}
    assert error["message"]
    return answer.status_code, error["code"]


async def test_onboarding_over_rest_is_the_same_onboarding(service: Service, entity_id: str) -> None:
    body = {
        "entity": {
            "id": entity_id,
            "type": "organization",
            "name": "Analytical Engines",
            "email": "billing@example.com",
            "createdAt": "2028-01-01T00:00:00Z",
            "updatedAt": "2028-01-01T00:00:00Z",
        },
        "tier": "pro",
        "billingPeriod": "yearly",
        "paymentMethodId": "pm_card_visa",
    }

    answer = await service.http.post("/api/onboard", json=body)

    assert answer.status_code == 200
    told = answer.json()
    assert told["customer"]["entity"]["id"] == entity_id
    assert told["customer"]["entity"]["type"] == "organization"
    assert told["customer"]["credits"] == 10_000
    shown = told["customer"]["subscription"]
    assert (shown["status"], shown["tier"], shown["billingPeriod"], shown["price"], shown["currency"]) == (
        "active",
        "pro",
        "yearly",
        9_000,
        "USD",
    )
    assert (shown["currentPeriodStart"], shown["currentPeriodEnd"]) == ("2028-01-31", "2029-01-31")
    assert (told["invoice"]["status"], told["invoice"]["amount"]) == ("paid", 9_000)
    assert told["payment"]["status"] == "succeeded"
    assert told["operation"]["status"] == "succeeded"
    assert told["warnings"] == []
    assert (await service.http.post("/api/onboard", json=body)).json() == told


async def test_a_key_in_the_header_names_the_request(service: Service, entity_id: str) -> None:
    key = {"idempotency-key": f"{entity_id}:{uuid4()}"}
    entity = paid(entity_id)["entity"]
    first = await service.http.post("/api/onboard", json={"entity": entity}, headers=key)

    again = await service.http.post("/api/onboard", json={"entity": entity}, headers=key)
    other = await service.http.post("/api/onboard", json={"entity": {**entity, "id": f"{entity_id}:b"}}, headers=key)

    assert again.json() == first.json()
    assert problem(other) == (409, "IDEMPOTENCY_CONFLICT")


async def test_a_subscription_is_shown_by_entity_id(service: Service, entity_id: str) -> None:
    await onboard(service, entity_id)

    answer = await service.http.get(f"/api/subscription/{entity_id}")

    assert answer.status_code == 200
    assert (answer.json()["subscription"]["tier"], answer.json()["subscription"]["status"]) == ("free", "active")


@pytest.mark.parametrize("unknown", ["nobody", "%00", "%F0%9F%92%A9", "x" * 5_000], ids=str.__len__)
async def test_an_unknown_entity_is_not_found(service: Service, unknown: str) -> None:
    answer = await service.http.get(f"/api/subscription/{unknown}")

    assert problem(answer) == (404, "CUSTOMER_NOT_FOUND")


async def test_customers_are_listed_newest_first_page_by_page(service: Service, entity_id: str) -> None:
    for place in range(3):
        await onboard(service, f"{entity_id}.{place}")

    first = (await service.http.get("/api/customers", params={"first": 2})).json()
    second = (await service.http.get("/api/customers", params={"first": 1, "after": first["endCursor"]})).json()

    assert [each["entity"]["id"] for each in first["customers"]] == [f"{entity_id}.2", f"{entity_id}.1"]
    assert [each["entity"]["id"] for each in second["customers"]] == [f"{entity_id}.0"]
    assert first["hasNextPage"] is True


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"first": "0"}, "first"),
        ({"first": "51"}, "first"),
        ({"first": "-1"}, "first"),
        ({"first": "many"}, "first"),
        ({"first": "9" * 5_000}, "first"),
        ({"first": "\N{ARABIC-INDIC DIGIT ONE}"}, "first"),
        ({"after": "nonsense"}, "after"),
        ({"after": ""}, "after"),
    ],
)
async def test_a_page_that_cannot_be_is_refused(service: Service, params: dict[str, Any], field: str) -> None:
    answer = await service.http.get("/api/customers", params=params)

    assert problem(answer) == (422, "INVALID_INPUT")
    assert answer.json()["error"]["field"] == field


@pytest.mark.parametrize("content", [b"", b"{", b"{'a': 1}", b"\xff", b'{"a": NaN}', b"[" * 5_000], ids=range(6))
async def test_a_body_that_is_not_json_is_a_bad_request(service: Service, content: bytes) -> None:
    answer = await service.http.post("/api/onboard", content=content, headers=JSON)

    assert problem(answer) == (400, "BAD_REQUEST")


@pytest.mark.parametrize("content", [b"[]", b"null", b"1", b'"text"'])
async def test_json_that_is_no_object_is_refused(service: Service, content: bytes) -> None:
    answer = await service.http.post("/api/onboard", content=content, headers=JSON)

    assert problem(answer) == (422, "INVALID_INPUT")
    assert answer.json()["error"]["field"] == "body"


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded", "application/jsonp"])
async def test_only_json_is_read(service: Service, content_type: str | None) -> None:
    headers = {} if content_type is None else {"content-type": content_type}
    answer = await service.http.post("/api/onboard", content=b"{}", headers=headers)

    assert problem(answer) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("path", ["/graphql", "/api/onboard", "/api/customers"])
async def test_five_megabytes_are_too_much(service: Service, path: str) -> None:
    answer = await service.http.post(path, content=FIVE_MEGABYTES, headers=JSON)

    if path == "/graphql":
        assert (answer.status_code, code_of(answer.json())) == (413, "BODY_TOO_LARGE")
    else:
        assert problem(answer) == (413, "BODY_TOO_LARGE")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/nothing", 404, "NOT_FOUND"),
        ("GET", "/api/subscription/", 404, "NOT_FOUND"),
        ("GET", "/api/subscription/a/b", 404, "NOT_FOUND"),
        ("DELETE", "/api/customers", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/api/onboard", 405, "METHOD_NOT_ALLOWED"),
    ],
)
async def test_what_is_not_served_is_told_in_json(
    service: Service, method: str, path: str, status: int, code: str
) -> None:
    answer = await service.http.request(method, path)

    assert problem(answer) == (status, code)


async def test_graphql_over_the_wrong_media_type_or_without_json(service: Service) -> None:
    plain = await service.http.post("/graphql", content=b"{ tiers { tier } }", headers={"content-type": "text/plain"})
    broken = await service.http.post("/graphql", content=b"{", headers=JSON)

    assert (plain.status_code, broken.status_code) == (415, 400)
    for answer in (plain, broken):
        assert [error["extensions"]["code"] for error in answer.json()["errors"]] == ["BAD_REQUEST"]
