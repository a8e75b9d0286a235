"""Activity written straight into the table, in transactions a test opens and ends."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg
from tortoise.transactions import in_transaction

from models import Activity
from operations.live import EVERYTHING, Feed, Happening, Stream, Topic

NOON = datetime(2028, 1, 31, 12, tzinfo=UTC)


async def happen(*kinds: str, at: datetime = NOON, customer_id: str | None = None) -> None:
    async with in_transaction():
        for kind in kinds:
            await Activity.create(at=at, kind=kind, summary=kind, customer_id=customer_id)


@asynccontextmanager
async def feeding(**settings: Any) -> AsyncIterator[Feed]:
    feed = Feed(**{"poll_seconds": 0.01, **settings})
    feed.start()
    try:
        yield feed
    finally:
        await feed.stop()


async def next_kinds(stream: Stream, count: int) -> list[str]:
    return [happening.kind for happening in [await anext(stream) for _ in range(count)]]


async def everything(feed: Feed, *, after: int | None = 0, topic: Topic = EVERYTHING) -> Stream:
    return await feed.follow(topic, after=after)


class Writer:
    """A PostgreSQL connection with a transaction of its own: another process, as far as the database can tell."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def write(self, kind: str) -> None:
        """In the transaction, which is opened if there is none."""
        if not self._connection.is_in_transaction():
            await self._connection.execute("BEGIN")
        await self._connection.execute(
            "INSERT INTO activity (at, kind, summary, data) VALUES ($1, $2, $2, '{}')", NOON, kind
        )

    async def execute(self, statement: str) -> None:
        await self._connection.execute(statement)

    async def commit(self) -> None:
        await self._connection.execute("COMMIT")

    async def roll_back(self) -> None:
        await self._connection.execute("ROLLBACK")


@asynccontextmanager
async def writer(url: str) -> AsyncIterator[Writer]:
    connection: Any = await asyncpg.connect(url)
    try:
        yield Writer(connection)
    finally:
        await connection.close()


__all__ = ["Happening", "Writer", "everything", "feeding", "happen", "next_kinds", "writer"]
