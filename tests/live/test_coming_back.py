"""A client that comes back with its last cursor misses nothing and sees nothing twice, whatever cut it off."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from models import Activity
from operations.activity import prune_activity
from resolvers.live import encode_cursor
from tests.live.rows import NOON, happen
from tests.live.serving import Mocks, Server, mocks, serving
from tests.live.watching import (
    ACTIVITY,
    OPERATION,
    PLAIN_ACTIVITY,
    Event,
    Refused,
    cursors,
    eventually,
    kinds,
    server_sent,
    watching,
)

CUSTOMERS = 8


@pytest.fixture
async def before() -> AsyncIterator[Mocks]:
    async with mocks() as found:
        yield found


@dataclass
class Current:
    """The server there is at the moment, if any."""

    server: Server | None = None


@dataclass
class Devoted:
    """Watches all activity, comes back whenever it is disconnected, and leaves by itself after `stay` events."""

    current: Current
    stay: int
    server_sent: bool
    events: list[Event] = field(default_factory=list)
    ended_by_server: int = 0

    @property
    def finished(self) -> int:
        return kinds(self.events).count("operation.succeeded")

    async def watch(self, finished: int) -> None:
        while self.finished < finished:
            await eventually(lambda: self.current.server is not None)
            assert self.current.server is not None
            after = self.events[-1]["cursor"] if self.events else None
            try:
                async with asyncio.timeout(240):
                    await self._visit(self.current.server.address, after, finished)
            except (ConnectionClosed, OSError, httpx.TransportError) as gone:
                self.ended_by_server += isinstance(gone, ConnectionClosed) and gone.rcvd is not None
            except Refused as refusal:
                if refusal.code != "STOPPING":
                    raise
                self.ended_by_server += 1

    async def _visit(self, address: str, after: str | None, finished: int) -> None:
        if self.server_sent:
            async with server_sent(address, PLAIN_ACTIVITY, after=after) as stream:
                await self._stay(stream.__anext__, finished)
        else:
            async with watching(address, ACTIVITY, after=after) as watcher:
                await self._stay(watcher.next, finished)

    async def _stay(self, take: Callable[[], Awaitable[Event]], finished: int) -> None:
        for _ in range(self.stay):
            self.events.append(await take())
            if self.finished == finished:
                return


async def onboard_whatever_happens(current: Current, entity_id: str) -> None:
    """Asks again until it is answered: the same request is the same operation."""
    while True:
        server = current.server
        with suppress(httpx.TransportError):
            if server is not None:
                await server.onboard(entity_id)
                return
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("over_sse", [False, True], ids=["websocket", "sse"])
async def test_across_disconnects_and_a_restart_of_the_server(
    database_url: str, tmp_path: Path, before: Mocks, over_sse: bool
) -> None:
    current = Current()
    steadfast = Devoted(current, stay=10_000, server_sent=over_sse)
    restless = Devoted(current, stay=3, server_sent=over_sse)
    async with asyncio.TaskGroup() as running:
        async with serving(database_url, tmp_path, before, operation_wait_seconds=0) as current.server:
            watchers = [running.create_task(each.watch(CUSTOMERS)) for each in (steadfast, restless)]
            await eventually(lambda: bool(steadfast.events and restless.events))
            for number in range(CUSTOMERS):
                running.create_task(onboard_whatever_happens(current, f"user_{number}"))
            await eventually(lambda: len(steadfast.events) > 10)
            current.server = None
        assert steadfast.finished < CUSTOMERS
        async with serving(database_url, tmp_path, before) as current.server:
            await asyncio.wait_for(asyncio.gather(*watchers), timeout=240)
            happened = [encode_cursor(row[0]) for row in await Activity.all().order_by("id").values_list("id")]
            current.server = None
    for watcher in (steadfast, restless):
        assert kinds(watcher.events)[0] == "present"
        assert "present" not in kinds(watcher.events)[1:]
        assert cursors(watcher.events)[1:] == happened[: len(watcher.events) - 1]
        assert watcher.finished == CUSTOMERS
    assert steadfast.ended_by_server == 1


async def test_a_cursor_of_one_server_is_good_at_another(database_url: str, tmp_path: Path, before: Mocks) -> None:
    async with serving(database_url, tmp_path, before) as server, watching(server.address, ACTIVITY) as watcher:
        start = await watcher.next()
        operation_id = (await server.onboard("user_1"))["operation"]["id"]
        seen = await watcher.until("operation.succeeded")
    async with (
        serving(database_url, tmp_path, before) as server,
        watching(server.address, OPERATION, id=operation_id, after=start["cursor"]) as again,
    ):
        assert cursors(await again.rest()) == cursors(seen)


async def test_a_cursor_older_than_what_is_kept_is_refused(database_url: str, tmp_path: Path, before: Mocks) -> None:
    async with serving(database_url, tmp_path, before) as server:
        async with watching(server.address, PLAIN_ACTIVITY) as watcher:
            start = await watcher.next()
            await happen("old", "older", at=NOON.replace(year=2020))
            await happen("kept", at=NOON)
            _, second, kept = [await watcher.next() for _ in range(3)]
        assert await prune_activity(NOON) == 2
        async with watching(server.address, PLAIN_ACTIVITY, after=start["cursor"]) as watcher:
            with pytest.raises(Refused, match="older than what is kept") as refusal:
                await watcher.next()
        assert refusal.value.code == "BAD_USER_INPUT"
        async with watching(server.address, PLAIN_ACTIVITY, after=second["cursor"]) as watcher:
            assert await watcher.next() == kept
