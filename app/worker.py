"""What runs without being asked: operations that were accepted but never started, and housekeeping."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog

from operations.engine import Engine

log = structlog.get_logger()

SWEEP_SECONDS = 2.0
PRUNE_SECONDS = 3600.0
KEEP_WORKFLOWS = timedelta(days=7)


class Worker:
    def __init__(self, engine: Engine, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._now = now
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [
            asyncio.create_task(_every(SWEEP_SECONDS, "sweep", self._engine.sweep)),
            asyncio.create_task(_every(PRUNE_SECONDS, "prune", self._prune)),
        ]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _prune(self) -> None:
        await self._engine.prune(finished_before=self._now() - KEEP_WORKFLOWS)


async def _every(seconds: float, name: str, job: Callable[[], Awaitable[None]]) -> None:
    """One failed round must not end the rounds: it is logged, and the next one comes."""
    while True:
        try:
            await job()
        except Exception:
            log.exception("worker.job_failed", job=name)
        await asyncio.sleep(seconds)
