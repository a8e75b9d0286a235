"""One database, the two mocks, and the lives of the service between them."""

import asyncio
import os
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from tests.crash.processes import PATIENCE_SECONDS, Launcher, ServiceProcess, launcher, mock, until
from tests.keys import AS_ADMIN

STRIPE_KEY = "sk_test_sandbox"
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
    """What all worlds share; customers keep them apart."""

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

    @property
    def providers(self) -> Providers:
        return self.around.providers

    @asynccontextmanager
    async def service(self, **environment: str) -> AsyncIterator[Client]:
        """One life, ended by SIGKILL when it has not ended by itself: that is all this is about."""
        process = await self.launch(**environment)
        try:
            url = await process.listening()
            async with httpx.AsyncClient(
                base_url=url, timeout=PATIENCE_SECONDS, trust_env=False, headers=AS_ADMIN
            ) as http:
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
                **self.settings,
                **environment,
            },
        )

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


@asynccontextmanager
async def providers() -> AsyncIterator[Providers]:
    """Stripe's search runs a minute behind, as the real one may: nothing may rely on it."""
    async with (
        mock("mock_metronome") as metronome_url,
        mock("mock_stripe", "--search-lag-seconds", "60") as stripe_url,
        httpx.AsyncClient(base_url=metronome_url, trust_env=False) as metronome,
        httpx.AsyncClient(base_url=stripe_url, trust_env=False) as stripe,
    ):
        metronome.headers["Authorization"] = f"Bearer {await _token(metronome)}"
        stripe.headers["Authorization"] = f"Bearer {STRIPE_KEY}"
        yield Providers(metronome, stripe, (Journal(metronome), Journal(stripe)))


async def _token(metronome: httpx.AsyncClient) -> str:
    credentials = {"grant_type": "client_credentials", "client_id": "sandbox-client", "client_secret": "sandbox-secret"}
    answer = await metronome.post("/oauth/token", json=credentials)
    return str(answer.raise_for_status().json()["access_token"])


@asynccontextmanager
async def surroundings() -> AsyncIterator[Surroundings]:
    async with launcher() as started, providers() as answering:
        yield Surroundings(started, answering)
