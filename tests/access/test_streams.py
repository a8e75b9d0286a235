"""Subscriptions on real sockets: a token watches its own customer, and a stream ends with what opened it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import orjson
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from access.keys import create_key, revoke_key
from access.scopes import Scope
from mock_kit.clock import Clock
from models import ApiKey
from tests.access.asking import everything_below, root_fields
from tests.access.test_customer_tokens import MINT
from tests.keys import ADMIN_KEY, ADMIN_KEY_ID, AS_ADMIN, bearer
from tests.live.serving import Mocks, Server, mocks, serving
from tests.live.watching import PLAIN_ACTIVITY, Event, Refused, Watcher, eventually, server_sent, socket

Headers = dict[str, str]

CHECKED_OFTEN = 0.02
WATCH = "subscription { activity { kind } }"


@pytest.fixture
async def before() -> AsyncIterator[Mocks]:
    async with mocks() as running:
        yield running


@pytest.fixture
async def server(sqlite_url: str, tmp_path: Path, before: Mocks) -> AsyncIterator[Server]:
    async with serving(
        sqlite_url, tmp_path, before, stream_check_seconds=CHECKED_OFTEN, graphql_max_cost=100_000
    ) as running:
        yield running


async def test_a_token_hears_of_its_own_customer_alone(server: Server) -> None:
    await server.onboard("alice")
    minted = await server.http.post("/graphql", json={"query": MINT, "variables": {"input": {"entityId": "alice"}}})
    token = bearer(minted.json()["data"]["mintCustomerToken"]["token"])

    (activity,) = [root for root in root_fields() if root.name == "activity"]
    async with socket(server.address, payload=token) as opened:
        watcher = await opened.subscribe(f"subscription {{ activity {{ {everything_below(activity)} }} }}")
        first = await watcher.next()
        await server.onboard("bob")
        await server.http.post(
            "/graphql", json={"query": 'mutation { cancel(input: {entityId: "alice"}) { userErrors { code } } }'}
        )
        heard = [first, *await watcher.until("operation.succeeded")]

    assert {event["entityId"] for event in heard} == {"alice"}
    assert "bob" not in str(heard)


async def test_a_stream_ends_with_the_first_event_after_its_key_was_revoked(
    sqlite_url: str, tmp_path: Path, before: Mocks
) -> None:
    async with serving(sqlite_url, tmp_path, before, stream_check_seconds=300) as server:
        made = await create_key("watcher", [Scope.CUSTOMERS_READ], live=False, at=server.app.state.tools.now())

        async with socket(server.address, payload=bearer(made.secret.get_secret_value())) as opened:
            watcher = await opened.subscribe(PLAIN_ACTIVITY)
            assert (await watcher.next())["kind"] == "present"
            await revoke_key(made.row.id, at=server.app.state.tools.now())
            await server.onboard("carol")
            with pytest.raises(Refused) as ended:
                await watcher.next()
            again = await opened.subscribe(PLAIN_ACTIVITY, name="2")
            with pytest.raises(Refused) as refused:
                await again.next()

    assert (ended.value.code, refused.value.code) == ("UNAUTHENTICATED", "UNAUTHENTICATED")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What opens a stream, and how it comes to its end."""

    headers: Headers
    end: Callable[[], Awaitable[object]]


async def revoked_key(server: Server, _: Clock) -> Credentials:
    now = server.app.state.tools.now
    made = await create_key("watcher", [Scope.CUSTOMERS_READ], live=False, at=now())
    return Credentials(bearer(made.secret.get_secret_value()), lambda: revoke_key(made.row.id, at=now()))


async def expired_key(server: Server, clock: Clock) -> Credentials:
    now = server.app.state.tools.now()
    until = now + timedelta(minutes=5)
    made = await create_key("watcher", [Scope.CUSTOMERS_READ], live=False, at=now, expires_at=until)
    return Credentials(bearer(made.secret.get_secret_value()), ahead(clock, timedelta(minutes=5)))


async def expired_token(server: Server, clock: Clock) -> Credentials:
    await server.onboard("dora")
    return Credentials(await token(server, "dora"), ahead(clock, timedelta(seconds=61)))


async def token_of_a_revoked_key(server: Server, clock: Clock) -> Credentials:
    await server.onboard("emil")
    made = await create_key("minter", [Scope.ADMIN], live=False, at=server.app.state.tools.now())
    minted = await token(server, "emil", headers=bearer(made.secret.get_secret_value()))
    return Credentials(minted, lambda: revoke_key(made.row.id, at=clock.now()))


async def ended_session(server: Server, _: Clock) -> Credentials:
    own_page = {"origin": f"http://{server.address}", "x-requested-with": "tests"}
    async with httpx.AsyncClient(base_url=f"http://{server.address}", headers=own_page, timeout=60) as browser:
        signed_in = await browser.post("/session", json={"key": ADMIN_KEY})
    headers = {**own_page, "cookie": signed_in.headers["set-cookie"].partition(";")[0]}

    async def sign_out() -> None:
        async with httpx.AsyncClient(base_url=f"http://{server.address}", headers=headers, timeout=60) as browser:
            assert (await browser.delete("/session")).is_success

    return Credentials(headers, sign_out)


async def token(server: Server, entity_id: str, *, headers: Headers = AS_ADMIN) -> Headers:
    given = {"input": {"entityId": entity_id, "ttlSeconds": 60}}
    minted = await server.http.post("/graphql", json={"query": MINT, "variables": given}, headers=headers)
    return bearer(minted.json()["data"]["mintCustomerToken"]["token"])


def ahead(clock: Clock, time: timedelta) -> Callable[[], Awaitable[None]]:
    async def move() -> None:
        clock.advance(time)

    return move


@asynccontextmanager
async def opened_with(server: Server, headers: Headers) -> AsyncIterator[tuple[Watcher, AsyncIterator[Event]]]:
    """The same subscription over a WebSocket and as server-sent events."""
    async with (
        socket(server.address, payload={}, headers=headers) as opened,
        server_sent(server.address, WATCH, headers=headers) as events,
    ):
        yield await opened.subscribe(WATCH), events


ENDINGS = [revoked_key, expired_key, expired_token, token_of_a_revoked_key, ended_session]


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda each: each.__name__)
async def test_a_stream_in_which_nothing_happens_ends_with_what_opened_it(
    server: Server, before: Mocks, ending: Callable[[Server, Clock], Awaitable[Credentials]]
) -> None:
    credentials = await ending(server, before.clock)
    async with opened_with(server, credentials.headers) as (watcher, events):
        assert (await watcher.next(), await anext(events)) == ({"kind": "present"}, {"kind": "present"})
        await credentials.end()
        with pytest.raises(Refused) as by_socket:
            await watcher.next()
        with pytest.raises(Refused) as by_events:
            await anext(events)
        await eventually(lambda: server.feed.watched_by == 0)

    assert (by_socket.value.code, by_events.value.code) == ("UNAUTHENTICATED", "UNAUTHENTICATED")


async def test_a_stream_in_which_nothing_happens_goes_on_while_its_key_is_good(server: Server, before: Mocks) -> None:
    async with opened_with(server, AS_ADMIN) as (watcher, events):
        assert (await watcher.next(), await anext(events)) == ({"kind": "present"}, {"kind": "present"})
        before.clock.advance(timedelta(hours=1))
        await eventually(lambda: was_used_after(before.clock.now() - timedelta(minutes=1)))  # so it was asked for
        await server.onboard("finn")
        heard = [await watcher.next(), await anext(events)]

    assert heard[0] == heard[1] == {"kind": "operation.accepted"}


async def was_used_after(moment: datetime) -> bool:
    used = (await ApiKey.get(id=ADMIN_KEY_ID)).last_used_at
    return used is not None and used > moment


@pytest.mark.parametrize("payload", [None, {}, bearer("bk_test_nothing"), {"authorization": 7}])
async def test_a_stranger_is_sent_away_when_the_connection_begins(server: Server, payload: Headers | None) -> None:
    url = f"ws://{server.address}/graphql"
    async with connect(url, subprotocols=[Subprotocol("graphql-transport-ws")]) as connection:
        await connection.send(orjson.dumps({"type": "connection_init", "payload": payload}).decode())
        with pytest.raises(ConnectionClosed) as closed:
            await connection.recv()

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4403
