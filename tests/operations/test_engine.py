"""The engine with steps of the test's own, on real databases."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from tortoise.connection import get_connection

from app.clock import system_now
from app.settings import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET
from integrations.http import provider_http_client
from integrations.metronome.client import MetronomeClient
from integrations.metronome.credentials import OAuthCredentials
from integrations.metronome.oauth import TokenSource
from integrations.stripe.client import StripePayments
from models import EffectState, Operation, OperationKind, OperationStatus, Provider, ProviderEffect
from models.database import database as connected
from operations.effects import Effect, perform
from operations.engine import Engine, Next, Step, prepare_sqlite
from operations.liveness import FileSlots, PostgresSlots, Slots, TooManyWorkers
from operations.tools import Tools
from tests.models.rows import a_customer

KIND = OperationKind.ONBOARD
NOBODY = "http://127.0.0.1:9"


@pytest.fixture
async def tools() -> AsyncIterator[Tools]:
    """Nobody is called in these tests."""
    async with provider_http_client(NOBODY) as http:
        credentials = OAuthCredentials(
            SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET, f"{NOBODY}/oauth/token", "billing:read"
        )
        yield Tools(
            metronome=MetronomeClient(http, TokenSource(http, credentials, system_now)),
            stripe=StripePayments(http, SecretStr("sk_test_nobody")),
            now=system_now,
        )


class Workplace:
    """One database, and engines on it one after the other."""

    def __init__(self, url: str, folder: Path, tools: Tools) -> None:
        self._url, self._folder, self._tools = url, folder, tools

    @asynccontextmanager
    async def engine(self, *steps: Step, drain_seconds: float = 5.0) -> AsyncIterator[Engine]:
        slots: Slots
        if self._url.startswith("sqlite"):
            records, slots = prepare_sqlite(self._folder / "engine.sqlite"), FileSlots(self._folder)
        else:
            records, slots = self._url, await PostgresSlots.connect(self._url)
        engine = Engine(verbs={KIND: steps}, tools=self._tools, system_database_url=records, slots=slots)
        await engine.start()
        try:
            yield engine
        finally:
            await engine.stop(drain_seconds=drain_seconds)


@pytest.fixture
async def workplace(database_url: str, tmp_path: Path, tools: Tools) -> AsyncIterator[Workplace]:
    async with connected(database_url):
        yield Workplace(database_url, tmp_path, tools)


async def accepted(*, ago: timedelta = timedelta(0)) -> Operation:
    at = system_now() - ago
    return await Operation.create(
        kind=KIND,
        customer_id=(await a_customer()).id,
        input={},
        input_hash="",
        status=OperationStatus.RUNNING,
        created_at=at,
        updated_at=at,
    )


LONG_AGO = timedelta(seconds=10)


async def end(operation_id: str, _: Tools) -> Next:
    await Operation.filter(id=operation_id).update(status=OperationStatus.SUCCEEDED, finished_at=system_now())
    return Next.CONTINUE


async def status(operation: Operation) -> OperationStatus:
    return (await Operation.get(id=operation.id)).status


@dataclass(frozen=True, slots=True)
class Thing:
    id: str


def a_change(send: Callable[[str], Awaitable[Thing]]) -> Effect[Thing]:
    async def nothing_there(_: datetime) -> None:
        return None

    async def settle(_: Thing) -> None:
        return None

    return Effect(step="thing", provider=Provider.STRIPE, send=send, look_up=nothing_there, settle=settle)


class Counted:
    """A step that counts how often it was run, for each operation."""

    def __init__(self) -> None:
        self.runs = 0

    def step(self) -> Step:
        async def counted(_: str, __: Tools) -> Next:
            self.runs += 1
            return Next.CONTINUE

        return counted


async def test_the_sweep_starts_what_was_accepted_and_never_started(workplace: Workplace) -> None:
    operation, counted = await accepted(ago=LONG_AGO), Counted()

    async with workplace.engine(counted.step(), end) as engine:
        await engine.sweep()
        await engine.wait(operation.id, seconds=120)

    assert await status(operation) is OperationStatus.SUCCEEDED
    assert counted.runs == 1


async def test_the_sweep_leaves_alone_what_was_accepted_a_moment_ago(workplace: Workplace) -> None:
    async with workplace.engine(end) as engine:
        operation = await accepted()
        await engine.sweep()
        await engine.wait(operation.id, seconds=0.5)

    assert await status(operation) is OperationStatus.RUNNING


async def test_started_many_times_at_once_it_runs_once(workplace: Workplace) -> None:
    operation, counted = await accepted(ago=LONG_AGO), Counted()

    async with workplace.engine(counted.step(), end) as engine:
        await asyncio.gather(*[engine.run(operation.id, KIND) for _ in range(10)], engine.sweep())
        await engine.wait(operation.id, seconds=120)
        await engine.run(operation.id, KIND)

    assert counted.runs == 1


async def test_an_unexpected_fault_is_shown_and_tried_again_until_it_is_mended(workplace: Workplace) -> None:
    operation, shown = await accepted(), list[str | None]()

    async def faulty(operation_id: str, _: Tools) -> Next:
        shown.append((await Operation.get(id=operation_id)).last_problem)
        if len(shown) < 3:
            raise ZeroDivisionError("a fault of ours")
        return Next.CONTINUE

    async def look(operation_id: str, _: Tools) -> Next:
        shown.append((await Operation.get(id=operation_id)).last_problem)
        return Next.CONTINUE

    async with workplace.engine(faulty, look, end) as engine:
        await engine.run(operation.id, KIND)
        await engine.wait(operation.id, seconds=120)

    fault = "An internal fault in step faulty; it is tried again. The log has the details."
    assert shown == [None, fault, fault, None]
    assert await status(operation) is OperationStatus.SUCCEEDED


async def test_a_stop_cuts_what_waits_and_the_next_start_goes_on_where_it_was(workplace: Workplace) -> None:
    operation, before, reached = await accepted(), Counted(), asyncio.Event()

    async def wait_for_ever(_: str, __: Tools) -> Next:
        reached.set()
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    async def wait_no_longer(_: str, __: Tools) -> Next:
        return Next.CONTINUE

    wait_no_longer.__name__ = wait_for_ever.__name__  # the same step, mended
    async with workplace.engine(before.step(), wait_for_ever, end) as engine:
        await engine.run(operation.id, KIND)
        await reached.wait()
    cut = await Operation.get(id=operation.id)
    async with workplace.engine(before.step(), wait_no_longer, end) as engine:
        await engine.wait(operation.id, seconds=120)

    assert (cut.status, cut.takeovers) == (OperationStatus.RUNNING, 0)
    assert await status(operation) is OperationStatus.SUCCEEDED
    assert before.runs == 1


async def test_a_stop_lets_the_call_in_hand_end_and_its_answer_be_written_down(workplace: Workplace) -> None:
    operation, sent, answer = await accepted(), asyncio.Event(), asyncio.Event()

    async def call(operation_id: str, _: Tools) -> Next:
        await perform(operation_id, a_change(send), system_now)
        return Next.CONTINUE

    async def send(_: str) -> Thing:
        sent.set()
        await answer.wait()
        return Thing("thing_1")

    async with workplace.engine(call, end) as engine:
        await engine.run(operation.id, KIND)
        await sent.wait()
        asyncio.get_running_loop().call_later(0.2, answer.set)

    (effect,) = await ProviderEffect.all()
    assert (effect.state, effect.object_id) == (EffectState.DONE, "thing_1")


async def test_a_workflow_that_ended_without_ending_its_operation_starts_over(workplace: Workplace) -> None:
    operation, counted = await accepted(ago=LONG_AGO), Counted()

    async def end_the_second_time(operation_id: str, tools: Tools) -> Next:
        return await end(operation_id, tools) if counted.runs == 2 else Next.CONTINUE

    async with workplace.engine(counted.step(), end_the_second_time) as engine:
        await engine.run(operation.id, KIND)
        while counted.runs < 2:
            await Operation.filter(id=operation.id).update(updated_at=system_now() - LONG_AGO)
            await engine.sweep()
        await engine.wait(operation.id, seconds=120)

    assert await status(operation) is OperationStatus.SUCCEEDED
    assert (await Operation.get(id=operation.id)).takeovers == 1


async def test_what_was_given_up_runs_again_when_an_operator_says_so_and_the_old_run_goes_no_further(
    workplace: Workplace,
) -> None:
    operation, stuck, release = await accepted(), asyncio.Event(), asyncio.Event()
    steps_after = list[str]()

    async def hang_the_first_time(_: str, __: Tools) -> Next:
        if not stuck.is_set():
            stuck.set()
            await release.wait()
        return Next.CONTINUE

    async def go_on(operation_id: str, _: Tools) -> Next:
        steps_after.append(operation_id)
        return Next.CONTINUE

    async with workplace.engine(hang_the_first_time, go_on, end) as engine:
        await engine.run(operation.id, KIND)
        await stuck.wait()
        await Operation.filter(id=operation.id).update(takeovers=6)
        assert await engine.start_over(operation.id)
        await engine.wait(operation.id, seconds=120)
        release.set()

    found = await Operation.get(id=operation.id)
    assert (found.status, found.leg, found.takeovers) == (OperationStatus.SUCCEEDED, 1, 0)
    assert steps_after == [operation.id]


async def test_what_has_ended_is_not_started_over(workplace: Workplace) -> None:
    operation = await accepted()

    async with workplace.engine(end) as engine:
        await engine.run(operation.id, KIND)
        await engine.wait(operation.id, seconds=120)
        started_over = await engine.start_over(operation.id)

    assert not started_over
    assert (await Operation.get(id=operation.id)).leg == 0


async def test_waiting_ends_with_the_time_given_although_the_operation_has_not(workplace: Workplace) -> None:
    operation = await accepted()

    async with workplace.engine(end) as engine, asyncio.timeout(60):
        began = asyncio.get_running_loop().time()
        await engine.wait(operation.id, seconds=0.3)
        waited_seconds = asyncio.get_running_loop().time() - began

    assert waited_seconds >= 0.3
    assert await status(operation) is OperationStatus.RUNNING


async def test_records_of_ended_workflows_are_pruned_and_operations_stay(workplace: Workplace) -> None:
    operation = await accepted()

    async with workplace.engine(end) as engine:
        await engine.run(operation.id, KIND)
        await engine.wait(operation.id, seconds=120)
        early = await engine.prune(finished_before=system_now() - LONG_AGO)
    async with workplace.engine(end) as engine:  # the first has recorded the outcome when it has stopped
        late = await engine.prune(finished_before=system_now() + LONG_AGO)

    assert (early, late) == (0, 1)
    assert await status(operation) is OperationStatus.SUCCEEDED


async def test_one_folder_has_one_worker(tmp_path: Path) -> None:
    first, second = FileSlots(tmp_path), FileSlots(tmp_path)

    assert await first.take(0)
    assert not await second.take(0)
    assert isinstance(second.all_taken(), TooManyWorkers)
    await first.close()
    assert await second.take(0)
    await second.close()


async def test_a_broken_connection_costs_a_worker_its_slot_only_until_it_looks(postgresql_url: str) -> None:
    slots, others = [await PostgresSlots.connect(postgresql_url) for _ in range(2)]
    async with connected(postgresql_url):
        assert await slots.take(3)
        assert not await others.take(3)
        assert await slots.check()

        await get_connection("postgresql").execute_query(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE objid = 3"
        )

        assert not await slots.check()
        assert not await others.take(3)
    for each in (slots, others):
        await each.close()
