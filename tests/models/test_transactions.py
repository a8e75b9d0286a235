import asyncio
import random
import sqlite3
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest
from tortoise.connection import get_connection
from tortoise.exceptions import IntegrityError, TransactionManagementError
from tortoise.transactions import in_transaction

from models import Subscription, WebhookEvent, WebhookEventState
from models.database import POSTGRESQL_CLIENT, SQLITE, database, inside_transaction
from tests.models.rows import a_customer, a_subscription, an_event

PROJECT = Path(__file__).parents[2]
POOL_SIZE = int(POSTGRESQL_CLIENT["maxsize"])


async def increment() -> None:
    async with in_transaction():
        event = await WebhookEvent.select_for_update().get(event_id="evt_1")
        event.attempts += 1
        await event.save(update_fields=["attempts"])


async def attempts() -> int:
    return (await WebhookEvent.get(event_id="evt_1")).attempts


async def test_three_processes_lose_no_update(database_url: str) -> None:
    async with database(database_url):
        await an_event().save()
    command = [sys.executable, "-m", "tests.models.increment", database_url, "100"]
    writers = [
        await asyncio.create_subprocess_exec(*command, cwd=PROJECT, stderr=asyncio.subprocess.PIPE) for _ in range(3)
    ]
    errors = [(await writer.communicate())[1].decode() for writer in writers]
    assert errors == ["", "", ""]
    async with database(database_url):
        assert await attempts() == 300


@pytest.mark.usefixtures("database")
async def test_tasks_that_lock_the_row_lose_no_update() -> None:
    await an_event().save()
    await asyncio.gather(*(increment() for _ in range(50)))
    assert await attempts() == 50


@pytest.mark.usefixtures("database")
async def test_one_of_many_claims_wins_when_the_update_names_the_state_it_leaves() -> None:
    await an_event().save()

    async def claim() -> int:
        pending = WebhookEvent.filter(event_id="evt_1", state=WebhookEventState.PENDING)
        return await pending.update(state=WebhookEventState.DONE)

    claims = await asyncio.gather(*(claim() for _ in range(20)))
    assert sorted(claims) == [0] * 19 + [1]


@pytest.mark.usefixtures("database")
async def test_of_many_that_found_no_live_subscription_one_creates_it() -> None:
    customer = await a_customer()

    async def subscribe_unless_subscribed() -> str:
        async with in_transaction():
            if await Subscription.filter(customer=customer).exists():
                return "found"
            await a_subscription(customer)
            return "created"

    outcomes = await asyncio.gather(*(subscribe_unless_subscribed() for _ in range(20)), return_exceptions=True)
    assert outcomes.count("created") == 1
    assert all(outcome in ("created", "found") or isinstance(outcome, IntegrityError) for outcome in outcomes)
    assert await Subscription.filter(customer=customer).count() == 1


async def bulk_create() -> None:
    await WebhookEvent.bulk_create([an_event(f"bulk-{number}") for number in range(3)], ignore_conflicts=True)


async def get_or_create() -> None:
    event = an_event("made")
    await WebhookEvent.get_or_create(
        provider=event.provider,
        event_id=event.event_id,
        defaults={
            "type": event.type,
            "payload": event.payload,
            "occurred_at": event.occurred_at,
            "received_at": event.received_at,
            "state": event.state,
        },
    )


async def increment_twice_nested() -> None:
    async with in_transaction():
        await increment()
        await increment()


@pytest.mark.parametrize("work", [increment, increment_twice_nested, bulk_create, get_or_create])
@pytest.mark.usefixtures("database")
async def test_cancelled_work_leaves_the_database_usable(work: Callable[[], Awaitable[None]]) -> None:
    await an_event().save()
    delays = random.Random(5)
    for _ in range(120):
        with suppress(TimeoutError):
            async with asyncio.timeout(delays.uniform(0, 0.004)):
                await work()
    await assert_usable()


@pytest.mark.usefixtures("database")
async def test_two_hundred_cancellations_at_every_point_leave_the_database_usable() -> None:
    await an_event().save()
    for turns in range(200):
        task = asyncio.create_task(increment())
        for _ in range(turns % 40):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
    await assert_usable()


async def assert_usable() -> None:
    """As many transactions at once as there are connections, and none of them finds leftovers."""
    before = await attempts()
    async with asyncio.timeout(120):
        await asyncio.gather(*(increment() for _ in range(2 * POOL_SIZE)))
    assert await attempts() == before + 2 * POOL_SIZE


async def test_a_transaction_cancelled_while_waiting_for_another_process_frees_the_lock(sqlite_url: str) -> None:
    other_process = sqlite3.connect(sqlite_url.removeprefix("sqlite://"), isolation_level=None)
    async with database(sqlite_url):
        await an_event().save()
        other_process.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(increment())
        await asyncio.sleep(0)  # takes the lock, then waits for the other process
        waiting.cancel()
        other_process.execute("COMMIT")
        other_process.close()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await assert_usable()


@pytest.mark.usefixtures("database")
async def test_cancelling_inside_a_transaction_rolls_it_back() -> None:
    await an_event().save()
    written = asyncio.Event()

    async def write_and_stay() -> None:
        async with in_transaction():
            await WebhookEvent.filter(event_id="evt_1").update(attempts=7)
            written.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(write_and_stay())
    await written.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await attempts() == 0


async def test_what_an_aborted_predecessor_left_open_is_rolled_back(sqlite_url: str) -> None:
    async with database(sqlite_url):
        await an_event().save()
        await get_connection(SQLITE).execute_script("BEGIN; UPDATE webhook_event SET attempts = 99")
        async with in_transaction():
            await WebhookEvent.filter(event_id="evt_1").update(last_error="seen")
        assert await attempts() == 0


async def test_a_statement_after_an_aborted_predecessor_is_committed_at_once(sqlite_url: str) -> None:
    async with database(sqlite_url):
        await an_event().save()
        await get_connection(SQLITE).execute_script("BEGIN; UPDATE webhook_event SET attempts = 99")
        await WebhookEvent.filter(event_id="evt_1").update(last_error="seen")
        other_process = sqlite3.connect(sqlite_url.removeprefix("sqlite://"))
        row = other_process.execute("SELECT attempts, last_error FROM webhook_event").fetchone()
        other_process.close()
        assert row == (0, "seen")


@pytest.mark.usefixtures("database")
async def test_a_failure_rolls_back_scripts_too() -> None:
    await an_event().save()
    with suppress(ZeroDivisionError):
        async with in_transaction() as transaction:
            await transaction.execute_script(
                "UPDATE webhook_event SET attempts = 5; UPDATE webhook_event SET last_error = 'a;b'"
            )
            raise ZeroDivisionError
    assert await WebhookEvent.filter(attempts=0, last_error=None).count() == 1


@pytest.mark.usefixtures("database")
async def test_a_nested_failure_undoes_only_the_nested_part() -> None:
    await an_event().save()
    async with in_transaction():
        await increment()
        with suppress(ZeroDivisionError):
            async with in_transaction():
                await increment()
                raise ZeroDivisionError
    assert await attempts() == 1


@pytest.mark.usefixtures("database")
async def test_a_transaction_that_ended_refuses_further_statements() -> None:
    async with in_transaction() as transaction:
        pass
    with pytest.raises(TransactionManagementError, match="has ended"):
        await transaction.execute_query("SELECT 1")


@pytest.mark.usefixtures("database")
async def test_a_task_knows_whether_it_holds_a_transaction() -> None:
    assert not inside_transaction()
    async with in_transaction():
        assert inside_transaction()
    assert not inside_transaction()
