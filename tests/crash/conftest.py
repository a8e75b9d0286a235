from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.crash.world import Surroundings, World, fresh_world, surroundings
from tests.database import Databases, PostgresDatabases, SqliteDatabases


@pytest.fixture(scope="session")
async def lanes() -> AsyncIterator[list[Surroundings]]:
    """The mocks and the launcher, for all crash tests, one after the other."""
    async with surroundings(lanes=2) as running:
        yield running


@pytest.fixture
async def world(databases: Databases, tmp_path: Path, lanes: list[Surroundings]) -> AsyncIterator[World]:
    """One on each kind of database."""
    async with fresh_world(lanes[0], databases, tmp_path) as fresh:
        yield fresh


@pytest.fixture
async def sqlite_world(
    sqlite_databases: SqliteDatabases, tmp_path: Path, lanes: list[Surroundings]
) -> AsyncIterator[World]:
    async with fresh_world(lanes[0], sqlite_databases, tmp_path) as fresh:
        yield fresh


@pytest.fixture
async def postgresql_world(
    postgresql_databases: PostgresDatabases, tmp_path: Path, lanes: list[Surroundings]
) -> AsyncIterator[World]:
    async with fresh_world(lanes[0], postgresql_databases, tmp_path) as fresh:
        yield fresh
