"""Writes the state down shortly after it changed, and once more at the end."""

import asyncio
import logging
import pickle
import time
from collections.abc import Callable
from contextlib import suppress

from mock_kit.state_file import StateFile

PAUSE_SECONDS = 0.1
SHARE_OF_TIME = 10  # at most one part in so many is spent on writing, however much there is to write

log = logging.getLogger(__name__)


class Keeper:
    """`state` is asked in the event loop, between two requests; `revision` grows with every change."""

    def __init__(self, file: StateFile, *, state: Callable[[], object], revision: Callable[[], int]) -> None:
        self._file = file
        self._state = state
        self._revision = revision
        self._written: int | None = None
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        self._stopping.set()
        if self._task:
            await self._task
        await self._write()
        self._file.close()

    async def _run(self) -> None:
        pause_seconds = PAUSE_SECONDS
        while not await self._stops_within(pause_seconds):
            began = time.monotonic()
            await self._write()
            pause_seconds = max(PAUSE_SECONDS, SHARE_OF_TIME * (time.monotonic() - began))

    async def _stops_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        return self._stopping.is_set()

    async def _write(self) -> None:
        revision = self._revision()
        if revision == self._written:
            return
        payload = pickle.dumps(self._state())
        try:
            await asyncio.to_thread(self._file.write, payload)
        except OSError as error:
            log.error("%s cannot be written, and is tried again: %s", self._file.path, error)  # noqa: TRY400 - known
        else:
            self._written = revision
