"""API keys over every transport: what they open, how they end, and that they are nowhere to be found."""

from datetime import timedelta
from typing import Any

import pytest

from models import ApiKey
from tests.access.asking import Asker, asker, code_of, new_key
from tests.keys import ADMIN_KEY, bearer
from tests.service import Service

TIERS = "{ tiers { tier } }"
KEYS = "{ apiKeys { id name prefix scopes lastUsedAt revokedAt expiresAt } }"
REVOKE = """
mutation Revoke($id: ID!) { revokeApiKey(input: {id: $id}) { apiKey { id revokedAt } userErrors { code field } } }
"""


async def listed(service: Service, key_id: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = (await service.graphql(KEYS))["apiKeys"]
    return next(each for each in found if each["id"] == key_id)


async def test_a_new_key_opens_what_its_scopes_say_and_is_shown_once(service: Service) -> None:
    payload = await new_key(service, "CUSTOMERS_READ", name="reader")

    secret, key = payload["secret"], payload["apiKey"]
    assert (secret[:8], len(secret), secret.startswith(key["prefix"])) == ("bk_test_", 72, True)
    assert (key["name"], key["scopes"], key["lastUsedAt"]) == ("reader", ["CUSTOMERS_READ"], None)
    assert "errors" not in await Asker(service, bearer(secret)).execute(TIERS)
    assert secret not in str(await service.graphql(KEYS))


async def test_the_database_holds_no_key_only_its_hash(service: Service) -> None:
    secret = (await new_key(service, "CUSTOMERS_READ"))["secret"]

    rows = await ApiKey.all().values()

    assert secret[20:] not in str(rows)
    assert all(len(row["key_hash"]) == 64 for row in rows)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": " padded "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"scopes": []}, "scopes"),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, "expiresAt"),
    ],
)
async def test_an_odd_key_is_refused_and_not_made(service: Service, given: dict[str, Any], field: str) -> None:
    before = await ApiKey.all().count()

    payload = await new_key(service, "ADMIN", **given)

    assert (payload["secret"], payload["apiKey"]) == (None, None)
    assert [(each["code"], each["field"]) for each in payload["userErrors"]] == [("INVALID_INPUT", field)]
    assert await ApiKey.all().count() == before


async def test_a_revoked_key_opens_nothing_any_more_and_stays_revoked(service: Service) -> None:
    payload = await new_key(service, "CUSTOMERS_READ")
    holder, key_id = Asker(service, bearer(payload["secret"])), payload["apiKey"]["id"]

    first = (await service.graphql(REVOKE, id=key_id))["revokeApiKey"]
    service.clock.advance(timedelta(minutes=5))
    again = (await service.graphql(REVOKE, id=payload["apiKey"]["prefix"]))["revokeApiKey"]

    assert code_of(await holder.execute(TIERS)) == "UNAUTHENTICATED"
    assert (first["userErrors"], again) == ([], first)


async def test_an_unknown_key_cannot_be_revoked(service: Service) -> None:
    payload = (await service.graphql(REVOKE, id="key_nobody"))["revokeApiKey"]

    assert payload == {"apiKey": None, "userErrors": [{"code": "NOT_FOUND", "field": "id"}]}


async def test_a_key_ends_at_its_expiry_to_the_instant(service: Service) -> None:
    expires_at = service.clock.now() + timedelta(hours=1)
    holder = await asker(service, "CUSTOMERS_READ", expiresAt=expires_at.isoformat())

    service.clock.advance(expires_at - service.clock.now() - timedelta(seconds=30))
    before = await holder.execute(TIERS)
    service.clock.advance(timedelta(seconds=31))
    after = await holder.execute(TIERS)

    assert "errors" not in before
    assert code_of(after) == "UNAUTHENTICATED"


async def test_a_use_is_noted_once_a_minute(service: Service) -> None:
    payload = await new_key(service, "CUSTOMERS_READ")
    holder, key_id = Asker(service, bearer(payload["secret"])), payload["apiKey"]["id"]

    await holder.execute(TIERS)
    first = (await listed(service, key_id))["lastUsedAt"]
    service.clock.advance(timedelta(seconds=40))
    await holder.execute(TIERS)
    second = (await listed(service, key_id))["lastUsedAt"]
    service.clock.advance(timedelta(seconds=30))
    await holder.execute(TIERS)
    third = (await listed(service, key_id))["lastUsedAt"]

    assert first is not None
    assert second == first
    assert third > first


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        f"Basic {ADMIN_KEY}",
        ADMIN_KEY,
        f"Bearer {ADMIN_KEY[:-1]}",
        f"Bearer {ADMIN_KEY}0",
        f"Bearer {ADMIN_KEY[:-1]}1",
        f"Bearer {ADMIN_KEY.upper()}",
        f"Bearer bk_live_{'0' * 64}",
        "Bearer a.b.c",
        "Bearer bk_test_\xff\xfe",
        f"Bearer {'x' * 9000}",
    ],
)
async def test_whatever_is_not_a_key_is_unauthenticated_and_never_a_fault(service: Service, header: str) -> None:
    for method, path in (("POST", "/graphql"), ("GET", "/api/customers")):
        answer = await service.http.request(
            method,
            path,
            json={"query": TIERS} if method == "POST" else None,
            headers={b"authorization": header.encode("latin-1")},
        )

        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == 'Bearer realm="billing"'
        assert code_of(answer.json()) == "UNAUTHENTICATED" if path == "/graphql" else answer.json()["error"]["code"]


async def test_two_credentials_are_none(service: Service) -> None:
    answer = await service.http.post(
        "/graphql", json={"query": TIERS}, headers=[("authorization", f"Bearer {ADMIN_KEY}")] * 2
    )

    assert answer.status_code == 401


async def test_rest_asks_for_the_scope_of_the_verb_it_stands_for(service: Service, entity_id: str) -> None:
    reader = await asker(service, "CUSTOMERS_READ")
    entity = {"id": entity_id, "type": "user", "name": "Ada", "email": "ada@example.com"}

    listed_ = await service.http.get("/api/customers", headers=reader.headers)
    refused = [
        await service.http.post("/api/onboard", json={"entity": entity}, headers=reader.headers),
        await service.http.post(
            "/api/tier/change", json={"entityId": entity_id, "newTier": "pro"}, headers=reader.headers
        ),
    ]

    assert listed_.status_code == 200
    assert [answer.status_code for answer in refused] == [403, 403]
    assert refused[0].json() == {"error": {"code": "FORBIDDEN", "message": "This needs the scope billing:write."}}


async def test_health_and_webhooks_need_no_key(service: Service) -> None:
    anonymous = {"authorization": ""}

    live = await service.http.get("/health", headers=anonymous)
    ready = await service.http.get("/health/ready", headers=anonymous)
    unsigned = await service.http.post("/webhooks/stripe", json={}, headers=anonymous)

    assert (live.status_code, ready.status_code) == (200, 200)
    assert unsigned.json()["error"]["code"] == "BAD_SIGNATURE"
