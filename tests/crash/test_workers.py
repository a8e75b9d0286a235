"""Several processes, and one that is told to stop."""

import json
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from tests.crash.beginnings import ONBOARDED, PAID_ONBOARDING
from tests.crash.books import books
from tests.crash.matrix import new_entity
from tests.crash.processes import until
from tests.crash.world import Client, World

NOBODY = "http://127.0.0.1:9"  # the discard port: nothing listens, every connection is refused
PAYMENT = {"method": "POST", "path": "^/v1/payment_intents$"}
LOCK_SPACE = 0x62696C6C
STOPPED_WITHIN_SECONDS = 10.0  # less than a call's own patience


async def test_a_second_process_on_the_same_sqlite_files_is_refused_in_one_line(sqlite_world: World) -> None:
    async with sqlite_world.service():
        second = await sqlite_world.launch()
        status = await second.ended()

    folder = sqlite_world.database_url.removeprefix("sqlite://").removesuffix("/billing.db")
    assert status == 2
    assert second.log_text().splitlines() == [
        f"billing: another process is running on {folder}: SQLite serves one at a time. "
        "Stop it, or set DATABASE_URL to PostgreSQL to run several."
    ]


async def test_the_survivor_takes_over_from_a_worker_that_was_killed(postgresql_world: World) -> None:
    world, entity_id = postgresql_world, new_entity()
    async with world.service() as survivor:
        async with world.service(CRASH_AT="payment_1.after_call") as victim:
            await send_onboarding(victim, entity_id)
            assert await victim.process.ended() == -signal.SIGKILL
        await survivor.operations_ended(entity_id)
        taken_over = survivor.process.events("operation.taken_over")

    assert len(taken_over) == 1
    assert await operation(world, entity_id) == ("SUCCEEDED", 1, None)
    assert (await books(world, entity_id)).differences(ONBOARDED) == []


async def test_what_brings_down_every_worker_is_given_up_after_five_takeovers(postgresql_world: World) -> None:
    world, entity_id, poison = postgresql_world, new_entity(), "collect_first_invoice.begins"
    async with worker_lock(world, slot=0), world.service(CRASH_AT=poison) as first:
        await send_onboarding(first, entity_id)
        await first.process.ended()
    await execute(world, "UPDATE operation SET takeovers = 4")

    async with world.service(CRASH_AT=poison) as fifth:
        status_of_the_fifth = await fifth.process.ended()
    async with worker_lock(world, slot=0) as release, world.service() as last:
        await release()
        told = await last.process.logged("operation.given_up")

    assert status_of_the_fifth == -signal.SIGKILL
    assert told["takeovers"] == 5
    problem = "Given up: 5 workers took it over and ended. An operator has to look at it."
    assert (await operation(world, entity_id))[::2] == ("RUNNING", problem)


async def test_a_worker_taken_for_dead_that_wakes_up_again_changes_nothing(postgresql_world: World) -> None:
    world, entity_id = postgresql_world, new_entity()
    await world.providers.fault(world.providers.stripe, **PAYMENT, kind="delay", delay_ms=3000)
    sent_before = await payments_sent(world)
    async with world.service(OPERATION_WAIT_SECONDS="0") as stalled, world.service() as survivor:
        await stalled.execute(PAID_ONBOARDING.mutation, **PAID_ONBOARDING.variables(entity_id))
        await payment_is_on_its_way(world, sent_before)
        stalled.process.signal(signal.SIGSTOP)
        await cut_off(world, slot=0)
        await survivor.operations_ended(entity_id)
        stalled.process.signal(signal.SIGCONT)
        await stalled.operations_ended(entity_id)
        await stalled.process.logged("engine.slot_taken_again")

    assert (await operation(world, entity_id))[:2] == ("SUCCEEDED", 1)
    assert (await books(world, entity_id)).differences(ONBOARDED) == []


@pytest.mark.parametrize(
    ("environment", "fault"),
    [
        pytest.param({"STRIPE_API_BASE": NOBODY}, {}, id="refuses connections"),
        pytest.param({}, {"kind": "status_before", "status": 503, "times": None}, id="answers 503"),
        pytest.param({}, {"kind": "timeout_before", "delay_ms": 30_000, "times": None}, id="never answers"),
    ],
)
async def test_sigterm_while_a_provider_is_down_ends_the_process_in_good_order_and_the_next_one_goes_on(
    world: World, environment: dict[str, str], fault: dict[str, Any]
) -> None:
    entity_id, sent_before = new_entity(), await payments_sent(world)
    if fault:
        await world.providers.fault(world.providers.stripe, **PAYMENT, **fault)

    async with world.service(OPERATION_WAIT_SECONDS="0", DRAIN_SECONDS="1", **environment) as client:
        await client.execute(PAID_ONBOARDING.mutation, **PAID_ONBOARDING.variables(entity_id))
        if fault:
            await payment_is_on_its_way(world, sent_before)
        else:
            await client.process.logged("operation.provider_unavailable")
        status, seconds = await terminated(client)
        log = client.process.log_text()
    await world.providers.clear_faults()
    async with world.service() as client:
        await client.operations_ended(entity_id)

    assert status == 0
    assert seconds < STOPPED_WITHIN_SECONDS
    assert "Traceback" not in log
    assert '"exception"' not in log
    assert [json.loads(line)["event"] for line in log.splitlines()][-1] == "service.stopped"
    assert (await books(world, entity_id)).differences(ONBOARDED) == []


async def send_onboarding(client: Client, entity_id: str) -> bool:
    return await client.send(PAID_ONBOARDING.mutation, **PAID_ONBOARDING.variables(entity_id))


async def operation(world: World, entity_id: str) -> tuple[Any, ...]:
    """Status, takeovers and last problem of a customer's one operation."""
    (row,) = await world.rows(
        "SELECT o.status, o.takeovers, o.last_problem FROM operation o JOIN customer c ON c.id = o.customer_id "
        "WHERE c.entity_id = $1",
        entity_id,
    )
    return row


async def execute(world: World, statement: str, *values: object) -> None:
    connection: Any = await asyncpg.connect(world.database_url)
    await connection.execute(statement, *values)
    await connection.close()


@asynccontextmanager
async def worker_lock(world: World, *, slot: int) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Be the live worker in this slot, until the returned function is called."""
    connection: Any = await asyncpg.connect(world.database_url)
    try:
        # The server may not have noticed yet that the last one died.
        await until(lambda: connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", LOCK_SPACE, slot))
        yield connection.close
    finally:
        await connection.close()


async def terminated(client: Client) -> tuple[int, float]:
    """Exit status, and how many seconds it took."""
    asked = time.monotonic()
    return await client.stop(), time.monotonic() - asked


async def cut_off(world: World, *, slot: int) -> None:
    """Break the connection that holds a worker's lock, as a network does."""
    await execute(
        world,
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = $1 AND objid = $2 "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        LOCK_SPACE,
        slot,
    )


async def payments_sent(world: World) -> int:
    entries = await world.providers.journals[1].entries()
    return sum(entry["method"] == "POST" and entry["path"] == "/v1/payment_intents" for entry in entries)


async def payment_is_on_its_way(world: World, sent_before: int) -> None:
    async def another_was_sent() -> bool:
        return await payments_sent(world) > sent_before

    await until(another_was_sent)
