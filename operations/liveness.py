"""Which workers are alive: each holds a lock for as long as its process lives, and the lock is the proof.

A worker takes the lowest free slot, so that one that was killed finds its own unfinished work under the same name
when it is started again. A slot whose lock can be taken belongs to nobody alive.
"""

import fcntl
import os
from pathlib import Path
from typing import IO, Protocol

import asyncpg

MAX_SLOTS = 64
_LOCK_SPACE = 0x62696C6C  # "bill": keeps our advisory locks apart from anybody else's


class TooManyWorkers(Exception):
    def __init__(self) -> None:
        super().__init__(f"All {MAX_SLOTS} worker slots are taken by running processes.")


class Slots(Protocol):
    async def take(self, slot: int) -> bool: ...

    async def give_back(self, slot: int) -> None: ...

    async def close(self) -> None: ...


class FileSlots:
    """Locks beside the SQLite file; the kernel lets go of them when the process ends, however it ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[int, IO[str]] = {}

    async def take(self, slot: int) -> bool:
        if slot in self._held:
            return False
        path = self._folder / f"worker-{slot}.lock"
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

    async def close(self) -> None:
        for slot in list(self._held):
            await self.give_back(slot)


class PostgresSlots:
    """Session advisory locks on one connection of their own; the server frees them when it goes."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._connection = connection
        self._held: set[int] = set()

    @classmethod
    async def connect(cls, url: str) -> "PostgresSlots":
        return cls(await asyncpg.connect(url))

    async def take(self, slot: int) -> bool:
        if slot in self._held:
            return False
        taken = bool(await self._connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", _LOCK_SPACE, slot))
        if taken:
            self._held.add(slot)
        return taken

    async def give_back(self, slot: int) -> None:
        await self._connection.execute("SELECT pg_advisory_unlock($1, $2)", _LOCK_SPACE, slot)
        self._held.discard(slot)

    async def close(self) -> None:
        await self._connection.close()


async def take_lowest(slots: Slots) -> int:
    for slot in range(MAX_SLOTS):
        if await slots.take(slot):
            return slot
    raise TooManyWorkers


def executor_id(slot: int) -> str:
    return f"worker-{slot}"


def slot_of(executor: str) -> int | None:
    prefix, _, number = executor.rpartition("-")
    return int(number) if prefix == "worker" and number.isdigit() else None
