"""python -m app reconcile, as an operator runs it beside the service."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.settings import SANDBOX_STRIPE_KEY
from models import Subscription
from tests.service import METRONOME_WEBHOOK_SECRET, STRIPE_WEBHOOK_SECRET
from tests.stories.world import World, world_at

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Said:
    status: int | None
    out: str
    err: str


@pytest.fixture
async def world(sqlite_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """On one database: the command opens it as the service does, and each of its runs is a process to start."""
    async with world_at("2028-01-31T09:00:00", sqlite_url, tmp_path) as world:
        yield world


@pytest.fixture
def environment(world: World, sqlite_url: str, tmp_path: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "DATA_DIR": str(tmp_path),
        "DATABASE_URL": sqlite_url,
        "METRONOME_API_URL": str(world.service.metronome.http.base_url),
        "STRIPE_API_BASE": str(world.service.stripe.http.base_url),
        "METRONOME_WEBHOOK_SECRET": METRONOME_WEBHOOK_SECRET,
        "STRIPE_WEBHOOK_SECRET": STRIPE_WEBHOOK_SECRET,
    }


async def reconcile(environment: dict[str, str], *arguments: str) -> Said:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "app", "reconcile", *arguments),
        cwd=environment["DATA_DIR"],  # where no .env lies
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return Said(process.returncode, out.decode(), err.decode())


async def test_it_tells_an_operator_whether_everything_agrees(world: World, environment: dict[str, str]) -> None:
    await world.onboard("ada", tier="PRO", paymentMethodId="pm_card_visa")
    await world.onboard("bob")

    assert await reconcile(environment) == Said(0, "everything agrees: 2 customers\n", "")

    await Subscription.filter(customer__entity_id="ada").update(price_minor=901)
    ada = await Subscription.get(customer__entity_id="ada")

    table = await reconcile(environment)
    assert (table.status, table.err) == (1, "")
    assert [line.split() for line in table.out.splitlines()] == [
        ["ENTITY", "SEVERITY", "WHAT", "SUBJECT", "OURS", "THEIRS"],
        ["ada", "HIGH", "contract.price", ada.id, "9.01", "USD", "9.00", "USD"],
    ]
    found = await reconcile(environment, "--entity", "ada", "--json")
    assert (found.status, json.loads(found.out)) == (
        1,
        {
            "customers": 1,
            "agrees": False,
            "differences": [
                {
                    "entity_id": "ada",
                    "operation_under_way": False,
                    "what": "contract.price",
                    "subject": ada.id,
                    "ours": "9.01 USD",
                    "theirs": "9.00 USD",
                    "severity": "HIGH",
                }
            ],
        },
    )


async def test_it_tells_of_customers_that_only_a_provider_knows(world: World, environment: dict[str, str]) -> None:
    await world.onboard("ada")
    key = {"authorization": f"Bearer {SANDBOX_STRIPE_KEY.get_secret_value()}"}
    made = await world.service.stripe.http.post("/v1/customers", data={"metadata[entity_id]": "eve"}, headers=key)

    table = await reconcile(environment)

    there = made.json()["id"]
    assert (table.status, table.err) == (1, "")
    assert table.out.splitlines()[1].split() == ["eve", "HIGH", "stripe.customer", there, "none", there]


async def test_what_keeps_it_from_comparing_is_told_in_one_line(world: World, environment: dict[str, str]) -> None:
    await world.onboard("ada")

    assert await reconcile(environment, "--entity", "eve") == Said(
        2, "", "billing: no customer has the entity id eve\n"
    )
    away = await reconcile({**environment, "STRIPE_API_BASE": "http://127.0.0.1:9"})
    assert (away.status, away.out) == (2, "")
    assert away.err == "billing: stripe get_customer: not reached\n"
