"""python -m benchmarks.storing: events that arrive together, stored one commit each, and as the service does it."""

import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import click

from benchmarks.webhooks import throwaway_databases
from models import Provider
from models.database import database
from webhooks.inbox import Arrival, store
from webhooks.intake import Intake

EVENTS = 1000
BODY = "x" * 2000

Store = Callable[[Arrival], Awaitable[object]]


@click.command()
@click.option("--database", "kind", type=click.Choice(["sqlite", "postgresql"]), default="sqlite", show_default=True)
@click.option("--at-once", default=16, show_default=True, type=click.IntRange(min=1))
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(min=1))
def main(*, kind: str, at_once: int, rounds: int) -> None:
    """Both ways in turn, on one database, so that a busy machine slows both down."""
    click.echo(f"{EVENTS} events on {kind}, {at_once} at once, load average {os.getloadavg()[0]:.1f}\n")
    click.echo(f"{'each alone':>16}{'together':>16}{'ratio':>8}")
    asyncio.run(_measure(kind, at_once=at_once, rounds=rounds))


async def _measure(kind: str, *, at_once: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="bench-") as name, throwaway_databases(kind, Path(name)) as databases:
        async with databases.migrated() as url, database(url):
            for _ in range(rounds):
                alone = await _per_second(_alone, at_once)
                together = await _per_second(Intake(_now).store, at_once)
                click.echo(f"{alone:14.0f}/s{together:14.0f}/s{together / alone:8.1f}")


async def _alone(arrival: Arrival) -> list[bool]:
    return await store([arrival], at=_now())


async def _per_second(how: Store, at_once: int) -> float:
    waiting = iter([Arrival(Provider.STRIPE, uuid4().hex, "topup.created", None, BODY, _now()) for _ in range(EVENTS)])

    async def send() -> None:
        for arrival in waiting:
            await how(arrival)

    began = time.perf_counter()
    await asyncio.gather(*(send() for _ in range(at_once)))
    return EVENTS / (time.perf_counter() - began)


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    main()
