"""Subscriptions on real sockets: a token watches its own customer, and a stream ends with what opened it."""

from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from access.keys import create_key, revoke_key
from access.scopes import Scope
from tests.access.test_customer_tokens import MINT
from tests.keys import bearer
from tests.live.serving import Server, mocks, serving
from tests.live.watching import PLAIN_ACTIVITY, Refused, socket

Headers = dict[str, str]


@pytest.fixture
async def server(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Server]:
    async with mocks() as before, serving(sqlite_url, tmp_path, before) as running:
        yield running


async def test_a_token_hears_of_its_own_customer_alone(server: Server) -> None:
    await server.onboard("alice")
    minted = await server.http.post("/graphql", json={"query": MINT, "variables": {"input": {"entityId": "alice"}}})
    token = bearer(minted.json()["data"]["mintCustomerToken"]["token"])

    async with socket(server.address, payload=token) as opened:
        watcher = await opened.subscribe("subscription { activity { kind entityId } }")
        first = await watcher.next()
        await server.onboard("bob")
        await server.http.post(
            "/graphql", json={"query": 'mutation { cancel(input: {entityId: "alice"}) { userErrors { code } } }'}
        )
        heard = [first, *await watcher.until("operation.succeeded")]

    assert {event["entityId"] for event in heard} == {"alice"}


async def test_a_stream_ends_with_the_first_event_after_its_key_was_revoked(server: Server) -> None:
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


@pytest.mark.parametrize("payload", [None, {}, bearer("bk_test_nothing"), {"authorization": 7}])
async def test_a_stranger_is_sent_away_when_the_connection_begins(server: Server, payload: Headers | None) -> None:
    url = f"ws://{server.address}/graphql"
    async with connect(url, subprotocols=[Subprotocol("graphql-transport-ws")]) as connection:
        await connection.send(orjson.dumps({"type": "connection_init", "payload": payload}).decode())
        with pytest.raises(ConnectionClosed) as closed:
            await connection.recv()

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4403
