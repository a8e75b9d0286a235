"""Connections that end: by the client in any state, by the server's stop, by a client that stopped reading."""

import asyncio
import socket as sockets
from contextlib import AsyncExitStack
from dataclasses import replace

import orjson
import pytest
from starlette.types import Message, Receive, Scope, Send
from structlog.testing import capture_logs
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from app.live import CutOffStalled
from operations.live import Feed
from tests.keys import AS_ADMIN
from tests.live.rows import happen
from tests.live.serving import Server, listening
from tests.live.watching import (
    ACTIVITY,
    PLAIN_ACTIVITY,
    Refused,
    cursors,
    eventually,
    kinds,
    server_sent,
    socket,
    watching,
)


def tasks() -> int:
    return len(asyncio.all_tasks())


async def test_many_clients_see_the_same_and_leave_nothing_behind(server: Server, entity_id: str) -> None:
    before = tasks()
    async with asyncio.TaskGroup() as watchers:
        watching_all = [watchers.create_task(twenty(server)) for _ in range(10)]
        await eventually(lambda: server.feed.watched_by == 200)
        await server.onboard(entity_id)
    seen = [cursors(events) for each in watching_all for events in each.result()]
    assert len(seen) == 200
    assert len(seen[0]) > 8
    assert all(each == seen[0] for each in seen)
    await eventually(lambda: server.feed.watched_by == 0)
    await eventually(lambda: tasks() <= before)


async def twenty(server: Server) -> list[list[dict[str, object]]]:
    """Subscriptions on one connection, from their start to the end of an operation."""
    async with socket(server.address) as opened:
        watchers = [await opened.subscribe(PLAIN_ACTIVITY, name=str(number)) for number in range(20)]
        for watcher in watchers:
            assert (await watcher.next())["kind"] == "present"
        return [await watcher.until("operation.succeeded") for watcher in watchers]


# A cancelled execution leaves graphql-core with resolvers it called and did not come to await. They hold nothing yet.
@pytest.mark.filterwarnings("ignore:.*_async_resolver:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("frames", range(4))
@pytest.mark.parametrize("politely", [True, False])
async def test_a_client_that_leaves_in_any_state_leaves_nothing_behind(
    server: Server, frames: int, politely: bool
) -> None:
    sent = [
        {"type": "connection_init", "payload": AS_ADMIN},
        {"id": "1", "type": "subscribe", "payload": {"query": PLAIN_ACTIVITY}},
        {"id": "2", "type": "subscribe", "payload": {"query": ACTIVITY}},
        {"id": "1", "type": "complete"},
    ]
    before = tasks()
    with capture_logs() as logs:
        for turns in range(0, 60, 6):
            connection = await connect(
                f"ws://{server.address}/graphql", subprotocols=[Subprotocol("graphql-transport-ws")]
            )
            for frame in sent[: frames + 1]:
                await connection.send(orjson.dumps(frame).decode())
            for _ in range(turns):
                await asyncio.sleep(0)
            if politely:
                await connection.close()
            else:
                connection.transport.abort()
            await connection.wait_closed()
        await eventually(lambda: server.feed.watched_by == 0)
        await eventually(lambda: tasks() <= before)
    assert [line for line in logs if line["log_level"] in ("warning", "error")] == []
    await happen("still here")


async def test_a_client_of_events_that_leaves_leaves_nothing_behind(server: Server) -> None:
    before = tasks()
    for _ in range(3):
        async with server_sent(server.address, ACTIVITY) as stream:
            assert (await anext(stream))["kind"] == "present"
    await happen("next")  # a server learns of a client's leave when it next sends something, at the latest
    await eventually(lambda: server.feed.watched_by == 0)
    await eventually(lambda: tasks() <= before)


async def test_a_stop_of_the_server_ends_both_kinds_of_streams_at_once(server: Server) -> None:
    """Sockets are closed with 1012, on which clients come back; a stream of events says so in its last one."""
    feed = Feed()
    original = server.app.state.parts
    server.app.state.parts = replace(original, feed=feed)
    async with AsyncExitStack() as clients:
        clients.callback(setattr, server.app.state, "parts", original)
        clients.push_async_callback(feed.stop)
        feed.start()
        async with listening(server.app, feed.end_streams) as address:
            watcher = await clients.enter_async_context(watching(address, ACTIVITY))
            stream = await clients.enter_async_context(server_sent(address, ACTIVITY))
            assert kinds([await watcher.next(), await anext(stream)]) == ["present", "present"]
        with pytest.raises(ConnectionClosed) as closing:
            await watcher.next()
        with pytest.raises(Refused) as refusal:
            await anext(stream)
    assert closing.value.rcvd is not None
    assert closing.value.rcvd.code == 1012
    assert refusal.value.code == "STOPPING"
    assert feed.watched_by == 0


def _nothing_to_end() -> None:
    return None


class Talker:
    """Sends on and on, whether anybody reads or not."""

    def __init__(self) -> None:
        self.left = asyncio.Event()
        self.has_said_enough = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._talk(scope, send)
        finally:
            self.left.set()

    async def _talk(self, scope: Scope, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
            chunk: Message = {"type": "websocket.send", "text": "x" * 65_536}
        else:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            chunk = {"type": "http.response.body", "body": b"x" * 65_536, "more_body": True}
        while not self.has_said_enough:
            await send(chunk)
            await asyncio.sleep(0)


REQUESTS = {
    "http": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "websocket": (
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ),
}


@pytest.mark.parametrize("kind", REQUESTS)
async def test_a_client_that_stops_reading_is_given_up(kind: str) -> None:
    talker = Talker()
    with sockets.socket() as client:
        async with listening(CutOffStalled(talker, seconds=0.1), _nothing_to_end) as address:
            host, port = address.split(":")
            client.connect((host, int(port)))
            client.sendall(REQUESTS[kind])
            with capture_logs() as logs:
                await asyncio.wait_for(talker.left.wait(), timeout=60)
            client.close()
    assert [line["event"] for line in logs] == ["http.client_stalled"]


async def test_a_client_that_reads_is_not_given_up_however_long_it_takes() -> None:
    talker = Talker()
    async with listening(CutOffStalled(talker, seconds=1.0), _nothing_to_end) as address:
        host, port = address.split(":")
        with sockets.socket() as client:
            client.connect((host, int(port)))
            client.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(client, REQUESTS["http"])
            started = loop.time()
            while loop.time() < started + 2.5:  # far longer than it may stall
                assert await loop.sock_recv(client, 65_536)
            assert not talker.left.is_set()
            talker.has_said_enough = True


async def test_a_fault_of_the_application_s_own_is_not_taken_for_a_stalled_client() -> None:
    async def slow_database(scope: Scope, receive: Receive, send: Send) -> None:
        raise TimeoutError("the database")

    async def nothing(message: Message) -> None:
        return None

    async def nobody() -> Message:
        return {"type": "http.disconnect"}

    with pytest.raises(TimeoutError, match="the database"):
        await CutOffStalled(slow_database)({"type": "http", "path": "/"}, nobody, nothing)
