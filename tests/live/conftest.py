from collections.abc import AsyncIterator
from itertools import count

import pytest

from tests.database import PostgresDatabases, SqliteDatabases
from tests.live.serving import Server, mocks, serving

_entities = count(1)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """One for all tests of a module, which keep apart by entity id."""
    databases = request.getfixturevalue(f"{request.param}_databases")
    assert isinstance(databases, SqliteDatabases | PostgresDatabases)
    async with (
        databases.migrated() as url,
        mocks() as before,
        serving(url, tmp_path_factory.mktemp("data"), before) as running,
    ):
        yield running


@pytest.fixture
def entity_id() -> str:
    """One that no other test uses."""
    return f"watched_{next(_entities)}"
