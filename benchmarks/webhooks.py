"""python -m benchmarks.webhooks: how fast events are accepted and handled, and what that does to queries.

A real service under uvicorn on a loopback port. The events are signed gifts of one credit to a few customers: verified,
stored, and each handled in a transaction that writes the credit ledger. Both providers are out of the picture.
"""

import asyncio
import logging
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles

import click
import httpx
import structlog

from models import WebhookEvent, WebhookEventState
from models.database import database as connected
from tests.database import Databases, PostgresDatabases, SqliteDatabases, postgres_server
from tests.keys import AS_ADMIN
from tests.service import running_service
from tests.webhooks.bodies import encoded, gift
from tests.webhooks.customers import payer
from tests.webhooks.delivery import metronome_headers
from tests.webhooks.processes import free_port, service_process

CUSTOMERS = 10
CONNECTIONS = 16
LOOK_AGAIN_SECONDS = 0.1
QUERY = "query($id: String!) { customer(entityId: $id) { name credits { balance } subscription { tier status } } }"


@dataclass(frozen=True, slots=True)
class Result:
    accept_seconds: float
    drain_seconds: float
    """From the first event sent to the last one handled."""
    accept_ms: list[float] = field(repr=False)
    query_ms: list[float] = field(repr=False)


@click.command()
@click.option("--events", default=2000, show_default=True, type=click.IntRange(min=1))
@click.option("--database", "kind", type=click.Choice(["sqlite", "postgresql"]), default="sqlite", show_default=True)
@click.option("--connections", default=CONNECTIONS, show_default=True, type=click.IntRange(min=1))
def main(*, events: int, kind: str, connections: int) -> None:
    """Send so many events to a service of our own, and print a table of what was measured."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    before = os.getloadavg()[0]
    result = asyncio.run(_measure(kind, events=events, connections=connections))
    click.echo(f"{events} events on {kind}, {connections} connections, {os.cpu_count()} processors")
    click.echo(f"load average before {before:.1f}, after {os.getloadavg()[0]:.1f}\n")
    click.echo(f"{'':24}{'per second':>12}{'p50 ms':>10}{'p95 ms':>10}")
    click.echo(f"{'accepted':24}{events / result.accept_seconds:12.0f}{_percentiles(result.accept_ms)}")
    click.echo(f"{'handled':24}{events / result.drain_seconds:12.0f}")
    click.echo(
        f"{'queries meanwhile':24}{len(result.query_ms) / result.drain_seconds:12.0f}{_percentiles(result.query_ms)}"
    )


def _percentiles(values_ms: list[float]) -> str:
    cuts = quantiles(values_ms, n=20, method="inclusive") if len(values_ms) > 1 else values_ms * 19
    return f"{cuts[9]:10.1f}{cuts[18]:10.1f}"


async def _measure(kind: str, *, events: int, connections: int) -> Result:
    with tempfile.TemporaryDirectory(prefix="bench-") as name, throwaway_databases(kind, Path(name)) as databases:
        async with databases.migrated() as url:
            folder = Path(name)
            customers = await _onboard(url, folder)
            with service_process(url, folder, port=free_port()) as service:
                await service.until_healthy()
                bodies = [encoded(gift(customers[place % CUSTOMERS][1])) for place in range(events)]
                return await _run(service.url, url, bodies, [name for name, _ in customers], connections)


async def _onboard(url: str, folder: Path) -> list[tuple[str, str]]:
    """The name of each customer, and Metronome's name for it."""
    async with running_service(url, folder) as service:
        payers = [await payer(service, f"bench_{place}", card=None, tier="FREE") for place in range(CUSTOMERS)]
        return [(each.entity_id, each.metronome_id) for each in payers]


async def _run(service: str, url: str, bodies: list[bytes], names: list[str], connections: int) -> Result:
    over = asyncio.Event()
    limits = httpx.Limits(max_connections=connections)
    async with (
        connected(url),
        httpx.AsyncClient(base_url=service, limits=limits, trust_env=False, timeout=60) as sender,
        httpx.AsyncClient(base_url=service, trust_env=False, timeout=60, headers=AS_ADMIN) as asker,
    ):
        asking = asyncio.create_task(_ask(asker, names, over))
        began = time.perf_counter()
        waiting = iter(bodies)
        latencies = await asyncio.gather(*(_send(sender, waiting) for _ in range(connections)))
        accepted = time.perf_counter()
        while await WebhookEvent.filter(state=WebhookEventState.PENDING).exists():  # noqa: ASYNC110  another process
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
        drained = time.perf_counter()
        over.set()
        done = await WebhookEvent.filter(state=WebhookEventState.DONE).count()
        if done != len(bodies):
            raise click.ClickException(f"{done} of {len(bodies)} events were handled")
        return Result(accepted - began, drained - began, [ms for each in latencies for ms in each], await asking)


async def _send(http: httpx.AsyncClient, waiting: Iterator[bytes]) -> list[float]:
    """One connection's share; how long each answer took."""
    taken_ms = []
    for raw in waiting:
        headers = metronome_headers(raw, at=datetime.now(UTC))
        began = time.perf_counter()
        (await http.post("/webhooks/metronome", content=raw, headers=headers)).raise_for_status()
        taken_ms.append((time.perf_counter() - began) * 1000)
    return taken_ms


async def _ask(http: httpx.AsyncClient, names: list[str], over: asyncio.Event) -> list[float]:
    taken_ms: list[float] = []
    while not over.is_set():
        given = {"query": QUERY, "variables": {"id": names[len(taken_ms) % len(names)]}}
        began = time.perf_counter()
        answer = (await http.post("/graphql", json=given)).raise_for_status().json()
        taken_ms.append((time.perf_counter() - began) * 1000)
        if "errors" in answer:
            raise click.ClickException(f"a query failed: {answer['errors']}")
    return taken_ms


@contextmanager
def throwaway_databases(kind: str, folder: Path) -> Iterator[Databases]:
    if kind == "sqlite":
        yield SqliteDatabases(folder)
    else:
        with postgres_server() as server:
            yield PostgresDatabases(server)


if __name__ == "__main__":
    main()
