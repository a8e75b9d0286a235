"""Two web processes and a worker on one PostgreSQL are one service."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.operating.command import app
from tests.operating.metrics import scrape, value, values_of
from tests.operating.scaled import Process, Scaled, scaled
from tests.webhooks.delivery import until

ONBOARD = """
mutation($id: String!) {
  onboard(input: {
    entity: {id: $id, type: USER, name: "Ada", email: "ada@example.com"}, tier: PRO, paymentMethodId: "pm_card_visa"
  }) { operation { id status } userErrors { code } }
}
"""
CUSTOMER = "query($id: String!) { customer(entityId: $id) { credits { balance } subscription { tier status } } }"
EVENTS = '{ webhookEvents(first: 50, filter: {entityId: "ada"}) { nodes { provider state } } }'
OPERATION = "query($id: ID!) { operation(id: $id) { status } }"
WATCH = "subscription { activity { kind entityId } }"


@pytest.fixture
async def service(postgresql_url: str, tmp_path: Path) -> AsyncIterator[Scaled]:
    async with scaled(postgresql_url, tmp_path) as running:
        yield running


async def test_two_web_processes_and_a_worker_are_one_service(service: Scaled) -> None:
    await what_one_does_the_other_shows_and_tells_at_once(service)
    await webhooks_to_the_web_are_handled_by_the_worker(service)
    await each_counts_for_itself(service)
    await what_a_killed_web_process_left_is_taken_up(service)
    await without_its_worker_the_web_is_not_ready(service)


async def what_one_does_the_other_shows_and_tells_at_once(service: Scaled) -> None:
    watching = asyncio.create_task(first_news(service.two, kind="operation.succeeded"))
    await until(lambda: watched(service.two), what="the subscription open")
    answered = (await service.one.ask(ONBOARD, id="ada"))["onboard"]
    assert (answered["operation"]["status"], answered["userErrors"]) == ("SUCCEEDED", [])

    assert await asyncio.wait_for(watching, 120) == {"kind": "operation.succeeded", "entityId": "ada"}
    customer = (await service.two.ask(CUSTOMER, id="ada"))["customer"]
    assert customer == {"credits": {"balance": 10_000}, "subscription": {"tier": "PRO", "status": "ACTIVE"}}


async def webhooks_to_the_web_are_handled_by_the_worker(service: Scaled) -> None:
    async def all_handled() -> bool:
        events = (await service.one.ask(EVENTS))["webhookEvents"]["nodes"]
        providers = {event["provider"] for event in events}
        return providers == {"STRIPE", "METRONOME"} and all(event["state"] == "DONE" for event in events)

    await until(all_handled, what="both providers' events handled")
    handled = "billing_webhook_event_seconds_count"
    assert value(await scrape(service.worker.http), handled, provider="STRIPE") > 0
    assert value(await scrape(service.two.http), handled, provider="STRIPE") == 0


async def each_counts_for_itself(service: Scaled) -> None:
    one, two, worker = [await scrape(each.http) for each in (service.one, service.two, service.worker)]

    taken = {"kind": "PAYMENT", "currency": "USD"}
    counted = [value(each, "billing_money_moved_minor_units_total", **taken) for each in (one, two, worker)]
    assert sum(counted) == 900
    heartbeats = [values_of(each, "worker", metric="billing_worker_heartbeat_age_seconds") for each in (one, two)]
    assert heartbeats[0] == heartbeats[1]
    assert len(heartbeats[0]) == 1


async def what_a_killed_web_process_left_is_taken_up(service: Scaled) -> None:
    """Killed, so it can tell nobody."""
    stuck = {"kind": "status_before", "status": 503, "path": "^/v1/payment_intents", "times": None}
    assert (await service.stripe.post("/_mock/faults", json=stuck)).is_success
    asking = asyncio.create_task(service.one.ask(ONBOARD, id="grace"))
    operation_id = await until(lambda: running_operation(service.two), what="an operation that waits for Stripe")
    service.one.service.kill()
    await asyncio.gather(asking, return_exceptions=True)
    assert (await service.stripe.delete("/_mock/faults")).is_success

    async def succeeded() -> bool:
        found: dict[str, Any] = (await service.two.ask(OPERATION, id=operation_id))["operation"]
        return bool(found["status"] == "SUCCEEDED")

    await until(succeeded, what="somebody else finished it")


async def without_its_worker_the_web_is_not_ready(service: Scaled) -> None:
    service.worker.service.process.send_signal(signal.SIGTERM)
    await service.worker.service.until_dead()

    assert await service.two.down() == {
        "worker": "no worker gave a sign of life for 30 s: start `python -m app worker`"
    }
    assert (await service.two.http.get("/health")).status_code == 200


async def first_news(process: Process, *, kind: str) -> dict[str, str]:
    """Over server-sent events."""
    headers = {"accept": "text/event-stream"}
    async with process.http.stream("POST", "/graphql", json={"query": WATCH}, headers=headers) as stream:
        async for line in stream.aiter_lines():
            if line.startswith("data: ") and "activity" in line:
                told: dict[str, str] = json.loads(line.removeprefix("data: "))["data"]["activity"]
                if told["kind"] == kind:
                    return told
    raise AssertionError("the stream ended")


async def watched(process: Process) -> bool:
    return value(await scrape(process.http), "billing_live_streams") == 1


async def running_operation(process: Process) -> str | None:
    query = '{ operations(first: 1, filter: {entityId: "grace", status: RUNNING}) { nodes { id lastProblem } } }'
    nodes = (await process.ask(query))["operations"]["nodes"]
    return nodes[0]["id"] if nodes and nodes[0]["lastProblem"] else None


@pytest.mark.parametrize("command", [("worker",), ("serve", "--no-worker")], ids=lambda command: command[0])
def test_on_sqlite_there_is_one_process_and_a_second_one_says_so(
    command: tuple[str, ...], sqlite_url: str, tmp_path: Path
) -> None:
    done = app(*command, DATABASE_URL=sqlite_url, DATA_DIR=str(tmp_path))

    assert done == (2, "", "billing: SQLite serves one process: run `serve` alone, or set DATABASE_URL to PostgreSQL\n")
