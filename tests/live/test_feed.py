"""The feed on both databases: catching up, keeping up, falling behind, being cut off."""

import asyncio

import pytest

from operations.activity import prune_activity
from operations.live import PAGE, Stopping, TooSlow, Topic
from tests.live.rows import NOON, everything, feeding, happen, next_kinds
from tests.live.watching import eventually

pytestmark = pytest.mark.usefixtures("database")

MANY = [str(number) for number in range(3 * PAGE + 7)]


async def test_a_stream_catches_up_page_by_page_and_goes_on_with_what_happens() -> None:
    await happen(*MANY)
    async with feeding() as feed:
        with await everything(feed) as stream:
            assert await next_kinds(stream, len(MANY)) == MANY
            await happen("now")
            assert await next_kinds(stream, 1) == ["now"]


async def test_what_happens_while_a_stream_catches_up_follows_in_order() -> None:
    await happen(*MANY)
    async with feeding() as feed:
        with await everything(feed) as stream:
            early = await next_kinds(stream, 5)
            await happen("now")
            assert early + await next_kinds(stream, len(MANY) - 4) == [*MANY, "now"]


async def test_a_burst_beyond_what_a_client_may_hold_wakes_it_all_the_same() -> None:
    async with feeding(capacity=5) as feed:
        with await everything(feed) as stream:
            waiting = asyncio.create_task(next_kinds(stream, len(MANY)))
            await asyncio.sleep(0)
            await happen(*MANY)
            assert await waiting == MANY


async def test_a_stream_from_now_on_hears_nothing_of_before() -> None:
    await happen("before")
    async with feeding() as feed:
        with await everything(feed, after=None) as stream:
            await happen("after")
            assert await next_kinds(stream, 1) == ["after"]
        await happen("while nobody watches")
        with await everything(feed, after=None) as stream:
            await happen("again")
            assert await next_kinds(stream, 1) == ["again"]


async def test_a_topic_is_kept_both_from_the_table_and_from_the_feed() -> None:
    await happen("theirs", customer_id="cus_2")
    await happen("mine", customer_id="cus_1")
    async with feeding() as feed:
        with await everything(feed, topic=Topic(customer_id="cus_1")) as stream:
            assert await next_kinds(stream, 1) == ["mine"]
            await happen("theirs", customer_id="cus_2")
            await happen("mine too", customer_id="cus_1")
            assert await next_kinds(stream, 1) == ["mine too"]


async def test_who_falls_behind_holds_little_and_misses_nothing() -> None:
    async with feeding(capacity=5) as feed:
        with await everything(feed) as slow, await everything(feed) as quick:
            await happen("first")
            assert await next_kinds(slow, 1) == await next_kinds(quick, 1) == ["first"]
            for kind in MANY[:30]:
                await happen(kind)
                assert await next_kinds(quick, 1) == [kind]
            assert slow.held == 5
            assert await next_kinds(slow, 30) == MANY[:30]
            await happen("last")
            assert await next_kinds(slow, 1) == ["last"]


async def test_who_takes_nothing_is_cut_off_and_told_why() -> None:
    async with feeding(capacity=5, patience_seconds=0.05) as feed:
        with await everything(feed) as stuck, await everything(feed) as healthy:
            waiting = asyncio.create_task(next_kinds(healthy, len(MANY) + 1))
            taken = asyncio.create_task(anext(stuck))
            await happen(*MANY)
            assert (await taken).kind == "0"
            await eventually(lambda: feed.watched_by == 1)
            assert stuck.held == 0
            with pytest.raises(TooSlow):
                await anext(stuck)
            await happen("more")
            assert await waiting == [*MANY, "more"]


async def test_who_has_nothing_to_take_is_not_cut_off() -> None:
    async with feeding(patience_seconds=0.0) as feed:
        with await everything(feed, topic=Topic(customer_id="cus_1")) as patient:
            waiting = asyncio.create_task(anext(patient))
            for number in range(5):
                await happen("theirs", customer_id="cus_2")
                await eventually(lambda seen=number: feed.position > seen)  # type: ignore[misc]  # mypy: no defaults
            await happen("mine", customer_id="cus_1")
            assert (await waiting).kind == "mine"


async def test_an_end_reaches_who_waits_and_who_comes_after() -> None:
    async with feeding() as feed:
        with await everything(feed) as stream:
            waiting = asyncio.create_task(anext(stream))
            await asyncio.sleep(0)
            feed.end_streams()
            with pytest.raises(Stopping):
                await waiting
        with pytest.raises(Stopping):
            await everything(feed)


async def test_a_watcher_that_is_cancelled_leaves_the_feed_as_it_was() -> None:
    async def watch() -> None:
        with await everything(feed) as stream:
            await next_kinds(stream, 1000)

    await happen(*MANY)
    async with feeding() as feed:
        for turns in range(40):
            watcher = asyncio.create_task(watch())
            for _ in range(turns):
                await asyncio.sleep(0)
            watcher.cancel()
            await asyncio.wait({watcher})
            assert watcher.cancelled()
            assert feed.watched_by == 0
        with await everything(feed, after=len(MANY) - 1) as stream:
            assert await next_kinds(stream, 1) == MANY[-1:]


async def test_pruning_deletes_a_beginning_and_keeps_the_newest() -> None:
    await happen("old", "older still", at=NOON.replace(year=2027))
    await happen("kept")
    await happen("late news of last year", at=NOON.replace(year=2027))
    assert await prune_activity(NOON) == 2
    assert await prune_activity(NOON) == 0
    async with feeding() as feed:
        with await everything(feed, after=2) as stream:
            assert await next_kinds(stream, 2) == ["kept", "late news of last year"]
    assert await prune_activity(NOON.replace(year=2030)) == 1
    async with feeding() as feed:
        with await everything(feed, after=3) as stream:
            assert await next_kinds(stream, 1) == ["late news of last year"]


async def test_pruning_takes_any_number() -> None:
    await happen(*map(str, range(2500)), at=NOON.replace(year=2027))
    await happen("kept")
    assert await prune_activity(NOON) == 2500
