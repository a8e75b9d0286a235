"""What runs without being asked: stored events, operations that were accepted but never started, housekeeping."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta

import structlog

from access.sessions import forget_ended_sessions
from app.clock import system_now
from app.settings import Settings
from models import WorkerHeartbeat
from operations.activity import prune_activity
from operations.collect_invoice import collect_due
from operations.engine import Engine
from operations.owed import issue_what_is_owed
from operations.parked import expire_parked
from operations.quoting import prune_quotes
from operations.settle_payment import give_back_what_was_in_vain
from operations.tools import Tools
from telemetry.metrics import worker_rounds
from webhooks import inbox
from webhooks.missed import MissedEvents
from webhooks.processing import Processor

log = structlog.get_logger()

SWEEP_SECONDS = 2.0
KEEP_WORKFLOWS = timedelta(days=7)
# A live client that was away for longer starts over.
KEEP_ACTIVITY = timedelta(days=35)
# Stripe lets a person send an event again for 30 days; a known id is what tells that it was handled.
KEEP_EVENTS = timedelta(days=35)

# So long after it expired, a change by it is told that it did, and not that there is none.
KEEP_QUOTES = timedelta(days=7)

# A worker that was killed is told of for so long.
KEEP_HEARTBEATS = timedelta(days=1)

EVENTS_AT_ONCE = 4
POLL_SECONDS = 1.0
HEARTBEAT_SECONDS = 5.0
STOP_SECONDS = 10.0
FAREWELL_SECONDS = 2.0


def make_worker(settings: Settings, tools: Tools, engine: Engine) -> "Worker":
    processor = Processor(
        tools=tools,
        engine=engine,
        max_attempts=settings.webhook_max_attempts,
        lease=timedelta(seconds=settings.webhook_lease_seconds),
    )
    return Worker(
        engine,
        processor,
        MissedEvents(tools, settings.livemode),
        tools.now,
        collect_seconds=settings.collect_seconds,
        missed_events_seconds=settings.missed_events_seconds,
        prune_seconds=settings.prune_seconds,
    )


class TaskEnded(Exception):  # noqa: N818  named for what is wrong, as all our errors
    def __init__(self) -> None:
        super().__init__("one of the worker's tasks has ended")


class Worker:
    def __init__(
        self,
        engine: Engine,
        processor: Processor,
        missed: MissedEvents,
        now: Callable[[], datetime],
        *,
        collect_seconds: float,
        missed_events_seconds: float,
        prune_seconds: float,
    ) -> None:
        self._engine = engine
        self._processor = processor
        self._missed = missed
        self._now = now
        self._collect_seconds = collect_seconds
        self._missed_events_seconds = missed_events_seconds
        self._prune_seconds = prune_seconds
        self._jobs: list[asyncio.Task[None]] = []
        self._drains: list[asyncio.Task[None]] = []
        self._stopping = False
        self._started_at = system_now()
        self._beat_at = time.monotonic()
        # One token wakes one idle drain; all busy means that somebody looks again anyway.
        self._tokens: asyncio.Queue[None] = asyncio.Queue(EVENTS_AT_ONCE)

    def start(self) -> None:
        self._jobs = [
            asyncio.create_task(every(SWEEP_SECONDS, "sweep", self._engine.sweep)),
            asyncio.create_task(every(self._prune_seconds, "prune", self._prune)),
            asyncio.create_task(every(self._missed_events_seconds, "missed_events", self._fetch_missed)),
            asyncio.create_task(every(self._collect_seconds, "collect_due", self._collect_due)),
            asyncio.create_task(every(self._collect_seconds, "expire_parked", self._expire_parked)),
            asyncio.create_task(every(self._collect_seconds, "issue_owed", self._issue_owed)),
            asyncio.create_task(every(self._collect_seconds, "give_back", self._give_back)),
            asyncio.create_task(every(HEARTBEAT_SECONDS, "heartbeat", self._beat)),
        ]
        self._drains = [asyncio.create_task(self._drain()) for _ in range(EVENTS_AT_ONCE)]

    async def stop(self) -> None:
        """Claim no more events and let those in hand end within the bound; a lease frees what is cut off."""
        self._stopping = True
        for job in self._jobs:
            job.cancel()
        for _ in self._drains:
            self.wake()
        if self._drains:
            await asyncio.wait(self._drains, timeout=STOP_SECONDS)
        for drain in self._drains:
            drain.cancel()
        await asyncio.gather(*self._jobs, *self._drains, return_exceptions=True)
        with suppress(Exception):  # a heartbeat that stays is only one that grows old
            async with asyncio.timeout(FAREWELL_SECONDS):
                await WorkerHeartbeat.filter(name=self._engine.name).delete()

    @property
    def is_broken(self) -> bool:
        """One of its tasks is gone, and nothing but a restart brings it back."""
        return not self._stopping and any(task.done() for task in (*self._jobs, *self._drains))

    @property
    def silent_seconds(self) -> float:
        """Since the last heartbeat that was written, or else since the start."""
        return time.monotonic() - self._beat_at

    def wake(self) -> None:
        """There is an event to handle."""
        if not self._tokens.full():
            self._tokens.put_nowait(None)

    async def _drain(self) -> None:
        while not self._stopping:
            if not await self._handle_next():
                await self._until_woken()

    async def _handle_next(self) -> bool:
        try:
            return await self._processor.handle_next()
        except Exception:
            log.exception("worker.event_failed")  # the database itself: the event's lease brings it back
            return False

    async def _until_woken(self) -> None:
        try:
            async with asyncio.timeout(POLL_SECONDS):
                await self._tokens.get()
        except TimeoutError:
            return

    async def _beat(self) -> None:
        """A sign of life of all its tasks, in real time, whatever the sandbox's is."""
        if self.is_broken:
            raise TaskEnded
        await WorkerHeartbeat.beat(self._engine.name, at=system_now(), started_at=self._started_at)
        self._beat_at = time.monotonic()

    async def _fetch_missed(self) -> None:
        if await self._missed.fetch():
            self.wake()

    async def _collect_due(self) -> None:
        """Invoices whose next attempt has come."""
        await collect_due(self._engine, self._now)

    async def _expire_parked(self) -> None:
        """Payments that nobody has confirmed in time."""
        await expire_parked(self._engine, self._now)

    async def _issue_owed(self) -> None:
        """Invoices that Metronome refused."""
        await issue_what_is_owed(self._engine, self._now)

    async def _give_back(self) -> None:
        """Payments that were found to be in vain."""
        await give_back_what_was_in_vain(self._engine, self._now)

    async def _prune(self) -> None:
        await prune_activity(self._now() - KEEP_ACTIVITY)
        await forget_ended_sessions(self._now())
        await prune_quotes(self._now() - KEEP_QUOTES)
        await WorkerHeartbeat.filter(at__lt=system_now() - KEEP_HEARTBEATS).delete()
        await self._engine.prune(finished_before=self._now() - KEEP_WORKFLOWS)
        while await inbox.forget_handled(received_before=self._now() - KEEP_EVENTS) == inbox.FORGET_BATCH:
            continue


async def every(seconds: float, name: str, job: Callable[[], Awaitable[object]]) -> None:
    """One failed round must not end the rounds: it is logged, and the next one comes."""
    while True:
        try:
            await job()
        except Exception:
            worker_rounds.labels(name, "failed").inc()
            log.exception("worker.job_failed", job=name)
        else:
            worker_rounds.labels(name, "ok").inc()
        await asyncio.sleep(seconds)
