"""One running service for all tests of a module, on SQLite and on PostgreSQL; its clock is the mocks' and stays put."""

from collections.abc import AsyncIterator
from itertools import count

import pytest

from mock_kit.clock import Clock
from tests.database import PostgresDatabases, SqliteDatabases
from tests.service import Service, running_service

_entities = count(1)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    databases = request.getfixturevalue(f"{request.param}_databases")
    assert isinstance(databases, SqliteDatabases | PostgresDatabases)
    settings = getattr(request.module, "SETTINGS", {})
    async with (
        databases.migrated() as url,
        running_service(url, tmp_path_factory.mktemp("data"), Clock(), **settings) as running,
    ):
        yield running


@pytest.fixture
def entity_id() -> str:
    """One that no other test uses."""
    return f"payer_{next(_entities)}"
