"""Asks both providers for the events that never arrived: their endpoints give up after days, their lists do not.

Each provider's list is read from where the last reading ended, and how far it came is written down on the way. What is
stored already is stored once, so the readings may overlap.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

import structlog

from integrations.errors import ProviderError, Rejected
from integrations.fields import Fields, Unreadable
from integrations.inbound import BadPayload, Verified, read_event_id
from integrations.metronome import webhooks as metronome
from integrations.stripe import webhooks as stripe
from models import EventCursor, Provider
from operations.tools import Tools
from telemetry.metrics import webhooks_unreadable
from webhooks.inbox import Arrival, store

log = structlog.get_logger()

ON_ITS_WAY = timedelta(minutes=2)
"""A younger event is still being delivered."""
AT_ONCE = 200
STRETCH = timedelta(hours=1)
"""Doubled as long as a stretch has no more than one page."""
OVERLAP = timedelta(minutes=10)
"""Stripe lists by the second of creation, and one may enter the list late."""
FIRST_LOOK_BACK = timedelta(hours=1)
"""Where a new service starts: what happened before it is not its business."""


@dataclass(frozen=True, slots=True)
class MissedEvents:
    tools: Tools
    livemode: bool

    async def fetch(self) -> int:
        """How many events were stored that had not arrived."""
        found = 0
        for provider, read in ((Provider.STRIPE, self._from_stripe), (Provider.METRONOME, self._from_metronome)):
            try:
                found += await read()
            except ProviderError as problem:  # the other list is read all the same, and this one next time
                log.warning("webhook.list_not_read", provider=provider.value, problem=str(problem))
        return found

    async def _from_stripe(self) -> int:
        """A stretch of time after the other, so that what a page cannot be had for is all that is read again.

        Stripe lists newest first, and after a long absence there is more than memory should hold.
        """
        now = self.tools.now()
        begin, until = (await _cursor(Provider.STRIPE, now)).read_until - OVERLAP, now - ON_ITS_WAY
        stretch, stored = STRETCH, 0
        while True:
            end = min(begin + stretch, until)
            pages = 0
            async for bodies in self.tools.stripe.pages_of_event_bodies(created_since=begin, until=end):
                stored += await _store(_readable(Provider.STRIPE, bodies, self._read_stripe), now)
                pages += 1
            await _advance(Provider.STRIPE, read_until=end, last_event_id=None)
            if end >= until:
                return stored
            begin, stretch = end, stretch * 2 if pages <= 1 else STRETCH

    async def _from_metronome(self) -> int:
        now = self.tools.now()
        cursor = await _cursor(Provider.METRONOME, now)
        bodies, since = await self._first_page(cursor)
        stored, read_until = 0, cursor.read_until
        while bodies:
            arrivals, last_event_id = _before_what_is_on_its_way(bodies, now)
            if last_event_id is None:
                break
            stored += await _store([each for each in arrivals if since is None or each.occurred_at >= since], now)
            read_until = arrivals[-1].occurred_at if arrivals else read_until
            await _advance(Provider.METRONOME, read_until=read_until, last_event_id=last_event_id)
            bodies = await self.tools.metronome.list_event_bodies(after=last_event_id)
        return stored

    async def _first_page(self, cursor: EventCursor) -> tuple[tuple[Fields, ...], datetime | None]:
        """Behind the event we stopped at; where that is forgotten, all there is, and from when it counts."""
        if cursor.last_event_id is not None:
            with suppress(Rejected):
                return await self.tools.metronome.list_event_bodies(after=cursor.last_event_id), None
        return await self.tools.metronome.list_event_bodies(after=None), cursor.read_until - OVERLAP

    def _read_stripe(self, body: Fields) -> Verified:
        return stripe.read_envelope(body, livemode=self.livemode)


async def _cursor(provider: Provider, now: datetime) -> EventCursor:
    cursor, _ = await EventCursor.get_or_create(
        provider=provider.value, defaults={"read_until": now - FIRST_LOOK_BACK, "last_event_id": None}
    )
    return cursor


async def _advance(provider: Provider, *, read_until: datetime, last_event_id: str | None) -> None:
    await EventCursor.filter(provider=provider.value).update(read_until=read_until, last_event_id=last_event_id)


async def _store(arrivals: Iterable[Arrival], now: datetime) -> int:
    missed = 0
    waiting = iter([arrival for arrival in arrivals if _is_settled(arrival, now)])
    while batch := list(islice(waiting, AT_ONCE)):
        for arrival, new in zip(batch, await store(batch, at=now), strict=True):
            if new:
                log.warning(
                    "webhook.missed", provider=arrival.provider.value, type=arrival.type, event_id=arrival.event_id
                )
                missed += 1
    return missed


def _is_settled(arrival: Arrival, now: datetime) -> bool:
    return now - arrival.occurred_at >= ON_ITS_WAY


def _before_what_is_on_its_way(bodies: Iterable[Fields], now: datetime) -> tuple[list[Arrival], str | None]:
    """What can be read of a page, oldest first, and the id of the last event behind which the next reading begins.

    What cannot be read is gone past: it would stand at the head of the list for good.
    """
    arrivals: list[Arrival] = []
    last_event_id: str | None = None
    for body in bodies:
        arrival = next(_readable(Provider.METRONOME, [body], metronome.read_envelope), None)
        if arrival is not None and not _is_settled(arrival, now):
            break
        if arrival is not None:
            arrivals.append(arrival)
        last_event_id = _id_of(body) or last_event_id
    return arrivals, last_event_id


def _id_of(body: Fields) -> str | None:
    try:
        return read_event_id(body)
    except (Unreadable, BadPayload):
        return None


def _readable(provider: Provider, bodies: Iterable[Fields], read: Callable[[Fields], Verified]) -> Iterator[Arrival]:
    """One event that cannot be read must not stand in the way of the others."""
    for body in bodies:
        try:
            yield Arrival.of(provider, read(body), body.as_json())
        except (Unreadable, BadPayload) as problem:
            webhooks_unreadable.labels(provider.value).inc()
            log.warning("webhook.unreadable_in_list", provider=provider.value, problem=str(problem))
