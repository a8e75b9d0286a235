"""One database, the two mocks, and the lives of the service between them."""

import asyncio
import os
import signal
import sqlite3
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from math import ceil
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import asyncpg
import httpx

from tests.crash.processes import PATIENCE_SECONDS, Launcher, ServiceProcess, launcher, mock, until
from tests.database import Databases
from tests.keys import AS_ADMIN
from tests.service import PATIENT_ENVIRONMENT, UNLIMITED_ENVIRONMENT

STRIPE_KEY = "sk_test_sandbox"
_NOTHING_TO_VERIFY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # all is plain HTTP, and reading authorities takes long
PAGE = 100

OPERATIONS = """
query Operations($entityId: String!) {
  operations(first: 50, filter: {entityId: $entityId}) { nodes { id kind status } }
}
"""


class Journal:
    """What was asked of a mock, read on from where it was read to before."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self._entries: dict[int, dict[str, Any]] = {}

    async def entries(self) -> list[dict[str, Any]]:
        answer = await self._http.get("/_mock/state", params={"since": str(max(self._entries, default=0))})
        state = answer.raise_for_status().json()
        assert state["requests_dropped"] == 0, "the journal has forgotten its beginning"
        self._entries |= {entry["seq"]: entry for entry in state["requests"]}
        return list(self._entries.values())

    def forget(self) -> None:
        self._entries.clear()


@dataclass(frozen=True, slots=True)
class Providers:
    """The two mocks, asked as their own API answers anybody, and their journals."""

    metronome: httpx.AsyncClient
    stripe: httpx.AsyncClient
    journals: tuple[Journal, Journal]

    async def metronome_list(self, noun: str, **filters: str) -> list[dict[str, Any]]:
        answer = await self.metronome.get(f"/api/v1/{noun}", params=filters)
        body = answer.raise_for_status().json()
        assert body["total"] == len(body["data"]), "more than a page: nothing here should be that many"
        found: list[dict[str, Any]] = body["data"]
        return found

    async def stripe_list(self, noun: str, **filters: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        after: dict[str, str] = {}
        while True:
            answer = await self.stripe.get(f"/v1/{noun}", params={"limit": str(PAGE), **filters, **after})
            body = answer.raise_for_status().json()
            found += body["data"]
            if not body["has_more"]:
                return found
            after = {"starting_after": found[-1]["id"]}

    async def sent(self, operation_ids: tuple[str, ...]) -> list[str]:
        """The idempotency keys these operations' requests carried, one for each request, in no order."""
        entries = [entry for journal in self.journals for entry in await journal.entries()]
        keys = [str(entry["idempotency_key"]) for entry in entries if entry["idempotency_key"]]
        return [key for key in keys if key.startswith(operation_ids)]

    async def event_ids(self) -> set[str]:
        """Of all that has happened there."""
        events = await self.metronome_list("webhooks/events") + await self.stripe_list("events")
        return {event["id"] for event in events}

    async def authenticate(self, intent_id: str, *, outcome: str) -> None:
        """Be the cardholder before the 3-D Secure page."""
        answer = await self.stripe.post("/_mock/authenticate", json={"payment_intent": intent_id, "outcome": outcome})
        answer.raise_for_status()

    async def pay_by_bank_transfer(self, invoice_id: str) -> None:
        paid = await self.metronome.post(f"/api/v1/invoices/{invoice_id}/pay", json={"external_payment_id": "wire"})
        paid.raise_for_status()

    async def start_afresh(self) -> None:
        """Nothing has happened, and it is the next day's noon: no story runs into midnight."""
        for mock_client, journal in zip((self.metronome, self.stripe), self.journals, strict=True):
            (await mock_client.post("/_mock/reset")).raise_for_status()
            journal.forget()
        await self.let_pass_to(f"{await self.now() + timedelta(days=1):%Y-%m-%d}")
        await self.let_pass(timedelta(hours=12))

    async def now(self) -> datetime:
        clock = (await self.metronome.get("/_mock/clock")).raise_for_status().json()
        return datetime.fromisoformat(clock["now"]).astimezone(UTC)

    async def ahead_seconds(self) -> int:
        """By how much both clocks are ahead of the real one."""
        clock = (await self.metronome.get("/_mock/clock")).raise_for_status().json()
        ahead: int = clock["offset_seconds"]
        return ahead

    async def let_pass_to(self, day: str) -> None:
        """The beginning of the day."""
        await self.let_pass(datetime.fromisoformat(day).replace(tzinfo=UTC) - await self.now())

    async def let_pass(self, span: timedelta) -> None:
        for mock_client in (self.metronome, self.stripe):
            moved = await mock_client.post("/_mock/clock", json={"advance_seconds": ceil(span.total_seconds())})
            moved.raise_for_status()
        await log_in(self.metronome)  # a token lasts an hour

    async def refuse(self, provider: Literal["metronome", "stripe"], path: str, *, times: int | None) -> None:
        """With an answer that the idempotency key keeps, so that asking again is told the same."""
        mock_client = self.metronome if provider == "metronome" else self.stripe
        await self.fault(
            mock_client, method="POST", path=path, kind="status_before", status=400, times=times, stored=True
        )

    @staticmethod
    async def fault(mock_client: httpx.AsyncClient, **fault: Any) -> None:
        (await mock_client.post("/_mock/faults", json=fault)).raise_for_status()

    async def clear_faults(self) -> None:
        for mock_client in (self.metronome, self.stripe):
            (await mock_client.delete("/_mock/faults")).raise_for_status()


@dataclass(frozen=True, slots=True)
class Client:
    """A caller of the service's GraphQL API."""

    process: ServiceProcess
    http: httpx.AsyncClient

    async def execute(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data of an answer that has no errors."""
        answer = await self.http.post("/graphql", json={"query": query, "variables": variables})
        body = answer.json()
        assert "errors" not in body, body["errors"]
        data: dict[str, Any] = body["data"]
        return data

    async def send(self, query: str, **variables: Any) -> bool:
        """False when the connection broke before an answer came: the caller does not know what happened."""
        try:
            await self.execute(query, **variables)
        except httpx.TransportError:
            return False
        return True

    async def stop(self) -> int:
        """In good order, so that nothing of this life is left for the next one to end. Returns the exit status."""
        self.process.signal(signal.SIGTERM)
        return await self.process.ended()

    async def operations(self, entity_id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.execute(OPERATIONS, entityId=entity_id))["operations"]["nodes"]
        return found

    async def operations_ended(self, entity_id: str) -> list[dict[str, Any]]:
        """All operations of a customer, when there is one and none is running any more."""

        async def ended() -> bool:
            found = await self.operations(entity_id)
            return bool(found) and all(each["status"] != "RUNNING" for each in found)

        await until(ended)
        return await self.operations(entity_id)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the worlds that follow one another share."""

    launcher: Launcher
    providers: Providers


@dataclass(frozen=True)
class World:
    """`folder` outlives every life of the service."""

    around: Surroundings
    database_url: str
    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    _lives: "count[int]" = field(default_factory=lambda: count(1))
    _to_be_heard: set[str] = field(default_factory=set)

    @property
    def providers(self) -> Providers:
        return self.around.providers

    @asynccontextmanager
    async def service(self, **environment: str) -> AsyncIterator[Client]:
        """One life, ended by SIGKILL when it has not ended by itself: that is all this is about."""
        process = await self.launch(**environment)
        try:
            url = await process.listening()
            async with _http(url) as http:
                http.headers.update(AS_ADMIN)
                yield Client(process, http)
        finally:
            process.signal(signal.SIGKILL)
            await process.ended()

    async def launch(self, **environment: str) -> ServiceProcess:
        return await self.around.launcher.start(
            folder=self.folder,
            log=self.folder / f"life-{next(self._lives)}.log",
            environment={
                "PATH": os.environ["PATH"],
                "PORT": "0",
                "LOG_FORMAT": "json",
                "DATA_DIR": str(self.folder),
                "DATABASE_URL": self.database_url,
                "METRONOME_API_URL": str(self.providers.metronome.base_url),
                "STRIPE_API_BASE": str(self.providers.stripe.base_url),
                "STRIPE_SECRET_KEY": STRIPE_KEY,
                "CLOCK_AHEAD_SECONDS": str(await self.providers.ahead_seconds()),
                "COLLECT_SECONDS": "0.5",
                "WEBHOOK_LEASE_SECONDS": "5",
                **UNLIMITED_ENVIRONMENT,
                **PATIENT_ENVIRONMENT,
                **self.settings,
                **environment,
            },
        )

    async def time_passes(self, span: timedelta) -> None:
        """Long enough for all that has happened to be found in the lists of events."""
        await self.providers.let_pass(span)
        self._to_be_heard.update(await self.providers.event_ids())

    async def has_heard_all(self) -> bool:
        """Of what has happened until time passed last; and nothing it has heard of waits to be handled."""
        events = await self.rows("SELECT event_id, state FROM webhook_event")
        return self._to_be_heard <= {row[0] for row in events} and all(row[1] != "PENDING" for row in events)

    async def nothing_is_due(self) -> bool:
        """Of what the service does by the clock: another try at an invoice, no more waiting for a payer."""
        due = await self.rows(
            "SELECT next_attempt_at FROM invoice WHERE status IN ('DRAFT', 'OPEN') AND next_attempt_at IS NOT NULL "
            "UNION ALL SELECT action_expires_at FROM operation WHERE status = 'REQUIRES_ACTION'"
        )
        now = await self.providers.now()
        return all(datetime.fromisoformat(str(row[0])) > now for row in due)

    def last_log(self) -> str:
        logs = sorted(self.folder.glob("life-*.log"), key=lambda log: log.stat().st_mtime)
        return logs[-1].read_text("utf-8") if logs else ""

    async def rows(self, statement: str, *values: str) -> list[tuple[Any, ...]]:
        """Read the database itself, past the service. Parameters are $1, $2."""
        if self.database_url.startswith("sqlite"):
            return await asyncio.to_thread(self._sqlite_rows, statement, values)
        connection: Any = await asyncpg.connect(self.database_url)
        try:
            return [tuple(row) for row in await connection.fetch(statement, *values)]
        finally:
            await connection.close()

    def _sqlite_rows(self, statement: str, values: tuple[str, ...]) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.database_url.removeprefix("sqlite://"))) as connection:
            named = {str(number): value for number, value in enumerate(values, 1)}
            return connection.execute(statement, named).fetchall()


def _http(url: str) -> httpx.AsyncClient:
    """It drops an idle connection sooner than a server does, so it never asks where nobody listens any more."""
    return httpx.AsyncClient(
        base_url=url,
        timeout=PATIENCE_SECONDS,
        limits=httpx.Limits(keepalive_expiry=1.0),
        trust_env=False,
        verify=_NOTHING_TO_VERIFY,
    )


@asynccontextmanager
async def providers() -> AsyncIterator[Providers]:
    """Stripe's search runs a minute behind, as the real one may: nothing may rely on it."""
    async with (
        mock("mock_metronome") as metronome_url,
        mock("mock_stripe", "--search-lag-seconds", "60") as stripe_url,
        _http(metronome_url) as metronome,
        _http(stripe_url) as stripe,
    ):
        await log_in(metronome)
        stripe.headers["Authorization"] = f"Bearer {STRIPE_KEY}"
        yield Providers(metronome, stripe, (Journal(metronome), Journal(stripe)))


async def log_in(metronome: httpx.AsyncClient) -> None:
    """Be somebody with a token."""
    metronome.headers.pop("Authorization", None)
    credentials = {"grant_type": "client_credentials", "client_id": "sandbox-client", "client_secret": "sandbox-secret"}
    answer = (await metronome.post("/oauth/token", json=credentials)).raise_for_status()
    metronome.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"


@asynccontextmanager
async def surroundings(*, lanes: int = 1) -> AsyncIterator[list[Surroundings]]:
    """As many, with mocks of their own, to be used side by side."""
    async with AsyncExitStack() as stack:
        started = await stack.enter_async_context(launcher())
        yield [Surroundings(started, await stack.enter_async_context(providers())) for _ in range(lanes)]


@asynccontextmanager
async def fresh_world(around: Surroundings, databases: Databases, folder: Path) -> AsyncIterator[World]:
    """An empty database, and two providers that know nobody."""
    own = folder / uuid4().hex
    own.mkdir(mode=0o700)
    await around.providers.start_afresh()
    async with databases.migrated() as url:
        yield World(around, url, own)
