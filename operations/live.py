"""What happens, as it happens: one reader of the activity table per process, for all clients that watch.

A client's cursor is the id of the last event it got, so ids must be handed out in order, and none may appear below
one that was handed out. On PostgreSQL a lower id may be committed later. Whoever takes an id holds a shared lock from
before it was taken until after it can be seen (migration 0004). So where ids are missing, the `Reader` asks who holds
the lock, and goes past the gap once these have ended: what was to come has come then, and the rest was rolled back.

Nothing waits for anybody while writing, and a long transaction that writes no activity delays nothing.
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Self

import structlog

from models import Activity
from operations.activity import watching

log = structlog.get_logger()

POLL_SECONDS = 0.5
SOONEST_SECONDS = 0.005
PAGE = 100
CAPACITY = 256
PATIENCE_SECONDS = 20.0


class Happening(NamedTuple):
    id: int
    at: datetime
    kind: str
    summary: str
    customer_id: str | None
    entity_id: str | None
    operation_id: str | None


@dataclass(frozen=True, slots=True)
class Topic:
    """What a client watches: one customer, one operation, or everything."""

    customer_id: str | None = None
    operation_id: str | None = None

    def covers(self, happening: Happening) -> bool:
        return self.customer_id in (None, happening.customer_id) and self.operation_id in (None, happening.operation_id)

    @property
    def columns(self) -> Mapping[str, str]:
        named = {"customer_id": self.customer_id, "operation_id": self.operation_id}
        return {name: value for name, value in named.items() if value is not None}


EVERYTHING = Topic()


class StreamEnded(Exception):  # noqa: N818  named for what happened, as all our errors
    """A stream ends before its client wants it to. Nothing is lost: the last cursor is where to go on."""

    code = ""


class TooSlow(StreamEnded):
    code = "TOO_SLOW"

    def __init__(self) -> None:
        super().__init__("Events were not taken in time: subscribe again, after the last cursor.")


class Stopping(StreamEnded):
    code = "STOPPING"

    def __init__(self) -> None:
        super().__init__("The service is stopping: subscribe again, after the last cursor.")


async def happenings(topic: Topic, *, after: int, until: int | None = None) -> list[Happening]:
    query = Activity.filter(id__gt=after, **topic.columns)
    if until is not None:
        query = query.filter(id__lte=until)
    return [Happening(*row) for row in await query.order_by("id").limit(PAGE).values_list(*Happening._fields)]


class Doubt:
    """Somewhere up to the id `until` one is missing, and these transactions may still bring it."""

    def __init__(self, until: int, writers: frozenset[str]) -> None:
        self.until = until
        self.writers = writers

    async def is_over(self) -> bool:
        if self.writers:
            self.writers &= await Activity.writers()
        return not self.writers


class Reader:
    """Reads on in the order of ids, never past one that may still come."""

    def __init__(self) -> None:
        self.position = 0
        self._doubt: Doubt | None = None

    async def go_to_end(self) -> None:
        self._doubt = None
        newest = Doubt(await Activity.newest_id() or 0, await Activity.writers())
        while not await newest.is_over():  # noqa: ASYNC110 - another process holds it: no event to wait for
            await asyncio.sleep(SOONEST_SECONDS)
        self.position = newest.until

    async def read(self) -> list[Happening]:
        """The next ones, if any. What came before the last of them, came; nothing will follow below it."""
        while True:
            certain_until = await self._certain_until()
            found = await happenings(EVERYTHING, after=self.position)
            certain = list(_certain(found, after=self.position, until=certain_until))
            if certain:
                self.position = certain[-1].id
            if len(certain) < len(found) and self._doubt is None:
                self._doubt = Doubt(found[-1].id, await Activity.writers())
            if certain or self._doubt is None or self._doubt.writers:
                return certain

    async def _certain_until(self) -> int:
        """Asked before the rows are read: whoever has ended by then is seen by that read."""
        if self._doubt is None or not await self._doubt.is_over():
            return self.position
        until, self._doubt = self._doubt.until, None
        return until


def _certain(found: Sequence[Happening], *, after: int, until: int) -> Sequence[Happening]:
    """The beginning of what was found that has no doubtful gap in it."""
    for place, happening in enumerate(found):
        if happening.id > until and happening.id != after + 1:
            return found[:place]
        after = happening.id
    return found


class Stream:
    """One client's way through the feed. Left by leaving the `with`.

    Read from the table until it has caught up, then handed what the feed reads. Whoever does not take that as fast
    goes back to the table, so a client holds `CAPACITY` events at most; whoever takes none at all is cut off.
    """

    def __init__(self, feed: "Feed", topic: Topic, after: int) -> None:
        self.start = after
        self._feed = feed
        self._topic = topic
        self._read_until = after
        self._waiting: deque[Happening] = deque()
        self._arrived = asyncio.Event()
        self._caught_up = False
        self._ended: StreamEnded | None = None
        self._taken_at: float | None = feed.time()

    @property
    def held(self) -> int:
        return len(self._waiting)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._feed.leave(self)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Happening:
        self._taken_at = None
        while not self._waiting:
            if self._ended is not None:
                raise self._ended
            await (self._arrival() if self._caught_up else self._catch_up())
        self._taken_at = self._feed.time()
        return self._waiting.popleft()

    async def _arrival(self) -> None:
        self._arrived.clear()
        await self._arrived.wait()

    async def _catch_up(self) -> None:
        until = self._feed.position
        if self._read_until < until:
            page = await happenings(self._topic, after=self._read_until, until=until)
            self._waiting.extend(page)
            self._read_until = page[-1].id if len(page) == PAGE else until
        # From the last comparison to the next await nothing is handed out, so nothing is missed.
        self._caught_up = self._read_until >= self._feed.position

    def hand_out(self, happened: Sequence[Happening]) -> None:
        if not self._caught_up:
            return
        wanted = [each for each in happened if each.id > self._read_until and self._topic.covers(each)]
        if len(self._waiting) + len(wanted) > self._feed.capacity:
            self._caught_up = False
        else:
            self._waiting.extend(wanted)
            self._read_until = max(self._read_until, happened[-1].id)
        if wanted:
            self._arrived.set()

    def is_stuck(self, now: float, patience_seconds: float) -> bool:
        """Its client is still busy with an event it took long ago, and there are others for it."""
        behind = bool(self._waiting) or not self._caught_up
        return behind and self._taken_at is not None and now - self._taken_at > patience_seconds

    def end(self, reason: StreamEnded) -> None:
        self._waiting.clear()
        self._caught_up = True
        self._ended = reason
        self._arrived.set()


class Feed:
    """The process's one reader, and the streams it feeds. It reads nothing while nobody watches."""

    def __init__(
        self,
        *,
        poll_seconds: float = POLL_SECONDS,
        capacity: int = CAPACITY,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self.capacity = capacity
        self._poll_seconds = poll_seconds
        self._patience_seconds = patience_seconds
        self._reader = Reader()
        self._reading = asyncio.Lock()
        self._streams: set[Stream] = set()
        self._somebody = asyncio.Event()
        self._hint = asyncio.Event()
        self._written_here = 0
        self._pause_seconds = poll_seconds
        self._stopping = False
        self._poller: asyncio.Task[None] | None = None

    @property
    def position(self) -> int:
        """Everything up to this id was handed out."""
        return self._reader.position

    @property
    def watched_by(self) -> int:
        return len(self._streams)

    @staticmethod
    def time() -> float:
        return asyncio.get_running_loop().time()

    def start(self) -> None:
        self._poller = asyncio.create_task(self._run())

    async def stop(self) -> None:
        self.end_streams()
        if self._poller is not None:
            self._poller.cancel()
            await asyncio.wait({self._poller})

    def end_streams(self) -> None:
        """Ends every stream, and refuses new ones. Streamed answers over HTTP would hold up the server's stop else."""
        self._stopping = True
        for stream in tuple(self._streams):
            self._cut(stream, Stopping())

    async def follow(self, topic: Topic, *, after: int | None) -> Stream:
        """From just after the id `after`, or else from now on: then nothing follows that was committed before."""
        async with self._reading:
            if self._stopping:
                raise Stopping
            await (self._read() if self._streams else self._reader.go_to_end())
            stream = Stream(self, topic, self.position if after is None else after)
            self._streams.add(stream)
            self._somebody.set()
        return stream

    def leave(self, stream: Stream) -> None:
        self._streams.discard(stream)
        if not self._streams:
            self._somebody.clear()

    async def _run(self) -> None:
        with watching(self._expect):
            while True:
                await self._somebody.wait()
                self._hint.clear()
                await self._round()
                await self._pause()

    async def _round(self) -> None:
        try:
            async with self._reading:
                await self._read()
        except Exception:
            # The streams wait meanwhile; whatever the reason, the next round tries again from the same place.
            log.exception("live.read_failed")
        self._cut_off_stuck()

    async def _read(self) -> None:
        while happened := await self._reader.read():
            for stream in tuple(self._streams):
                stream.hand_out(happened)

    def _cut_off_stuck(self) -> None:
        for stream in tuple(self._streams):
            if stream.is_stuck(self.time(), self._patience_seconds):
                log.info("live.client_too_slow")
                self._cut(stream, TooSlow())

    def _cut(self, stream: Stream, reason: StreamEnded) -> None:
        stream.end(reason)
        self.leave(stream)

    def _expect(self, activity_id: int) -> None:
        """Written here, in a transaction that will soon be committed: look often until it can be seen."""
        self._written_here = max(self._written_here, activity_id)
        self._pause_seconds = SOONEST_SECONDS
        self._hint.set()

    async def _pause(self) -> None:
        seconds, self._pause_seconds = self._pause_seconds, min(self._pause_seconds * 2, self._poll_seconds)
        if self.position >= self._written_here:
            seconds = self._poll_seconds
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._hint.wait()
