"""Where charges are counted: together with all other processes, or, while that is away, in this one alone."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

import structlog
from limits.errors import StorageError

from telemetry.metrics import rate_limits_counted_alone

log = structlog.get_logger()

REST_SECONDS = 2.0
"""So long nobody asks the shared counters again after they did not answer: else every request would wait for them."""

T = TypeVar("T")


class Counters(Protocol):
    """The part of a storage of `limits` that counts. Adding is atomic, and so is taking back what was too much."""

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int: ...

    async def get(self, key: str) -> int: ...


class Counting:
    """Nobody is turned away because the shared counters are away, and nobody has no limit for it."""

    def __init__(self, shared: Counters, own: Counters, *, rest_seconds: float = REST_SECONDS) -> None:
        self._shared = shared
        self._own = own
        self._rest_seconds = rest_seconds
        self._rests_until: float | None = None

    async def run(self, count: Callable[[Counters], Awaitable[T]]) -> T:
        """`count` is begun anew with our own counters where the shared ones fail in the middle of it."""
        if self._rests_until is None or asyncio.get_running_loop().time() >= self._rests_until:
            try:
                counted = await count(self._shared)
            except StorageError as problem:
                self._went_away(problem)
            else:
                self._came_back()
                return counted
        rate_limits_counted_alone.inc()
        return await count(self._own)

    def _went_away(self, problem: StorageError) -> None:
        if self._rests_until is None:
            log.warning("rate_limits.counted_alone", problem=type(problem.storage_error).__name__)
        self._rests_until = asyncio.get_running_loop().time() + self._rest_seconds

    def _came_back(self) -> None:
        if self._rests_until is not None:
            self._rests_until = None
            log.info("rate_limits.counted_together")
