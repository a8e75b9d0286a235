"""One running service for all tests of a module, on SQLite and on PostgreSQL; its clock is moved by hand."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import count

import pytest

from mock_kit.clock import Clock
from tests.database import PostgresDatabases, SqliteDatabases
from tests.service import Service, running_service

TODAY = datetime(2028, 1, 31, 9, 30, tzinfo=UTC)

_entities = count(1)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    databases = request.getfixturevalue(f"{request.param}_databases")
    assert isinstance(databases, SqliteDatabases | PostgresDatabases)
    settings = getattr(request.module, "SETTINGS", {})
    async with (
        databases.migrated() as url,
        running_service(url, tmp_path_factory.mktemp("data"), Clock(start=TODAY), **settings) as running,
    ):
        yield running


@pytest.fixture
def entity_id() -> str:
    """One that no other test uses."""
    return f"guarded_{next(_entities)}"
