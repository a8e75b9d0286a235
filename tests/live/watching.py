"""Clients of the subscriptions: `graphql-transport-ws` and server-sent events, on real sockets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.keys import AS_ADMIN

EVENT = """
  cursor at kind summary customerId entityId operationId
  customer { entityId credits { balance } subscription { status } operations(first: 1) { status } }
  operation { id status steps { name state } }
"""
ACTIVITY = f"subscription ($after: String) {{ activity(after: $after) {{ {EVENT} }} }}"
PLAIN_ACTIVITY = "subscription ($after: String) { activity(after: $after) { cursor kind summary } }"
CUSTOMER = f"""subscription ($entityId: String!, $after: String) {{
  customerChanged(entityId: $entityId, after: $after) {{ {EVENT} }} }}"""
OPERATION = f"subscription ($id: ID!, $after: String) {{ operationProgress(id: $id, after: $after) {{ {EVENT} }} }}"

Event = dict[str, Any]


class Refused(Exception):  # noqa: N818  named for what happened
    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["message"])
        self.code = error["extensions"]["code"]


class Completed(Exception):  # noqa: N818  as above
    """The server has said that nothing more will come."""


@dataclass
class Socket:
    """One WebSocket, several subscriptions."""

    connection: ClientConnection
    _messages: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    async def subscribe(self, query: str, *, name: str = "1", **variables: Any) -> "Watcher":
        payload = {"query": query, "variables": variables}
        await self.send({"id": name, "type": "subscribe", "payload": payload})
        self._messages[name] = []
        return Watcher(self, name)

    async def send(self, message: object) -> None:
        await self.connection.send(orjson.dumps(message).decode())

    def heard_of(self, name: str) -> list[dict[str, Any]]:
        return self._messages[name]

    async def receive(self, name: str) -> dict[str, Any]:
        while not self._messages[name]:
            message = orjson.loads(await asyncio.wait_for(self.connection.recv(), timeout=120))
            self._messages[message["id"]].append(message)
        return self._messages[name].pop(0)


@dataclass
class Watcher:
    socket: Socket
    name: str

    async def next(self) -> Event:
        message = await self.socket.receive(self.name)
        if message["type"] == "complete":
            raise Completed
        if message["type"] == "error":
            raise Refused(message["payload"][0])
        return event_of(message["payload"])

    async def until(self, kind: str) -> list[Event]:
        """All events up to the first of that kind."""
        events = [await self.next()]
        while events[-1]["kind"] != kind:
            events.append(await self.next())
        return events

    async def rest(self) -> list[Event]:
        """All events until the server completes."""
        events: list[Event] = []
        try:
            while True:
                events.append(await self.next())
        except Completed:
            return events


def event_of(result: dict[str, Any]) -> Event:
    if errors := result.get("errors"):
        raise Refused(errors[0])
    [event] = result["data"].values()
    assert isinstance(event, dict)
    return event


@asynccontextmanager
async def socket(
    address: str, *, payload: Mapping[str, str] = AS_ADMIN, headers: Mapping[str, str] | None = None
) -> AsyncIterator[Socket]:
    protocols = [Subprotocol("graphql-transport-ws")]
    async with connect(f"ws://{address}/graphql", subprotocols=protocols, additional_headers=headers) as connection:
        opened = Socket(connection)
        await opened.send({"type": "connection_init", "payload": dict(payload)})
        assert orjson.loads(await connection.recv()) == {"type": "connection_ack"}
        yield opened


@asynccontextmanager
async def watching(address: str, query: str, **variables: Any) -> AsyncIterator[Watcher]:
    async with socket(address) as opened:
        yield await opened.subscribe(query, **variables)


@asynccontextmanager
async def server_sent(
    address: str, query: str, *, headers: Mapping[str, str] = AS_ADMIN, **variables: Any
) -> AsyncIterator[AsyncIterator[Event]]:
    async with (
        httpx.AsyncClient(base_url=f"http://{address}", timeout=120) as http,
        http.stream(
            "POST",
            "/graphql",
            json={"query": query, "variables": variables},
            headers={"accept": "text/event-stream", **headers},
        ) as response,
    ):
        assert response.headers["content-type"] == "text/event-stream"
        yield _events_in(response)


async def _events_in(response: httpx.Response) -> AsyncIterator[Event]:
    async for line in response.aiter_lines():
        if line == "event: complete":
            return
        if line.startswith("data: {"):
            yield event_of(orjson.loads(line.removeprefix("data: ")))


def kinds(events: list[Event]) -> list[str]:
    return [event["kind"] for event in events]


def cursors(events: list[Event]) -> list[str]:
    return [event["cursor"] for event in events]


async def eventually(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    async with asyncio.timeout(120):
        while True:
            found = condition()
            if await found if isinstance(found, Awaitable) else found:
                return
            await asyncio.sleep(0.01)
