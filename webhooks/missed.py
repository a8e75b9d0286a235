"""Asks both providers for the events that never arrived: their endpoints give up after days, their lists do not.

Each provider's list is read from where the last reading ended. What is stored already is stored once, so the readings
may overlap.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

import structlog

from integrations.errors import ProviderError, Rejected
from integrations.fields import Fields, Unreadable
from integrations.inbound import BadPayload, Verified
from integrations.metronome import webhooks as metronome
from integrations.stripe import webhooks as stripe
from models import EventCursor, Provider
from operations.tools import Tools
from webhooks.inbox import Arrival, store

log = structlog.get_logger()

ON_ITS_WAY = timedelta(minutes=2)
"""A younger event is still being delivered."""
AT_ONCE = 200
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
        now = self.tools.now()
        cursor = await _cursor(Provider.STRIPE, now)
        bodies = await self.tools.stripe.list_event_bodies(created_since=cursor.read_until - OVERLAP)
        stored = await _store(_readable(Provider.STRIPE, bodies, self._read_stripe), now)
        await _advance(Provider.STRIPE, read_until=now - ON_ITS_WAY, last_event_id=None)
        return stored

    async def _from_metronome(self) -> int:
        now = self.tools.now()
        cursor = await _cursor(Provider.METRONOME, now)
        bodies, since = await self._first_page(cursor)
        stored = 0
        while settled := _settled(_readable(Provider.METRONOME, bodies, metronome.read_envelope), now):
            stored += await _store([each for each in settled if since is None or each.occurred_at >= since], now)
            last = settled[-1]
            await _advance(Provider.METRONOME, read_until=last.occurred_at, last_event_id=last.event_id)
            bodies = await self.tools.metronome.list_event_bodies(after=last.event_id)
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
    waiting = iter(_settled(arrivals, now))
    while batch := list(islice(waiting, AT_ONCE)):
        for arrival, new in zip(batch, await store(batch, at=now), strict=True):
            if new:
                log.warning(
                    "webhook.missed", provider=arrival.provider.value, type=arrival.type, event_id=arrival.event_id
                )
                missed += 1
    return missed


def _settled(arrivals: Iterable[Arrival], now: datetime) -> list[Arrival]:
    return [arrival for arrival in arrivals if now - arrival.occurred_at >= ON_ITS_WAY]


def _readable(provider: Provider, bodies: Iterable[Fields], read: Callable[[Fields], Verified]) -> Iterator[Arrival]:
    """One event that cannot be read must not stand in the way of the others."""
    for body in bodies:
        try:
            yield Arrival.of(provider, read(body), body.as_json())
        except (Unreadable, BadPayload) as problem:
            log.warning("webhook.unreadable_in_list", provider=provider.value, problem=str(problem))
