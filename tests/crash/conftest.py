from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.crash.matrix import open_worlds
from tests.crash.world import Surroundings, World, surroundings
from tests.database import Databases, PostgresDatabases, SqliteDatabases


@pytest.fixture(scope="session")
async def around() -> AsyncIterator[Surroundings]:
    """The mocks and the launcher, for all crash tests together."""
    async with surroundings() as running:
        yield running


@pytest.fixture
async def world(databases: Databases, tmp_path: Path, around: Surroundings) -> AsyncIterator[World]:
    """One on each kind of database."""
    async for opened in _world(databases, tmp_path, around):
        yield opened


@pytest.fixture
async def sqlite_world(sqlite_databases: SqliteDatabases, tmp_path: Path, around: Surroundings) -> AsyncIterator[World]:
    async for opened in _world(sqlite_databases, tmp_path, around):
        yield opened


@pytest.fixture
async def postgresql_world(
    postgresql_databases: PostgresDatabases, tmp_path: Path, around: Surroundings
) -> AsyncIterator[World]:
    async for opened in _world(postgresql_databases, tmp_path, around):
        yield opened


async def _world(databases: Databases, folder: Path, around: Surroundings) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        (opened,) = await open_worlds(stack, databases, folder, around, lanes=1)
        yield opened
        await around.providers.clear_faults()
