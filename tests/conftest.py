"""Fixtures every test may ask for.

`database_url`  a fresh database with every migration applied, once on SQLite and once on PostgreSQL
`database`      the same, connected for the test
`sqlite_url`, `postgresql_url`  the same for what only one of them does
`service`       the whole service over both mocks, one for all tests of a module, on each database. Its tests keep apart
                by `entity_id`. A module that needs other settings names them in `SETTINGS`; `service_clock` is what
                service and mocks go by
"""

from collections.abc import AsyncIterator, Iterator
from itertools import count

import pytest
from hypothesis import HealthCheck, settings

from mock_kit.clock import Clock
from models.database import database as connected
from tests.database import Databases, PostgresDatabases, SqliteDatabases, postgres_server
from tests.service import Service, running_service

# The same examples in every run, however slow the machine is: a run fails for what was changed, and for nothing else.
settings.register_profile(
    "tests", derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("tests")

_entities = count(1)


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> SqliteDatabases:
    return SqliteDatabases(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgresql_databases() -> Iterator[PostgresDatabases]:
    """One server for each test process, so the processes of a parallel run share nothing."""
    with postgres_server() as server:
        yield PostgresDatabases(server)


@pytest.fixture(params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest) -> Databases:
    """Where fresh databases of one kind come from; the PostgreSQL server starts when first asked for."""
    found = request.getfixturevalue(f"{request.param}_databases")
    assert isinstance(found, SqliteDatabases | PostgresDatabases)
    return found


@pytest.fixture
async def database_url(databases: Databases) -> AsyncIterator[str]:
    async with databases.migrated() as url:
        yield url


@pytest.fixture
async def sqlite_url(sqlite_databases: SqliteDatabases) -> AsyncIterator[str]:
    async with sqlite_databases.migrated() as url:
        yield url


@pytest.fixture
async def postgresql_url(postgresql_databases: PostgresDatabases) -> AsyncIterator[str]:
    async with postgresql_databases.migrated() as url:
        yield url


@pytest.fixture
async def empty_database_url(databases: Databases) -> AsyncIterator[str]:
    async with databases.empty() as url:
        yield url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[None]:
    async with connected(database_url):
        yield


@pytest.fixture
async def empty_postgresql_url(postgresql_databases: PostgresDatabases) -> AsyncIterator[str]:
    async with postgresql_databases.empty() as url:
        yield url


@pytest.fixture(scope="module")
def service_clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def service(
    request: pytest.FixtureRequest, service_clock: Clock, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Service]:
    databases = request.getfixturevalue(f"{request.param}_databases")
    assert isinstance(databases, SqliteDatabases | PostgresDatabases)
    settings = getattr(request.module, "SETTINGS", {})
    async with (
        databases.migrated() as url,
        running_service(url, tmp_path_factory.mktemp("data"), service_clock, **settings) as running,
    ):
        yield running


@pytest.fixture
def entity_id() -> str:
    """One that no other test uses."""
    return f"user_{next(_entities)}"
