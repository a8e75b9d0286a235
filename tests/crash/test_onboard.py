"""A paid onboarding with a card, killed where it may hurt. The whole matrix: `python -m tools.crash_matrix`."""

import asyncio
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.crash.beginnings import ONBOARDED, PAID_ONBOARDING
from tests.crash.books import books
from tests.crash.matrix import killed_at, new_entity, run_matrix
from tests.crash.plans import ONBOARD_STORY as STORY
from tests.crash.world import Client, Surroundings, World
from tests.database import PostgresDatabases, SqliteDatabases


async def onboard(client: Client, entity_id: str) -> dict[str, Any]:
    data = await client.execute(PAID_ONBOARDING.mutation, **PAID_ONBOARDING.variables(entity_id))
    payload: dict[str, Any] = data["onboard"]
    return payload


async def test_it_survives_kill_9_at_every_fourth_place(
    sqlite_databases: SqliteDatabases,
    postgresql_databases: PostgresDatabases,
    tmp_path: Path,
    lanes: list[Surroundings],
) -> None:
    """One on one database, the next on the other; the places are those it passes, not a list of them."""
    on_sqlite = run_matrix(STORY, sqlite_databases, tmp_path, lanes, every=slice(0, None, 8))
    on_postgresql = run_matrix(STORY, postgresql_databases, tmp_path, lanes, every=slice(4, None, 8))
    outcomes = [outcome for half in (on_sqlite, on_postgresql) async for outcome in half]

    assert [outcome for outcome in outcomes if outcome.problems] == []
    assert {outcome.database for outcome in outcomes} == {"sqlite", "postgresql"}


@pytest.mark.parametrize(
    "points",
    [
        ("metronome_customer.in_commit", "metronome_customer.in_commit"),
        ("payment_1.before_call", "payment_1.before_call"),
        ("payment_1.after_call", "payment_1.found", "payment_1.found"),
        ("activate.begins", "activate.begins"),
    ],
    ids=" then ".join,
)
async def test_its_recovery_survives_being_killed_as_well(world: World, points: tuple[str, ...]) -> None:
    outcome = await killed_at(world, STORY, *points)

    assert outcome.problems == ()


@pytest.mark.parametrize("point", ["onboard.accepted", "metronome_contract.after_call", "payment_1.after_call"])
async def test_a_caller_who_asks_again_while_it_recovers_gets_the_one_answer(world: World, point: str) -> None:
    entity_id = new_entity()
    async with world.service(CRASH_AT=point) as client:
        answered = await client.send(PAID_ONBOARDING.mutation, **PAID_ONBOARDING.variables(entity_id))
        assert await client.process.ended() == -signal.SIGKILL

    async with world.service() as client:
        answers = await asyncio.gather(*[onboard(client, entity_id) for _ in range(8)])

    assert not answered
    assert [answer for answer in answers if answer != answers[0]] == []
    assert answers[0]["operation"]["status"] == "SUCCEEDED"
    assert (await books(world, entity_id)).differences(ONBOARDED) == []


@pytest.mark.parametrize(
    ("provider", "path", "fault", "point"),
    [
        ("stripe", "^/v1/payment_intents$", {"kind": "drop_after", "times": 3}, "payment_1.found"),
        ("stripe", "^/v1/payment_intents$", {"kind": "status_after", "stored": True}, "payment_1.found"),
        ("stripe", "^/v1/customers$", {"kind": "drop_after", "times": 3}, "stripe_customer.found"),
        ("metronome", "/contracts$", {"kind": "html_after", "times": 3}, "metronome_contract.found"),
        ("metronome", "/credits$", {"kind": "status_after", "stored": True}, "metronome_credits.found"),
    ],
)
async def test_an_answer_lost_after_the_provider_acted_and_a_kill_on_top_do_nothing_twice(
    world: World, provider: str, path: str, fault: dict[str, object], point: str
) -> None:
    entity_id = new_entity()
    providers = world.providers
    http = providers.stripe if provider == "stripe" else providers.metronome
    await providers.fault(http, method="POST", path=path, **fault)

    async with world.service(CRASH_AT=point) as client:
        await client.send(PAID_ONBOARDING.mutation, **PAID_ONBOARDING.variables(entity_id))
        assert await client.process.ended() == -signal.SIGKILL
    async with world.service() as client:
        await client.operations_ended(entity_id)

    assert (await books(world, entity_id)).differences(ONBOARDED) == []


async def test_without_the_engines_own_records_it_starts_over_and_does_only_what_is_missing(
    sqlite_world: World,
) -> None:
    world, entity_id = sqlite_world, new_entity()
    async with world.service(CRASH_AT="payment_1.after_call") as client:
        await client.send(PAID_ONBOARDING.mutation, **PAID_ONBOARDING.variables(entity_id))
        await client.process.ended()
    database_folder = Path(world.database_url.removeprefix("sqlite://")).parent
    lost = list(database_folder.glob("engine.sqlite*"))
    for file in lost:
        file.unlink()

    async with world.service() as client:
        await client.operations_ended(entity_id)
        started = client.process.events("operation.started_by_sweep")

    assert [file.name for file in lost if file.name == "engine.sqlite"] == ["engine.sqlite"]
    assert len(started) == 1
    assert (await books(world, entity_id)).differences(ONBOARDED) == []
