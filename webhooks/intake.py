"""Stores what the endpoints take in. One writer per process, and one commit for all that wait for it.

A commit costs about as much for one event as for hundreds of them. While one is under way the next events gather, so
whatever comes is stored at the pace of the database, and a query waits for one statement, not for hundreds.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextvars import Context
from dataclasses import dataclass
from datetime import datetime

import structlog

from webhooks.inbox import Arrival, store

log = structlog.get_logger()

STORE_SECONDS = 5.0
"""For one commit. Whoever waits behind one that takes longer has waited as long: all are told to send again."""
AT_ONCE = 200
MOST_WAITING = 10_000


class NotStored(Exception):  # noqa: N818  named for what happened, as all our errors
    """The event is not known to be stored; it may be, and is then a duplicate when it is sent again."""


@dataclass(slots=True, eq=False)
class _Waiting:
    arrival: Arrival
    stored: asyncio.Future[bool]
    alone: bool = False
    """The statement that it was part of failed, and it may be the reason."""

    def settle(self, *, new: bool) -> None:
        if not self.stored.done():  # else whoever sent it has gone
            self.stored.set_result(new)

    def refuse(self, problem: Exception) -> None:
        if not self.stored.done():
            self.stored.set_exception(NotStored(str(problem)))


class Intake:
    def __init__(
        self,
        now: Callable[[], datetime],
        *,
        store_seconds: float = STORE_SECONDS,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        self._now = now
        self._store_seconds = store_seconds
        self._most_waiting = most_waiting
        self._waiting: deque[_Waiting] = deque()
        self._writer: asyncio.Task[None] | None = None
        self.unanswered = 0

    async def store(self, arrival: Arrival) -> bool:
        """Whether it was new. It is committed when this returns. Raises `NotStored`."""
        if self.unanswered >= self._most_waiting:
            raise NotStored("too many events wait to be stored")
        waiting = _Waiting(arrival, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._writer is None:
            # In a context of its own: it works for all requests, and its log lines are none of the first one's.
            self._writer = asyncio.create_task(self._write_all(), context=Context())
        self.unanswered += 1
        try:
            return await waiting.stored
        finally:
            self.unanswered -= 1

    async def close(self) -> None:
        """Let what waits be stored, or refused."""
        if self._writer is not None:
            await asyncio.wait({self._writer})

    async def _write_all(self) -> None:
        batch: list[_Waiting] = []
        try:
            while batch := self._next_batch():
                await self._write(batch)
        finally:
            self._writer = None
            self._refuse(batch, NotStored("the service is stopping"))

    def _next_batch(self) -> list[_Waiting]:
        most = 1 if self._waiting and self._waiting[0].alone else AT_ONCE
        return [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]

    async def _write(self, batch: Sequence[_Waiting]) -> None:
        try:
            async with asyncio.timeout(self._store_seconds):
                news = await store([each.arrival for each in batch], at=self._now())
        except TimeoutError as problem:
            log.exception("webhook.storage_hangs", refused=len(batch) + len(self._waiting))
            self._refuse(batch, problem)
        except Exception as problem:
            if len(batch) > 1:
                self._try_alone(batch, problem)
                return
            log.exception("webhook.not_stored", event_id=batch[0].arrival.event_id)
            batch[0].refuse(problem)
        else:
            for each, new in zip(batch, news, strict=True):
                each.settle(new=new)

    def _try_alone(self, batch: Sequence[_Waiting], problem: Exception) -> None:
        """One event that the database will not have must not take the others along."""
        log.warning("webhook.batch_not_stored", events=len(batch), problem=str(problem))
        for each in reversed(batch):
            each.alone = True
            self._waiting.appendleft(each)

    def _refuse(self, batch: Iterable[_Waiting], problem: Exception) -> None:
        for each in (*batch, *self._waiting):
            each.refuse(problem)
        self._waiting.clear()
