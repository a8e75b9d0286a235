"""Signing in with a browser: what the cookie is like, what it opens, and from where it does not count."""

from collections.abc import AsyncIterator
from datetime import timedelta
from http.cookies import Morsel, SimpleCookie

import httpx
import orjson
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from models import Session
from tests.access.asking import new_key
from tests.keys import ADMIN_KEY, ADMIN_KEY_ID
from tests.live.serving import listening
from tests.service import SERVICE, Service

OWN = {"origin": SERVICE}
TIERS = {"query": "{ tiers { tier } }"}


def cookie_of(answer: httpx.Response) -> Morsel[str]:
    (found,) = SimpleCookie(answer.headers["set-cookie"]).values()
    return found


@pytest.fixture
async def browser(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """Keeps cookies and has no key."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(service.app), base_url=SERVICE) as http:
        yield http


async def sign_in(browser: httpx.AsyncClient, key: str = ADMIN_KEY) -> httpx.Response:
    return await browser.post("/session", json={"key": key}, headers=OWN)


async def test_a_browser_trades_a_key_for_a_session_and_is_who_the_key_is(browser: httpx.AsyncClient) -> None:
    answer = await sign_in(browser)

    cookie = cookie_of(answer)
    assert (answer.status_code, answer.json()["keyId"], answer.json()["name"]) == (200, ADMIN_KEY_ID, "tests")
    assert (cookie.key, cookie["httponly"], cookie["samesite"], cookie["path"]) == (
        "billing_session",
        True,
        "Strict",
        "/",
    )
    assert not cookie["secure"]
    assert (await browser.post("/graphql", json=TIERS, headers=OWN)).json()["data"]["tiers"]
    who = (await browser.get("/session")).json()
    assert (who["kind"], who["name"], who["expiresAt"]) == ("SESSION", "tests", answer.json()["expiresAt"])
    assert "admin" in who["scopes"]


async def test_the_token_of_a_session_is_stored_as_a_hash(browser: httpx.AsyncClient) -> None:
    token = cookie_of(await sign_in(browser)).value

    rows = await Session.all().values()

    assert len(token) == 43
    assert token not in str(rows)


async def test_signing_out_ends_the_session_also_for_whoever_kept_the_cookie(browser: httpx.AsyncClient) -> None:
    token = cookie_of(await sign_in(browser)).value

    answer = await browser.delete("/session", headers={**OWN, "x-requested-with": "tests"})
    browser.cookies.set("billing_session", token)

    assert (answer.status_code, cookie_of(answer)["max-age"]) == (204, "0")
    assert (await browser.get("/session")).status_code == 401


async def test_a_session_ends_in_time(service: Service, browser: httpx.AsyncClient) -> None:
    await sign_in(browser)

    service.clock.advance(timedelta(hours=11, minutes=59))
    before = await browser.get("/session")
    service.clock.advance(timedelta(minutes=2))
    after = await browser.get("/session")

    assert (before.status_code, after.status_code) == (200, 401)


async def test_a_session_ends_with_its_key(service: Service, browser: httpx.AsyncClient) -> None:
    made = await new_key(service, "CUSTOMERS_READ")
    await sign_in(browser, made["secret"])
    revoke = "mutation($id: ID!) { revokeApiKey(input: {id: $id}) { userErrors { code } } }"

    before = await browser.get("/session")
    await service.graphql(revoke, id=made["apiKey"]["id"])
    after = await browser.get("/session")

    assert (before.status_code, after.status_code) == (200, 401)


@pytest.mark.parametrize(
    ("content", "status"),
    [
        ({"key": "bk_test_nothing"}, 401),
        ({"key": ""}, 401),
        ({"key": 7}, 400),
        ({}, 400),
        ([], 400),
        ({"key": ADMIN_KEY, "more": 1}, 400),
    ],
)
async def test_nobody_signs_in_without_a_good_key(browser: httpx.AsyncClient, content: object, status: int) -> None:
    answer = await browser.post("/session", json=content, headers=OWN)

    assert (answer.status_code, "set-cookie" in answer.headers) == (status, False)
    assert ADMIN_KEY not in answer.text


FORGED = [
    {},
    {"origin": "null"},
    {"origin": "https://evil.example"},
    {"origin": "http://service.test:8080"},
    {"origin": "https://service.test"},
    {"origin": "http://service.test.evil.example"},
    {"origin": SERVICE, "sec-fetch-site": "cross-site"},
    {"origin": SERVICE, "sec-fetch-site": "same-site"},
]


@pytest.mark.parametrize("headers", FORGED)
async def test_a_cookie_sent_from_elsewhere_does_not_count(browser: httpx.AsyncClient, headers: dict[str, str]) -> None:
    await sign_in(browser)

    answers = [
        await browser.post("/graphql", json=TIERS, headers=headers),
        await browser.post("/api/onboard", json={}, headers=headers),
        await browser.delete("/session", headers={**headers, "x-requested-with": "tests"}),
    ]

    assert [answer.status_code for answer in answers] == [401, 401, 401]
    assert (await browser.get("/session")).status_code == 200


async def test_a_form_on_our_own_origin_changes_nothing_either(browser: httpx.AsyncClient) -> None:
    await sign_in(browser)

    answer = await browser.delete("/session", headers=OWN)

    assert answer.status_code == 401


async def test_nobody_is_signed_in_from_elsewhere(browser: httpx.AsyncClient) -> None:
    answer = await browser.post("/session", json={"key": ADMIN_KEY}, headers={"origin": "https://evil.example"})

    assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)


async def test_over_a_websocket_the_cookie_counts_from_our_own_pages_alone(
    service: Service, browser: httpx.AsyncClient
) -> None:
    token = cookie_of(await sign_in(browser)).value
    async with listening(service.app, service.app.state.feed.end_streams) as address:

        async def greeted(origin: str | None) -> object:
            headers = {"cookie": f"billing_session={token}"} | ({"origin": origin} if origin else {})
            protocols = [Subprotocol("graphql-transport-ws")]
            async with connect(f"ws://{address}/graphql", subprotocols=protocols, additional_headers=headers) as ws:
                await ws.send('{"type": "connection_init"}')
                return orjson.loads(await ws.recv())

        assert await greeted(f"http://{address}") == {"type": "connection_ack"}
        with pytest.raises(ConnectionClosed, match="4403"):
            await greeted(None)
        with pytest.raises(InvalidStatus, match="403"):
            await greeted("https://evil.example")
