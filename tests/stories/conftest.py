from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.stories.world import World, world_at


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """On the last of January of a leap year, in the morning."""
    async with world_at("2028-01-31T09:00:00", database_url, tmp_path) as world:
        yield world
