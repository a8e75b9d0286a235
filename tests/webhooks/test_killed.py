"""Real processes, killed as a power cut kills them: every event that was accepted is handled exactly once."""

import asyncio
import random
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

import httpx
import pytest

from app.clock import system_now
from models import CreditEntry, Customer, WebhookEvent, WebhookEventState
from models.database import database
from tests.crash.processes import Launcher, launcher
from tests.crash.processes import ServiceProcess as ServiceLife
from tests.service import running_service
from tests.webhooks.bodies import encoded, gift
from tests.webhooks.customers import payer
from tests.webhooks.delivery import Json, metronome_headers, until
from tests.webhooks.processes import free_port, service_environment, service_process

KILLS = 50
EVENTS_AT_ONCE = 8
FIRST_BALANCE = 1_000


@dataclass(frozen=True, slots=True)
class Ground:
    """A database with one customer on FREE, whose credits every event raises by one."""

    database_url: str
    folder: Path
    metronome_id: str
    port: int

    def process(self, **environment: str) -> Any:
        return service_process(self.database_url, self.folder, port=self.port, environment=environment)

    async def life(self, forge: Launcher, number: int) -> ServiceLife:
        """A process that is forked from one which has imported everything: its start costs little."""
        environment = service_environment(self.database_url, self.folder, port=self.port)
        log = self.folder / f"life_{number}.log"
        return await forge.start(folder=self.folder, log=log, environment=environment | {"LOG_FORMAT": "json"})

    def event(self) -> Json:
        return gift(self.metronome_id)


@pytest.fixture
async def ground(database_url: str, tmp_path: Path) -> Ground:
    async with running_service(database_url, tmp_path) as service:
        customer = await payer(service, "killed", card=None, tier="FREE")
    return Ground(database_url, tmp_path, customer.metronome_id, free_port())


async def test_every_accepted_event_is_handled_once_however_often_the_service_is_killed(ground: Ground) -> None:
    moments = random.Random(20_261_122)
    async with launcher() as forge, Stream(ground).running() as stream:
        for number in range(KILLS):
            life = await ground.life(forge, number)
            await life.listening()
            enough = len(stream.accepted) + moments.randint(1, 20)
            await until(partial(stream.has_accepted, enough), what=f"{enough} events accepted")
            await asyncio.sleep(moments.uniform(0, 0.3))  # not waiting for anything: the moment of death is random
            life.signal(signal.SIGKILL)
            assert await life.ended() == -signal.SIGKILL
    with ground.process() as service:
        await service.until_healthy()
        await until(lambda: all_done(ground), what="every event handled")
        service.kill()

    async with database(ground.database_url):
        done = set(await WebhookEvent.filter(state=WebhookEventState.DONE).values_list("event_id", flat=True))
        granted = await CreditEntry.filter(key__startswith="metronome:").count()
        balance = (await Customer.get(entity_id="killed")).credit_balance
    assert len(stream.accepted) >= KILLS
    assert stream.accepted <= done  # none lost; one may be stored whose answer the kill cut off
    assert granted == len(done)
    assert balance == FIRST_BALANCE + len(done)


@pytest.mark.parametrize("place", ["claimed", "before_commit", "after_commit"])
async def test_a_handler_killed_at_its_commit_has_done_all_or_nothing(ground: Ground, place: str) -> None:
    event = ground.event()
    with ground.process(CRASH_AT=f"credit.applied.{place}") as service:
        await service.until_healthy()
        async with client() as http:
            assert await send(http, service.url, event) in (200, None)
        await service.until_dead()

    async with database(ground.database_url):
        state = (await WebhookEvent.get(event_id=event["id"])).state
        balance = (await Customer.get(entity_id="killed")).credit_balance
    committed = place == "after_commit"
    assert state is (WebhookEventState.DONE if committed else WebhookEventState.PENDING)
    assert balance == FIRST_BALANCE + committed

    with ground.process() as service:
        await service.until_healthy()
        await until(lambda: all_done(ground), what="the event handled")
    async with database(ground.database_url):
        stored = await WebhookEvent.get(event_id=event["id"])
        assert (await Customer.get(entity_id="killed")).credit_balance == FIRST_BALANCE + 1
    assert stored.attempts == (1 if committed else 2)


async def test_duplicates_at_two_processes_are_one_event(postgresql_url: str, tmp_path: Path) -> None:
    async with running_service(postgresql_url, tmp_path) as service:
        customer = await payer(service, "killed", card=None, tier="FREE")
    one = Ground(postgresql_url, tmp_path, customer.metronome_id, free_port())
    two = Ground(postgresql_url, tmp_path, customer.metronome_id, free_port())
    events = [one.event() for _ in range(20)]

    with one.process() as first, two.process() as second:
        await asyncio.gather(first.until_healthy(), second.until_healthy())
        async with client() as http:
            answers = await asyncio.gather(
                *(send(http, url, event) for event in events for url in (first.url, second.url) * 3)
            )
        await until(lambda: all_done(one), what="every event handled")

    assert answers == [200] * 120
    async with database(postgresql_url):
        assert await WebhookEvent.filter(state=WebhookEventState.DONE).count() == 20
        assert (await Customer.get(entity_id="killed")).credit_balance == FIRST_BALANCE + 20


class Stream:
    """Events that keep coming, some of them twice, whoever is there to take them."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._ends = False
        self.accepted: set[str] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        async with client() as http:
            senders = [asyncio.create_task(self._send(http)) for _ in range(EVENTS_AT_ONCE)]
            try:
                yield self
            finally:
                # Not cancelled: in the middle of connecting, httpx would leave a socket behind.
                self._ends = True
                await asyncio.gather(*senders)

    async def has_accepted(self, enough: int) -> bool:
        return len(self.accepted) >= enough

    async def _send(self, http: httpx.AsyncClient) -> None:
        while not self._ends:
            event = self._ground.event()
            # As a provider does: again, until it is taken.
            await until(partial(self._settled, http, event), what="an event taken")

    async def _settled(self, http: httpx.AsyncClient, event: Json) -> bool:
        """It was taken, and sent once more; or nobody waits for it any longer."""
        url = f"http://127.0.0.1:{self._ground.port}"
        if not self._ends and await send(http, url, event) == 200:
            self.accepted.add(event["id"])
            await send(http, url, event)
            return True
        return self._ends


def client() -> httpx.AsyncClient:
    return httpx.AsyncClient(trust_env=False, timeout=60)


async def send(http: httpx.AsyncClient, url: str, event: Json) -> int | None:
    """The status; None when there was no answer."""
    raw = encoded(event)
    try:
        headers = metronome_headers(raw, at=system_now())
        return (await http.post(f"{url}/webhooks/metronome", content=raw, headers=headers)).status_code
    except httpx.TransportError:
        return None


async def all_done(ground: Ground) -> bool:
    async with database(ground.database_url):
        return not await WebhookEvent.filter(state=WebhookEventState.PENDING).exists()
