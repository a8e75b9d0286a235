"""What is written last in a transaction, and what is told after it: once, and of what was rolled back nothing."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest
from tortoise.transactions import in_transaction

from models import EventCursor
from models.committing import after_commit, before_commit


class ChangedMind(Exception):  # noqa: N818  named for what happened, as all our errors
    pass


async def test_it_is_told_when_the_outermost_transaction_is_committed(database: None) -> None:
    told: list[str] = []

    async with in_transaction():
        after_commit(lambda: told.append("outer"))
        async with in_transaction():
            after_commit(lambda: told.append("inner"))
        assert told == []

    assert told == ["outer", "inner"]


async def test_nothing_is_told_of_what_was_rolled_back(database: None) -> None:
    told: list[str] = []

    with pytest.raises(ChangedMind):
        await change_mind(told)
    after_commit(lambda: told.append("outside, at once"))

    assert told == ["outside, at once"]


async def change_mind(told: list[str]) -> None:
    async with in_transaction():
        after_commit(lambda: told.append("never"))
        raise ChangedMind


async def cursor(provider: str) -> None:
    await EventCursor.create(provider=provider, read_until=datetime(2028, 1, 31, tzinfo=UTC))


async def test_what_is_written_last_sees_all_that_was_written_and_is_committed_with_it(database: None) -> None:
    seen: list[int] = []

    async def write() -> None:
        seen.append(await EventCursor.all().count())
        await cursor("last")

    async with in_transaction():
        await before_commit(write)
        await cursor("first")
        assert seen == []

    assert seen == [1]
    assert await EventCursor.all().count() == 2


async def test_what_cannot_be_written_last_takes_the_rest_back(database: None) -> None:
    async def write() -> None:
        raise ChangedMind

    with pytest.raises(ChangedMind):
        await write_in_vain(write)

    assert await EventCursor.all().count() == 0
    await cursor("afterwards")  # the connection is free again


async def write_in_vain(write: Callable[[], Awaitable[None]]) -> None:
    async with in_transaction():
        await before_commit(write)
        await cursor("never")
