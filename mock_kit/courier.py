"""Carries deliveries to one endpoint: in order, one at a time, again with growing pauses after a failure."""

import asyncio
import heapq
import itertools
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Event:
    """`body` is sent as it is, byte for byte, at every attempt."""

    id: str
    type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`types` None: all. More than one secret while a secret is being rolled."""

    id: str
    url: str
    secrets: tuple[str, ...]
    types: frozenset[str] | None = None

    def wants(self, event: Event) -> bool:
        return self.types is None or event.type in self.types


@dataclass(frozen=True, slots=True)
class Delivery:
    """`attempt` counts those made."""

    event: Event
    endpoint_id: str
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class Attempt:
    """`status` None: no answer, and `error` says why."""

    delivery: Delivery
    status: int | None
    error: str | None
    at: datetime

    @property
    def succeeded(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class RetrySchedule:
    """Real seconds. A provider spreads its retries over days; the default gets through them in about two minutes."""

    first_seconds: float = 0.2
    factor: float = 2.0
    longest_seconds: float = 10.0
    attempts: int = 18

    def pause_seconds(self, *, after_attempt: int) -> float | None:
        """None: give up."""
        if after_attempt >= self.attempts:
            return None
        return min(self.longest_seconds, self.first_seconds * self.factor ** (after_attempt - 1))


class Courier:
    def __init__(
        self,
        endpoint: Endpoint,
        *,
        schedule: RetrySchedule,
        post: Callable[[str, bytes, Mapping[str, str]], Awaitable[int]],
        headers: Callable[[Endpoint, Event], Mapping[str, str]],
        keep_back: Callable[[Delivery], bool],
        report: Callable[[Attempt], None],
        now: Callable[[], datetime],
    ) -> None:
        self.endpoint = endpoint
        self._schedule = schedule
        self._post = post
        self._headers = headers
        self._keep_back = keep_back
        self._report = report
        self._now = now
        self._queue: list[tuple[float, int, Delivery]] = []  # a heap: when due, in which order
        self._order = itertools.count()
        self._under_way: Delivery | None = None
        self._queued = asyncio.Event()
        self._idle = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def pending(self) -> list[Delivery]:
        queued = [delivery for _, _, delivery in sorted(self._queue, key=lambda item: item[:2])]
        return [self._under_way, *queued] if self._under_way else queued

    def send(self, delivery: Delivery, *, pause_seconds: float = 0) -> None:
        if self._keep_back(delivery):
            return
        heapq.heappush(self._queue, (time.monotonic() + pause_seconds, next(self._order), delivery))
        self._queued.set()
        if self._task is None or self._task.done():
            self._idle.clear()
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def idle(self) -> None:
        """Until there is nothing left to send."""
        if self.pending:
            await self._idle.wait()

    def clear_queue(self) -> list[Delivery]:
        """Take back what is not yet under way."""
        queued = [delivery for delivery in self.pending if delivery is not self._under_way]
        self._queue.clear()
        self._queued.set()
        return queued

    def clear(self) -> None:
        """Drop everything, also what is under way."""
        self.clear_queue()
        self._under_way = None
        self._idle.set()
        if self._task:
            self._task.cancel()
            self._task = None

    async def _run(self) -> None:
        while self._queue:
            wait_seconds = self._queue[0][0] - time.monotonic()
            if wait_seconds > 0:
                await self._wait_for_more(wait_seconds)
            else:
                await self._attempt(heapq.heappop(self._queue)[2])
        self._idle.set()

    async def _wait_for_more(self, at_most_seconds: float) -> None:
        self._queued.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(at_most_seconds):
                await self._queued.wait()

    async def _attempt(self, delivery: Delivery) -> None:
        delivery = self._under_way = replace(delivery, attempt=delivery.attempt + 1)
        event, status, error = delivery.event, None, None
        try:
            status = await self._post(self.endpoint.url, event.body, self._headers(self.endpoint, event))
        except Exception as failure:  # over ASGITransport the receiver's own exception arrives here, whatever it is
            error = f"{type(failure).__name__}: {failure}"
        self._under_way = None
        attempt = Attempt(delivery, status, error, self._now())
        self._report(attempt)
        pause_seconds = self._schedule.pause_seconds(after_attempt=delivery.attempt)
        if not attempt.succeeded and pause_seconds is not None:
            self.send(delivery, pause_seconds=pause_seconds)
