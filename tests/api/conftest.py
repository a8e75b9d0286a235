"""One running service for all tests of a module, once on SQLite and once on PostgreSQL; tests keep apart by entity id.

A module that needs other settings names them in `SETTINGS`.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import count

import pytest

from mock_kit.clock import Clock
from tests.database import PostgresDatabases, SqliteDatabases
from tests.service import Service, running_service

# So that dates can be written down: a monthly period that starts here ends on 2028-02-29.
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
    return f"user_{next(_entities)}"
