"""One running service for the tests of a module, on SQLite and on PostgreSQL; tests keep apart by customer."""

from collections.abc import AsyncIterator
from itertools import count

import pytest

from mock_kit.clock import Clock
from tests.database import PostgresDatabases, SqliteDatabases
from tests.operations.reconcile.books import TODAY, Books
from tests.service import Service, running_service

_entities = count(1)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    databases = request.getfixturevalue(f"{request.param}_databases")
    assert isinstance(databases, SqliteDatabases | PostgresDatabases)
    folder = tmp_path_factory.mktemp("data")
    async with databases.migrated() as url, running_service(url, folder, Clock(start=TODAY)) as running:
        yield running


@pytest.fixture
def books(service: Service) -> Books:
    return Books(service, f"user_{next(_entities)}")
