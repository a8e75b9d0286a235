"""Many events at once before a database that is slow, stuck, or will not have one of them."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from tortoise.context import get_current_context
from tortoise.transactions import in_transaction

from mock_kit.clock import Clock
from models import WebhookEvent
from models.database import database
from tests.service import SERVICE, STRIPE_WEBHOOK_SECRET
from tests.statements import collected
from tests.webhooks.bodies import encoded, stripe_event
from tests.webhooks.delivery import Json, stripe_headers, until
from webhooks.intake import Intake
from webhooks.routes import Reception, routes

SQLITE_TRIGGER = """
CREATE TRIGGER poison BEFORE INSERT ON webhook_event WHEN NEW.type = 'poison'
BEGIN SELECT RAISE(ABORT, 'not this one'); END;
"""
POSTGRESQL_TRIGGER = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''not this one''; END';
CREATE TRIGGER poison BEFORE INSERT ON webhook_event FOR EACH ROW WHEN (NEW.type = 'poison') EXECUTE FUNCTION refuse();
"""


@dataclass
class Ticking:
    """Every look at it is a second later, so that events stored together are known by their time."""

    at: datetime = field(default_factory=Clock().now)

    def now(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at


@dataclass(frozen=True)
class Endpoint:
    http: httpx.AsyncClient
    intake: Intake
    clock: Clock

    async def send(self, event: Json) -> httpx.Response:
        raw = encoded(event)
        headers = stripe_headers(raw, at=self.clock.now())
        return await self.http.post("/webhooks/stripe", content=raw, headers=headers)

    async def begin(self, *events: Json) -> list[asyncio.Task[httpx.Response]]:
        """Send them, and let them come as far as they can: nobody can write."""
        expected = self.intake.unanswered + len(events)
        tasks = [asyncio.create_task(self.send(event)) for event in events]
        await until(lambda: self._has_in_hand(expected), what=f"{expected} events in hand")
        return tasks

    async def _has_in_hand(self, expected: int) -> bool:
        return self.intake.unanswered == expected


@asynccontextmanager
async def endpoint(url: str, *, store_seconds: float = 20, most_waiting: int = 1000) -> AsyncIterator[Endpoint]:
    """The endpoint alone, on its database; nobody handles what is stored."""
    clock = Clock()
    intake = Intake(Ticking().now, store_seconds=store_seconds, most_waiting=most_waiting)
    reception = Reception(
        stripe_secrets=[SecretStr(STRIPE_WEBHOOK_SECRET)],
        metronome_secrets=[],
        livemode=False,
        now=clock.now,
        store=intake.store,
        wake=lambda: None,
    )
    transport = httpx.ASGITransport(Starlette(routes=routes(reception)))
    async with database(url), httpx.AsyncClient(transport=transport, base_url=SERVICE) as http:
        yield Endpoint(http, intake, clock)


@pytest.fixture
async def waiting_room(database_url: str) -> AsyncIterator[Endpoint]:
    async with endpoint(database_url) as ready:
        yield ready


async def test_an_event_costs_one_statement_whether_it_is_new_or_not(waiting_room: Endpoint) -> None:
    event = stripe_event()
    for duplicate in (False, True):
        with collected() as statements:
            answer = await waiting_room.send(event)

        assert answer.json() == {"received": True, "duplicate": duplicate}
        assert len(statements.found) == 1, "\n".join(statements.found)
        assert "INSERT INTO webhook_event" in statements.found[0]


async def test_what_gathers_while_one_commit_is_under_way_is_the_next_commit(waiting_room: Endpoint) -> None:
    async with inbox_locked():
        tasks = await waiting_room.begin(stripe_event())
        tasks += await waiting_room.begin(*(stripe_event() for _ in range(50)))
    answers = await asyncio.gather(*tasks)

    assert [answer.json() for answer in answers] == [{"received": True, "duplicate": False}] * 51
    assert sorted((await commits()).values()) == [1, 50]


async def test_of_twins_in_one_commit_one_is_new(waiting_room: Endpoint) -> None:
    twin = stripe_event()
    async with inbox_locked():
        tasks = await waiting_room.begin(stripe_event(), twin, twin, twin)
    answers = await asyncio.gather(*tasks)

    assert [answer.json()["duplicate"] for answer in answers] == [False, False, True, True]
    assert await WebhookEvent.all().count() == 2


async def test_an_event_that_the_database_will_not_have_takes_no_other_along(waiting_room: Endpoint) -> None:
    await run_script(SQLITE_TRIGGER if dialect() == "sqlite" else POSTGRESQL_TRIGGER)
    events = [stripe_event(type="poison" if place == 5 else "topup.created") for place in range(10)]
    async with inbox_locked():
        tasks = await waiting_room.begin(*events)
    answers = await asyncio.gather(*tasks)

    assert [answer.status_code for answer in answers] == [503 if place == 5 else 200 for place in range(10)]
    assert answers[5].json()["error"]["code"] == "STORAGE_UNAVAILABLE"
    assert await WebhookEvent.filter(type="topup.created").count() == 9
    assert await WebhookEvent.filter(type="poison").count() == 0


async def test_when_the_database_hangs_everybody_is_told_and_can_send_again(database_url: str) -> None:
    async with endpoint(database_url, store_seconds=2) as stuck:
        events = [stripe_event() for _ in range(20)]
        async with inbox_locked():
            answers = await asyncio.gather(*(stuck.send(event) for event in events))
        again = await asyncio.gather(*(stuck.send(event) for event in events))

        assert [answer.status_code for answer in answers] == [503] * 20
        assert {answer.headers["retry-after"] for answer in answers} == {"30"}
        assert [answer.status_code for answer in again] == [200] * 20
        assert await WebhookEvent.all().count() == 20


async def test_more_than_may_wait_are_refused_at_once(database_url: str) -> None:
    async with endpoint(database_url, most_waiting=3) as small:
        async with inbox_locked():
            tasks = await small.begin(*(stripe_event() for _ in range(3)))
            refused = [await small.send(stripe_event()) for _ in range(2)]
        taken = await asyncio.gather(*tasks)

        assert [answer.status_code for answer in refused] == [503, 503]
        assert [answer.status_code for answer in taken] == [200, 200, 200]
        assert (await small.send(stripe_event())).status_code == 200


async def test_a_sender_that_goes_away_takes_nobody_along(waiting_room: Endpoint) -> None:
    events = [stripe_event() for _ in range(4)]
    async with inbox_locked():
        tasks = await waiting_room.begin(events[0])
        tasks += await waiting_room.begin(*events[1:])
        for gone in (tasks[0], tasks[2]):  # one that is being stored, one that waits
            gone.cancel()
        await asyncio.wait({tasks[0], tasks[2]})
    answers = await asyncio.gather(tasks[1], tasks[3])
    again = await asyncio.gather(*(waiting_room.send(event) for event in events))

    assert [answer.json()["duplicate"] for answer in answers] == [False, False]
    assert [answer.json()["duplicate"] for answer in again] == [True] * 4


async def test_a_stop_waits_for_what_is_being_stored(waiting_room: Endpoint) -> None:
    async with inbox_locked():
        tasks = await waiting_room.begin(stripe_event(), stripe_event())
        closing = asyncio.create_task(waiting_room.intake.close())
        await asyncio.wait({closing, *tasks}, timeout=0.05)
        assert not closing.done()
    await closing

    assert await WebhookEvent.all().count() == 2
    assert [answer.status_code for answer in await asyncio.gather(*tasks)] == [200, 200]


@asynccontextmanager
async def inbox_locked() -> AsyncIterator[None]:
    """Nobody can write to the inbox."""
    async with in_transaction() as connection:
        if connection.capabilities.dialect != "sqlite":
            await connection.execute_script("LOCK TABLE webhook_event IN ACCESS EXCLUSIVE MODE")
        yield


async def commits() -> Counter[datetime]:
    return Counter([event.received_at async for event in WebhookEvent.all()])


def dialect() -> str:
    context = get_current_context()
    assert context is not None
    return context.db().capabilities.dialect


async def run_script(script: str) -> None:
    context = get_current_context()
    assert context is not None
    await context.db().execute_script(script)
