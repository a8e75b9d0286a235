"""What is told after a commit is told once, and of what was rolled back nothing is told."""

import pytest
from tortoise.transactions import in_transaction

from models.committing import after_commit


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
