"""The scaled set-up: two web processes and one worker on one PostgreSQL, each as its container runs it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.crash.processes import mock
from tests.keys import AS_ADMIN
from tests.service import METRONOME_WEBHOOK_SECRET, STRIPE_WEBHOOK_SECRET
from tests.webhooks.delivery import until
from tests.webhooks.processes import ServiceProcess, free_port, service_process

WEB = ("serve", "--no-worker")
WORKER = ("worker",)


@dataclass(frozen=True, slots=True)
class Process:
    """One of them, asked over HTTP."""

    service: ServiceProcess
    http: httpx.AsyncClient

    async def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        body = (await self.http.post("/graphql", json={"query": query, "variables": variables})).json()
        assert "errors" not in body, body
        data: dict[str, Any] = body["data"]
        return data

    async def down(self) -> dict[str, str]:
        """What readiness says is wrong, by component."""
        components = (await self.http.get("/health/ready")).json()["components"]
        return {name: each["problem"] for name, each in components.items() if each["status"] == "down"}

    async def is_ready(self) -> bool:
        return not await self.down()


@dataclass(frozen=True, slots=True)
class Scaled:
    one: Process
    two: Process
    worker: Process
    stripe: httpx.AsyncClient


@asynccontextmanager
async def scaled(url: str, folder: Path, **changed: str) -> AsyncIterator[Scaled]:
    """Ready. Stripe's webhooks go to the second web process, and Metronome's to the first."""
    ports = [free_port() for _ in range(3)]
    async with AsyncExitStack() as stack:
        metronome, stripe = [
            await stack.enter_async_context(
                mock(name, "--webhook-url", f"http://127.0.0.1:{port}/webhooks/{provider}", "--webhook-secret", secret)
            )
            for name, provider, port, secret in (
                ("mock_metronome", "metronome", ports[0], METRONOME_WEBHOOK_SECRET),
                ("mock_stripe", "stripe", ports[1], STRIPE_WEBHOOK_SECRET),
            )
        ]
        environment = {
            "METRONOME_API_URL": metronome,
            "STRIPE_API_BASE": stripe,
            "HEALTH_CACHE_SECONDS": "0",
            **changed,
        }
        processes = [
            stack.enter_context(service_process(url, folder, port=port, environment=environment, command=command))
            for port, command in zip(ports, (WEB, WEB, WORKER), strict=True)
        ]
        one, two, worker = [await _asked(stack, process) for process in processes]
        for process in (one, two, worker):
            await process.service.until_healthy()
            await until(process.is_ready, what="everything up")
        control = await stack.enter_async_context(httpx.AsyncClient(base_url=stripe, trust_env=False, timeout=60))
        yield Scaled(one, two, worker, control)


async def _asked(stack: AsyncExitStack, service: ServiceProcess) -> Process:
    client = httpx.AsyncClient(base_url=service.url, headers=AS_ADMIN, timeout=60, trust_env=False)
    return Process(service, await stack.enter_async_context(client))
