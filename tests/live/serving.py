"""The service on a real socket, before mocks that outlive it, so that it can be stopped and started again."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette

import mock_metronome.app
import mock_stripe.app
from app.live import LiveServer
from app.main import create_app
from mock_kit.clock import Clock
from mock_kit.sandbox import Sandbox
from mock_kit.serve import KEEP_ALIVE_SECONDS
from operations.live import Feed
from tests.api.onboarding import ONBOARD, person
from tests.keys import AS_ADMIN
from tests.service import settings_for


@dataclass(frozen=True, slots=True)
class Server:
    app: Starlette
    address: str
    http: httpx.AsyncClient

    @property
    def feed(self) -> Feed:
        feed = self.app.state.feed
        assert isinstance(feed, Feed)
        return feed

    async def onboard(self, entity_id: str, **given: Any) -> dict[str, Any]:
        given = {"entity": person(entity_id), "tier": "PRO", "paymentMethodId": "pm_card_visa", **given}
        answer = await self.http.post("/graphql", json={"query": ONBOARD, "variables": {"input": given}})
        payload: dict[str, Any] = answer.json()["data"]["onboard"]
        assert payload["userErrors"] == []
        return payload


@dataclass(frozen=True, slots=True)
class Mocks:
    clock: Clock
    metronome: Sandbox
    stripe: Sandbox


@asynccontextmanager
async def mocks() -> AsyncIterator[Mocks]:
    clock = Clock()
    async with AsyncExitStack() as stack:
        found = Mocks(clock, mock_metronome.app.create_app(clock=clock), mock_stripe.app.create_app(clock=clock))
        stack.push_async_callback(found.metronome.aclose)
        stack.push_async_callback(found.stripe.aclose)
        yield found


@asynccontextmanager
async def serving(url: str, folder: Path, before: Mocks, **changed: Any) -> AsyncIterator[Server]:
    app = create_app(
        settings_for(url, folder, **changed),
        now=before.clock.now,
        metronome_transport=httpx.ASGITransport(before.metronome),
        stripe_transport=httpx.ASGITransport(before.stripe),
    )
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(app.router.lifespan_context(app))
        address = await stack.enter_async_context(listening(app, app.state.feed.end_streams))
        http = httpx.AsyncClient(base_url=f"http://{address}", timeout=60, headers=AS_ADMIN)
        yield Server(app, address, await stack.enter_async_context(http))


@asynccontextmanager
async def listening(app: Any, end_streams: Callable[[], None]) -> AsyncIterator[str]:
    """Yields host:port. Leaving it must not take long: whatever is open is ended."""
    config = uvicorn.Config(
        app,
        port=0,
        log_level="critical",
        lifespan="off",
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=120,
    )
    server = LiveServer(config, end_streams)
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  uvicorn has no event for it
        await asyncio.sleep(0)
    host, port = server.servers[0].sockets[0].getsockname()[:2]
    try:
        yield f"{host}:{port}"
    finally:
        server.should_exit = True
        await asyncio.wait_for(running, timeout=60)
