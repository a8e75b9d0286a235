"""Events that never arrived are found in the providers' own lists, also after a day without the service."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qsl

import httpx
import pytest
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

import mock_metronome.app
import models
from mock_kit.clock import Clock
from tests.service import METRONOME, STRIPE, Service
from tests.webhooks.away import World, providers
from tests.webhooks.bodies import events_stored
from tests.webhooks.customers import SECURE_CARD, authenticate, payer, standing
from tests.webhooks.delivery import all_handled, events_of, stored_where, until

A_DAY = timedelta(days=1)
AT_METRONOME = ("GET", "/api/v1/webhooks/events")


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with providers(database_url, tmp_path, Clock()) as found:
        yield found


async def test_what_happened_in_a_day_without_the_service_is_made_up_for(world: World) -> None:
    async with world.service() as service:
        customer = await payer(service, "absent", SECURE_CARD)
        assert await events_stored(service) == 0
        await authenticate(service, customer, outcome="success")
    world.clock.advance(A_DAY)

    async with world.service() as service:
        events = await events_of(service, *customer.ids)
        await until(lambda: stored_count(service, len(events)), what="the missed events")
        assert set((await all_handled(service, events)).values()) == {"DONE"}
        invoices = (await standing(service, "absent"))["customer"]["invoices"]

    assert [(invoice["status"], invoice["payments"][0]["status"]) for invoice in invoices] == [("PAID", "SUCCEEDED")]


async def test_a_webhook_that_is_lost_while_the_service_runs_is_found_without_a_restart(world: World) -> None:
    async with world.service(missed_events_seconds=0.1) as service:
        await until(lambda: has_looked(service), what="the look at the start")
        customer = await payer(service, "present")
        events = await events_of(service, *customer.ids)
        world.clock.advance(timedelta(minutes=3))

        await until(lambda: stored_count(service, len(events)), what="the lost webhooks")
        assert set((await all_handled(service, events)).values()) == {"DONE"}


async def test_what_is_found_again_is_not_stored_again(world: World) -> None:
    async with world.service() as service:
        customer = await payer(service, "known")
        events = await events_of(service, *customer.ids)
    world.clock.advance(A_DAY)
    async with world.service() as service:
        await until(lambda: stored_count(service, len(events)), what="the missed events")

    async with world.service() as service:
        newer = await payer(service, "newer")
        total = len(events) + len(await events_of(service, *newer.ids))
    world.clock.advance(A_DAY)
    async with world.service() as service:
        await until(lambda: stored_count(service, total), what="the newer events")

        assert len(await stored_where(service, entityId="known")) == len(events)


async def test_what_happened_before_the_service_was_there_is_not_its_business(world: World) -> None:
    mock = httpx.AsyncClient(transport=httpx.ASGITransport(world.stripe), base_url=STRIPE)
    async with mock:
        key = {"authorization": "Bearer sk_test_sandbox"}
        assert (await mock.post("/v1/customers", data={"email": "old@example.com"}, headers=key)).is_success
        world.clock.advance(timedelta(hours=2))
        assert (await mock.post("/v1/customers", data={"email": "new@example.com"}, headers=key)).is_success
        world.clock.advance(timedelta(minutes=5))

        async with world.service() as service:
            await until(lambda: stored_count(service, 1), what="the newer event")
            (event,) = await stored_where(service, type="customer.created")

    assert "new@example.com" in event["payload"]


async def test_one_list_out_of_reach_does_not_hide_the_other(world: World) -> None:
    async with world.service() as service:
        customer = await payer(service, "half")
        at_metronome = len(await events_of(service, customer.metronome_id))
        await service.stripe.fault(method="GET", path="/v1/events", kind="status_before", status=500, times=None)
    world.clock.advance(A_DAY)

    async with world.service() as service:
        await until(lambda: stored_count(service, at_metronome), what="Metronome's events")
        providers = {event["provider"] for event in await stored_where(service)}

    assert providers == {"METRONOME"}


async def test_a_list_that_forgot_where_we_stopped_is_read_from_its_start(world: World) -> None:
    async with world.service() as service:
        before = await payer(service, "before")
        count = len(await events_of(service, *before.ids))
    world.clock.advance(A_DAY)
    async with world.service() as service:
        await until(lambda: stored_count(service, count), what="the events of before")
    world = replace(world, metronome=mock_metronome.app.create_app(clock=world.clock))
    async with world.service() as service:
        after = await payer(service, "after")
        count += len(await events_of(service, *after.ids))
    world.clock.advance(A_DAY)

    async with world.service() as service:
        await until(lambda: stored_count(service, count), what="the events since")


async def test_what_was_read_before_a_page_failed_is_not_read_again(world: World) -> None:
    async with world.service() as service:
        await until(lambda: has_looked(service), what="the look at the start")
        early = await payer(service, "early")
        world.clock.advance(A_DAY)
        late = await payer(service, "late")
        stripe_events = await events_of(service, early.stripe_id), await events_of(service, late.stripe_id)
        # Stretches of 1, 2, 4, 8 and 16 hours: the fourth fails, and the late events are in the fifth.
        await service.stripe.fault(method="GET", path="/v1/events", kind="status_before", status=400, skip=3, times=1)
        world.clock.advance(timedelta(minutes=5))
    async with world.service() as service:
        await until(lambda: fault_struck(service), what="the page that fails")
        known = await stored_where(service, provider="STRIPE")
        reached = await models.EventCursor.get(provider="STRIPE")

        assert {event["eventId"] for event in known} == {sent.id for sent in stripe_events[0]}
        assert reached.read_until > world.clock.now() - A_DAY

    async with world.service() as service:
        count = len(stripe_events[0]) + len(stripe_events[1])
        await until(lambda: stored_of(service, "STRIPE", count), what="the rest")


async def test_events_that_nobody_can_read_do_not_stop_the_reading(world: World) -> None:
    async with world.service() as service:
        spoilt = await payer(service, "spoilt")
        plain = await payer(service, "plain")
        readable = {sent.id for sent in await events_of(service, plain.metronome_id)}
        spoiling = Spoiling(world.metronome, customer_id=spoilt.metronome_id)
    world.clock.advance(A_DAY)

    async with replace(world, metronome=spoiling).service() as service:
        await until(lambda: stored_of(service, "METRONOME", len(readable)), what="the events that can be read")
        found = await stored_where(service, provider="METRONOME")

    assert {event["eventId"] for event in found} == readable


class Spoiling:
    """Metronome, listing two events at a time; those of one customer lack their time."""

    def __init__(self, mock: ASGIApp, *, customer_id: str) -> None:
        self._mock, self._customer_id = mock, customer_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != AT_METRONOME[1]:
            await self._mock(scope, receive, send)
            return
        transport = httpx.ASGITransport(self._mock)
        query = dict(parse_qsl(scope["query_string"].decode())) | {"limit": "2"}
        async with httpx.AsyncClient(transport=transport, base_url=METRONOME) as client:
            headers = {"authorization": Headers(scope=scope)["authorization"]}
            answer = await client.get(scope["path"], params=query, headers=headers)
        listed = answer.json()
        for event in listed.get("data", []):
            if event["customer_id"] == self._customer_id:
                del event["timestamp"]
        await JSONResponse(listed, status_code=answer.status_code)(scope, receive, send)


async def fault_struck(service: Service) -> bool:
    return bool((await service.stripe.http.get("/_mock/faults")).json()["data"][0]["hits"])


async def stored_of(service: Service, provider: str, expected: int) -> bool:
    return len(await stored_where(service, provider=provider)) == expected


async def has_looked(service: Service) -> bool:
    return bool(await service.stripe.requests("GET", "/v1/events") and await service.metronome.requests(*AT_METRONOME))


async def stored_count(service: Service, expected: int) -> bool:
    stored = await events_stored(service)
    assert stored <= expected
    return stored == expected
