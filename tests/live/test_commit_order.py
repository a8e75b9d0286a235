"""Transactions that end in another order than they took their ids, on PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from models import Activity
from models.database import database
from operations.live import EVERYTHING, Reader, happenings
from tests.live.rows import everything, feeding, happen, next_kinds, writer


@pytest.fixture
async def url(postgresql_url: str) -> AsyncIterator[str]:
    async with database(postgresql_url):
        yield postgresql_url


async def kinds_read(reader: Reader) -> list[str]:
    """All that can be read now."""
    kinds = []
    while read := await reader.read():
        kinds += [happening.kind for happening in read]
    return kinds


async def test_a_lower_id_that_commits_later_is_not_passed(url: str) -> None:
    reader = Reader()
    async with writer(url) as slow, writer(url) as fast:
        await slow.write("first")
        await fast.write("second")
        await fast.commit()
        assert [each.kind for each in await happenings(EVERYTHING, after=0)] == ["second"]  # whoever passes it loses
        assert await kinds_read(reader) == []
        assert await kinds_read(reader) == []
        await slow.commit()
    assert await kinds_read(reader) == ["first", "second"]


async def test_what_lies_below_the_gap_is_handed_out_meanwhile(url: str) -> None:
    reader = Reader()
    await happen("before")
    async with writer(url) as slow, writer(url) as fast:
        await slow.write("first")
        await fast.write("second")
        await fast.commit()
        assert await kinds_read(reader) == ["before"]
        await slow.commit()
    assert await kinds_read(reader) == ["first", "second"]


async def test_an_id_that_is_rolled_back_holds_nobody_up(url: str) -> None:
    reader = Reader()
    async with writer(url) as slow:
        await slow.write("never")
        await happen("second")
        assert await kinds_read(reader) == []
        await slow.roll_back()
        assert await kinds_read(reader) == ["second"]
        await slow.write("never")
        await slow.roll_back()
    await happen("third")
    assert await kinds_read(reader) == ["third"]


async def test_a_transaction_that_began_after_the_gap_was_seen_holds_nobody_up(url: str) -> None:
    reader = Reader()
    async with writer(url) as slow, writer(url) as later:
        await slow.write("first")
        await happen("second")
        assert await kinds_read(reader) == []
        await later.write("fourth")
        await slow.commit()
        assert await kinds_read(reader) == ["first", "second"]
        await happen("fifth")
        assert await kinds_read(reader) == []
        await later.commit()
    assert await kinds_read(reader) == ["fourth", "fifth"]


async def test_a_transaction_that_writes_no_activity_holds_nobody_up(url: str) -> None:
    reader = Reader()
    async with writer(url) as idle, writer(url) as slow:
        await idle.execute("BEGIN")
        await idle.execute("CREATE TABLE unrelated (id int)")  # has a transaction id, as any writer
        await slow.write("never")
        await happen("second")
        await slow.roll_back()
        assert await kinds_read(reader) == ["second"]
        await idle.roll_back()


async def test_a_savepoint_that_is_rolled_back_holds_nobody_up(url: str) -> None:
    reader = Reader()
    async with writer(url) as careful:
        await careful.write("first")
        await careful.execute("SAVEPOINT here")
        await careful.write("never")
        await careful.execute("ROLLBACK TO SAVEPOINT here")
        await careful.write("third")
        await careful.commit()
    assert await kinds_read(reader) == ["first", "third"]


async def test_a_stream_that_starts_now_starts_after_what_is_under_way(url: str) -> None:
    async with writer(url) as slow, feeding() as feed:
        await slow.write("first")
        await happen("second")
        starting = asyncio.create_task(everything(feed, after=None))
        done, _ = await asyncio.wait({starting}, timeout=0.05)
        assert not done
        await slow.commit()
        with await starting as stream:
            await happen("third")
            assert await next_kinds(stream, 1) == ["third"]


async def test_nothing_is_lost_and_nothing_comes_twice_among_many_writers(url: str) -> None:
    """In each ten, one ends only when the next has; every third is rolled back; a client that keeps coming back."""
    seen: list[int] = []
    ended = [asyncio.Event() for _ in range(41)]
    for number in range(10, 41, 10):
        ended[number].set()  # the last of each ten waits for nobody

    async def write(number: int) -> None:
        async with writer(url) as one:
            for part in range(3):
                await one.write(f"{number}.{part}")
                await asyncio.sleep(0)
            await ended[number + 1].wait()
            await (one.roll_back() if number % 3 == 0 else one.commit())
            ended[number].set()

    async def watch() -> None:
        while len(seen) < 26 * 3:
            with await everything(feed, after=seen[-1] if seen else 0) as stream:
                seen.extend([(await anext(stream)).id for _ in range(3)])

    async with feeding(poll_seconds=0.001) as feed, asyncio.timeout(120):
        with await everything(feed):  # so that the feed reads on while the client is away
            watcher = asyncio.create_task(watch())
            await asyncio.gather(*(write(number) for number in range(40)))
            assert await Activity.all().count() == 26 * 3
            await watcher
    assert seen == [row[0] for row in await Activity.all().order_by("id").values_list("id")]


async def test_writing_takes_no_lock_that_another_writer_waits_for(url: str) -> None:
    async with writer(url) as one, writer(url) as other:
        await one.write("one")
        await other.write("other")
        assert len(await Activity.writers()) == 2
        await other.commit()
        await one.commit()
        assert await Activity.writers() == frozenset()
