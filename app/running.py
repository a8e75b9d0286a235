"""What a process of the service is made of, and in which order it starts and stops."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from enum import Enum

import httpx
import structlog

from access.keys import usable_admin_key_exists
from app.clock import Time
from app.engine import make_engine
from app.health import make_health
from app.production import check_production
from app.settings import InvalidSettings, Settings
from app.worker import SWEEP_SECONDS, Worker, every, make_worker
from integrations.http import provider_http_client
from integrations.metronome.client import MetronomeClient
from integrations.metronome.oauth import TokenSource
from integrations.stripe.client import StripePayments
from models.database import database
from models.migrating import pending_migrations
from operations.engine import Engine
from operations.live import Feed
from operations.sandbox import Sandbox
from operations.tools import Tools
from resolvers.health import Health
from webhooks.intake import Intake

log = structlog.get_logger()


class Role(Enum):
    """What a process does. Whoever accepts an operation runs it; all else that nobody asked for is a worker's."""

    EVERYTHING = "everything"
    WEB = "web"
    WORKER = "worker"


class MigrationsPending(Exception):  # noqa: N818  named for what is wrong, as all our errors
    def __init__(self, names: list[str]) -> None:
        super().__init__(f"The database lacks {len(names)} migration(s), {names[0]} first: run `make migrate`.")


@dataclass(frozen=True, slots=True)
class Transports:
    """How the providers are reached; a test puts the mocks into the same process."""

    metronome: httpx.AsyncBaseTransport | None = None
    stripe: httpx.AsyncBaseTransport | None = None


@dataclass(frozen=True, slots=True)
class Parts:
    tools: Tools
    engine: Engine
    worker: Worker | None
    feed: Feed
    health: Health
    intake: Intake
    sandbox: Sandbox | None
    """None with real providers."""

    def wake(self) -> None:
        """There is an event to handle. A worker elsewhere looks for itself."""
        if self.worker is not None:
            self.worker.wake()

    def broken(self) -> str | None:
        """What only a restart mends."""
        if self.engine.slot_lost:
            return "another process works under this one's name"
        if self.worker is not None and self.worker.is_broken:
            return "one of the worker's tasks has ended"
        return None


def check_role(settings: Settings, role: Role) -> None:
    """Raises `InvalidSettings`."""
    if role is not Role.EVERYTHING and settings.on_sqlite:
        raise InvalidSettings("SQLite serves one process: run `serve` alone, or set DATABASE_URL to PostgreSQL")


@asynccontextmanager
async def running(
    settings: Settings, *, role: Role, time: Time, transports: Transports | None = None
) -> AsyncIterator[Parts]:
    check_role(settings, role)
    if missing := await pending_migrations(settings.database):
        raise MigrationsPending(missing)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(database(settings.database))
        intake = Intake(time.now)
        stack.push_async_callback(intake.close)
        has_admin_key = await usable_admin_key_exists(time.credentials())
        check_production(settings, serves_clients=role is not Role.WORKER, has_admin_key=has_admin_key)
        tools, sandbox = await stack.enter_async_context(provider_tools(settings, time, transports))
        if sandbox:
            await sandbox.join()
        engine = await make_engine(settings, tools)
        await engine.start()
        stack.push_async_callback(engine.stop, drain_seconds=settings.drain_seconds)
        worker = None if role is Role.WEB else make_worker(settings, tools, engine)
        if worker is not None:
            worker.start()
            stack.push_async_callback(worker.stop)
        else:
            await stack.enter_async_context(_keeping_name(engine))
        feed = Feed()
        feed.start()
        stack.push_async_callback(feed.stop)
        yield Parts(tools, engine, worker, feed, make_health(settings, tools, engine, worker), intake, sandbox)


@asynccontextmanager
async def provider_tools(
    settings: Settings, time: Time, transports: Transports | None = None
) -> AsyncIterator[tuple[Tools, Sandbox | None]]:
    """Both providers, and what can be done with them while they are mocks."""
    by = transports or Transports()
    async with (
        provider_http_client(settings.metronome_url, transport=by.metronome) as metronome_http,
        provider_http_client(settings.stripe_url, transport=by.stripe) as stripe_http,
    ):
        sandbox = Sandbox.of(time.sandbox, metronome_http, stripe_http) if time.sandbox else None
        tokens = TokenSource(metronome_http, settings.metronome_credentials(), time.now)
        tools = Tools(
            metronome=MetronomeClient(metronome_http, tokens),
            stripe=StripePayments(stripe_http, settings.stripe_key),
            now=time.now,
        )
        yield tools, sandbox


@asynccontextmanager
async def _keeping_name(engine: Engine) -> AsyncIterator[None]:
    """A worker does so when it sweeps."""
    keeping = asyncio.create_task(every(SWEEP_SECONDS, "name", engine.check_name))
    try:
        yield
    finally:
        keeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeping
