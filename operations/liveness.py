"""Which workers are alive: each holds a lock for as long as its process lives, and the lock is the proof.

A worker takes the lowest free slot, so that one that was killed finds its own unfinished work under the same name
when it is started again. A slot whose lock can be taken belongs to nobody alive.
"""

import fcntl
import os
from pathlib import Path
from typing import IO, Protocol

import asyncpg

_LOCK_SPACE = 0x62696C6C  # "bill": keeps our advisory locks apart from anybody else's
_CHECK_SECONDS = 5.0
# A worker whose machine vanished sends no farewell: without these the server would keep its lock for two hours.
_NOTICE_DEATH = {"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"}
# The internal one: the server's farewell was in the socket before we asked (asyncpg was in the middle of reading it).
_CONNECTION_LOST = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
)


class TooManyWorkers(Exception):  # noqa: N818 - named for what is wrong, as all our errors
    """Said to the operator in one line."""


class SlotLost(Exception):  # noqa: N818 - same
    def __init__(self, slot: int) -> None:
        super().__init__(f"Another process holds {executor_id(slot)}, the name this one works under.")


class Slots(Protocol):
    count: int

    async def take(self, slot: int) -> bool: ...

    async def give_back(self, slot: int) -> None: ...

    async def check(self) -> bool:
        """Make sure that what was taken is still held. False when it was not for a while; raises `SlotLost`."""

    async def close(self) -> None: ...

    def all_taken(self) -> TooManyWorkers: ...


class FileSlots:
    """The one slot of a folder with SQLite files; the kernel lets go of it when the process ends, however it ends.

    One, because SQLite has one writer: a second process would only stand in the way of the first.
    """

    count = 1

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[int, IO[str]] = {}

    async def take(self, slot: int) -> bool:
        if slot in self._held:
            return False
        path = self._folder / f"{executor_id(slot)}.lock"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        lock = os.fdopen(descriptor, "w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return False
        self._held[slot] = lock
        return True

    async def give_back(self, slot: int) -> None:
        self._held.pop(slot).close()

    async def check(self) -> bool:
        return True  # the kernel takes it from nobody

    async def close(self) -> None:
        for slot in list(self._held):
            await self.give_back(slot)

    def all_taken(self) -> TooManyWorkers:
        return TooManyWorkers(
            f"another process is running on {self._folder}: SQLite serves one at a time. "
            "Stop it, or set DATABASE_URL to PostgreSQL to run several."
        )


class PostgresSlots:
    """Session advisory locks on one connection of their own; the server frees them when it goes."""

    count = 64

    def __init__(self, url: str, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._url = url
        self._connection = connection
        self._held: set[int] = set()

    @classmethod
    async def connect(cls, url: str) -> "PostgresSlots":
        return cls(url, await _connection(url))

    async def take(self, slot: int) -> bool:
        if slot in self._held:
            return False
        taken = await self._lock(slot)
        if taken:
            self._held.add(slot)
        return taken

    async def give_back(self, slot: int) -> None:
        self._held.discard(slot)
        await self._connection.execute("SELECT pg_advisory_unlock($1, $2)", _LOCK_SPACE, slot)

    async def check(self) -> bool:
        """A connection that broke took its locks along: take them again, unless somebody was faster."""
        try:
            await self._connection.execute("SELECT 1", timeout=_CHECK_SECONDS)
        except _CONNECTION_LOST:
            self._connection.terminate()
            self._connection = await _connection(self._url)
            await self._take_again()
            return False
        return True

    async def _take_again(self) -> None:
        for slot in self._held:
            if not await self._lock(slot):
                self._connection.terminate()  # so that the next check tries once more
                raise SlotLost(slot)

    async def _lock(self, slot: int) -> bool:
        return bool(await self._connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", _LOCK_SPACE, slot))

    async def close(self) -> None:
        # Not politely: a connection that hangs must not keep the process from ending.
        try:
            await self._connection.close(timeout=_CHECK_SECONDS)
        except _CONNECTION_LOST:
            self._connection.terminate()

    def all_taken(self) -> TooManyWorkers:
        return TooManyWorkers(f"all {self.count} worker slots are taken by running processes.")


async def _connection(url: str) -> "asyncpg.Connection[asyncpg.Record]":
    return await asyncpg.connect(url, timeout=_CHECK_SECONDS, server_settings=_NOTICE_DEATH)


async def take_lowest(slots: Slots) -> int:
    for slot in range(slots.count):
        if await slots.take(slot):
            return slot
    raise slots.all_taken()


def executor_id(slot: int) -> str:
    return f"worker-{slot}"
