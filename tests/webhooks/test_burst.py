"""Very many events at once: each is taken, each is handled once, and whoever asks meanwhile is answered."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass

import models
from models import CreditEntry, WebhookEvent, WebhookEventState
from tests.service import Service
from tests.webhooks.bodies import encoded, gift, metronome_event
from tests.webhooks.customers import payer
from tests.webhooks.delivery import metronome_headers, post, until

EVENTS = int(os.environ.get("WEBHOOK_BURST", "2000"))
# So many of them write the ledger, which is most of the work; the others are of a type that nobody handles.
GIFTS = int(os.environ.get("WEBHOOK_BURST_GIFTS", "200"))
CUSTOMERS = 5
QUERIES = 50
# So many of them at least are answered while events still wait for their turn.
ANSWERED_MEANWHILE = 40
FIRST_BALANCE = 1_000
PATIENCE_SECONDS = 900.0

ASK = "query($id: String!) { customer(entityId: $id) { entityId credits { balance } } }"


async def test_a_burst_is_accepted_whole_and_handled_once_and_queries_are_answered_meanwhile(service: Service) -> None:
    names = [f"burst_{place}" for place in range(CUSTOMERS)]
    customers = [await payer(service, name, card=None, tier="FREE") for name in names]
    gifts = [encoded(gift(customers[place % CUSTOMERS].metronome_id)) for place in range(GIFTS)]
    bodies = [*gifts, *(encoded(metronome_event()) for _ in range(EVENTS - GIFTS))]
    asking = asyncio.create_task(ask(service, names))

    answers = await asyncio.gather(*(send(service, raw) for raw in [*bodies, *bodies[: EVENTS // 10]]))
    await until(nothing_left, what="every event handled", seconds=PATIENCE_SECONDS)
    told = await asking

    assert [status for status, _ in answers] == [200] * (EVENTS + EVENTS // 10)
    assert sum(new for _, new in answers) == EVENTS
    assert await WebhookEvent.filter(state=WebhookEventState.DONE).count() == GIFTS
    assert await WebhookEvent.filter(state=WebhookEventState.IGNORED).count() == EVENTS - GIFTS
    assert await CreditEntry.filter(key__startswith="metronome:").count() == GIFTS
    balances = [(await models.Customer.get(entity_id=name)).credit_balance for name in names]
    assert balances == [FIRST_BALANCE + GIFTS // CUSTOMERS] * CUSTOMERS
    assert [each.entity_id for each in told] == names * (QUERIES // CUSTOMERS)
    assert all(each.balance >= FIRST_BALANCE for each in told)
    assert sum(each.events_waited for each in told) >= ANSWERED_MEANWHILE


async def send(service: Service, raw: bytes) -> tuple[int, bool]:
    """The answer, and whether it was new."""
    answer = await post(service, "metronome", raw, metronome_headers(raw, at=service.clock.now()))
    return answer.status_code, answer.json().get("duplicate") is False


@dataclass(frozen=True, slots=True)
class Told:
    """An answer, and whether stored events waited to be handled when it had come."""

    entity_id: str
    balance: int
    events_waited: bool


async def ask(service: Service, names: Sequence[str]) -> list[Told]:
    """One query after the other, from the first event on."""
    await until(something_left, what="the first event stored", seconds=PATIENCE_SECONDS)
    told = []
    for place in range(QUERIES):
        customer = (await service.graphql(ASK, id=names[place % len(names)]))["customer"]
        told.append(Told(customer["entityId"], customer["credits"]["balance"], await something_left()))
    return told


async def something_left() -> bool:
    return await WebhookEvent.filter(state=WebhookEventState.PENDING).exists()


async def nothing_left() -> bool:
    return not await something_left()
