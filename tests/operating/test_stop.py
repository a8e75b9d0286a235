"""SIGTERM while clients keep asking: what was acknowledged is done, by this life or by the next one."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from models import Customer, Operation, OperationStatus
from models.database import database
from tests.crash.processes import mock
from tests.keys import AS_ADMIN
from tests.webhooks.delivery import until
from tests.webhooks.processes import ServiceProcess, free_port, service_process

STOPS = int(os.environ.get("SIGTERMS", "1"))
CLIENTS = 6
STOPPED_WITHIN_SECONDS = 35
ONBOARD = """
mutation($id: String!) {
  onboard(input: {entity: {id: $id, type: USER, name: "Ada", email: "ada@example.com"}, idempotencyKey: $id}) {
    operation { id status } userErrors { code }
  }
}
"""


@dataclass
class Load:
    """Clients that onboard one customer after the other, and note what they were told."""

    url: str
    acknowledged: dict[str, str] = field(default_factory=dict)
    """Entity id -> operation id."""
    failed: list[Any] = field(default_factory=list)
    unanswered: int = 0
    _numbers: "count[int]" = field(default_factory=count)
    _ends: bool = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        clients = [asyncio.create_task(self._client()) for _ in range(CLIENTS)]
        try:
            yield
        finally:
            # Not cancelled: in the middle of connecting, httpx would leave a socket behind.
            self._ends = True
            await asyncio.gather(*clients)

    async def has_acknowledged(self, enough: int) -> bool:
        return len(self.acknowledged) >= enough

    async def _client(self) -> None:
        async with httpx.AsyncClient(base_url=self.url, headers=AS_ADMIN, timeout=60, trust_env=False) as http:
            while not self._ends:
                await self._onboard(http, f"loaded_{next(self._numbers)}")

    async def _onboard(self, http: httpx.AsyncClient, entity_id: str) -> None:
        try:
            answer = await http.post("/graphql", json={"query": ONBOARD, "variables": {"id": entity_id}})
        except httpx.TransportError:
            self.unanswered += 1
            await asyncio.sleep(0.1)  # nobody listens for a while: a client asks again, and not at once
            return
        body = answer.json()
        if answer.status_code == 200 and "errors" not in body and body["data"]["onboard"]["operation"]:
            self.acknowledged[entity_id] = body["data"]["onboard"]["operation"]["id"]
        else:
            self.failed.append((answer.status_code, body))


async def test_no_acknowledged_mutation_is_lost_however_often_the_service_is_stopped_under_load(
    database_url: str, tmp_path: Path
) -> None:
    port = free_port()
    load = Load(f"http://127.0.0.1:{port}")
    stops = []
    async with mock("mock_metronome") as metronome, mock("mock_stripe") as stripe:
        environment = {
            "METRONOME_API_URL": metronome,
            "STRIPE_API_BASE": stripe,
            "LOG_LEVEL": "warning",
            "OPERATION_WAIT_SECONDS": "5",
        }
        start = partial(service_process, database_url, tmp_path, port=port, environment=environment)
        async with load.running():
            for _ in range(STOPS):
                with start() as service:
                    await service.until_healthy()
                    enough = len(load.acknowledged) + 2 * CLIENTS
                    await until(partial(load.has_acknowledged, enough), what="mutations acknowledged")
                    stops.append(await stopped(service))
        with start() as service:
            await service.until_healthy()
            await until(lambda: everything_ended(database_url), what="every operation ended")
            stops.append(await stopped(service))

    assert load.failed == []
    assert [status for status, _ in stops] == [0] * (STOPS + 1)
    assert max(seconds for _, seconds in stops) < STOPPED_WITHIN_SECONDS
    async with database(database_url):
        succeeded = await Operation.filter(status=OperationStatus.SUCCEEDED).values_list("customer__entity_id", "id")
        assert load.acknowledged.items() <= dict(succeeded).items()
        assert await Customer.all().count() == await Operation.all().count()


async def everything_ended(url: str) -> bool:
    async with database(url):
        return not await Operation.filter(status=OperationStatus.RUNNING).exists()


async def stopped(service: ServiceProcess) -> tuple[int | None, float]:
    """Exit status, and how many seconds it took."""
    asked = time.monotonic()
    service.process.send_signal(signal.SIGTERM)
    await service.until_dead()
    return service.process.returncode, time.monotonic() - asked
