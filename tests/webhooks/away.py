"""Providers that go on while the service is away, and deliver nothing to it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from starlette.types import ASGIApp

import mock_metronome.app
import mock_stripe.app
from app.main import create_app
from mock_kit.clock import Clock
from tests.keys import AS_ADMIN
from tests.service import METRONOME, SERVICE, STRIPE, Mock, Service, settings_for


@dataclass(frozen=True, slots=True)
class World:
    """Both outlive the service; what they have to tell is found in their lists."""

    database_url: str
    folder: Path
    clock: Clock
    metronome: ASGIApp
    stripe: ASGIApp

    @asynccontextmanager
    async def service(self, **changed: Any) -> AsyncIterator[Service]:
        app = create_app(
            settings_for(self.database_url, self.folder, **changed),
            now=self.clock.now,
            metronome_transport=httpx.ASGITransport(self.metronome),
            stripe_transport=httpx.ASGITransport(self.stripe),
        )
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(app.router.lifespan_context(app))

            async def client(target: httpx.ASGITransport, base_url: str, **headers: str) -> httpx.AsyncClient:
                return await stack.enter_async_context(
                    httpx.AsyncClient(transport=target, base_url=base_url, headers=headers)
                )

            yield Service(
                app=app,
                http=await client(httpx.ASGITransport(app), SERVICE, **AS_ADMIN),
                metronome=Mock(await client(httpx.ASGITransport(self.metronome), METRONOME)),
                stripe=Mock(await client(httpx.ASGITransport(self.stripe), STRIPE)),
                clock=self.clock,
            )


@asynccontextmanager
async def providers(database_url: str, folder: Path, clock: Clock) -> AsyncIterator[World]:
    metronome, stripe = mock_metronome.app.create_app(clock=clock), mock_stripe.app.create_app(clock=clock)
    yield World(database_url, folder, clock, metronome, stripe)
    await metronome.aclose()
    await stripe.aclose()
