"""kill -9 at every place a verb passes: what is found after the restart, place by place."""

import asyncio
import signal
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from uuid import uuid4

import httpx

from tests.crash.acts import Call, Meanwhile, Story
from tests.crash.books import books
from tests.crash.processes import (
    ASK_AGAIN_SECONDS,
    LOOK_THROUGH_ALL_SECONDS,
    PATIENCE_SECONDS,
    DidNotStart,
    ServiceProcess,
    until,
)
from tests.crash.world import Client, Surroundings, World, fresh_world
from tests.database import Databases

LAST_PLACE = "operation.last_step_recorded"
LAST_BREATH_SECONDS = 3.0
DEATH_SECONDS = 60.0
ALL = slice(None)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of being killed at `points`, one life each. No problems: nothing lost, nothing twice."""

    verb: str
    database: str
    points: tuple[str, ...]
    problems: tuple[str, ...]
    seconds: float


class PlacesMissing(Exception):  # noqa: N818 - named for what is wrong, as all our errors
    def __init__(self, verb: str, names: Iterable[str]) -> None:
        super().__init__(f"{verb} no longer passes {', '.join(sorted(names))}: the matrix would be blind there")


def new_entity() -> str:
    return f"user_{uuid4().hex}"


async def run_matrix(
    story: Story,
    databases: Databases,
    folder: Path,
    lanes: Sequence[Surroundings],
    *,
    in_pairs: bool = False,
    every: slice = ALL,
    done: Collection[tuple[str, ...]] = (),
) -> AsyncIterator[Outcome]:
    """The places are found by a life that is not killed, so that new ones are found by themselves.

    `every` picks some of them: `slice(1, None, 2)` is every second one. Those of `done` are left out.
    """
    async with fresh_world(lanes[0], databases, folder) as world:
        points = await Trial(world, story).places()
    if missing := story.points - set(points):
        raise PlacesMissing(story.verb, missing)
    deaths: list[tuple[str, ...]] = [(point,) for point in points[every]]
    if in_pairs:
        deaths = [pair for point in points[every] for pair in await _pairs(story, point, databases, folder, lanes[0])]
    deaths = [points for points in deaths if points not in done]
    async for outcome in _in_lanes(lanes, deaths, story, databases, folder):
        yield outcome


async def _pairs(
    story: Story, point: str, databases: Databases, folder: Path, around: Surroundings
) -> list[tuple[str, ...]]:
    async with fresh_world(around, databases, folder) as world:
        return [(point, again) for again in await Trial(world, story).places_of_recovery(point)]


async def _in_lanes(
    lanes: Sequence[Surroundings], deaths: list[tuple[str, ...]], story: Story, databases: Databases, folder: Path
) -> AsyncIterator[Outcome]:
    """Side by side, because most of a restart is waiting."""
    left = deque(deaths)
    outcomes: asyncio.Queue[Outcome] = asyncio.Queue()

    async def lane(around: Surroundings) -> None:
        while left:
            points = left.popleft()
            async with fresh_world(around, databases, folder) as world:
                await outcomes.put(await killed_at(world, story, *points))

    async with asyncio.TaskGroup() as group:
        for around in lanes:
            group.create_task(lane(around))
        for _ in deaths:
            yield await outcomes.get()


async def killed_at(world: World, story: Story, *points: str) -> Outcome:
    """One life ends at each of the points; the next one finishes, and the caller asks again."""
    began = time.monotonic()
    try:
        problems = await Trial(world, story).problems(points)
    except (TimeoutError, httpx.TransportError, DidNotStart) as failure:
        problems = [f"{type(failure).__name__}; the last life said: {world.last_log()[-2000:]}"]
    kind = world.database_url.partition(":")[0]
    return Outcome(story.verb, kind, points, tuple(problems), time.monotonic() - began)


@dataclass(frozen=True, slots=True)
class Trial:
    """A story of one customer, in one world."""

    world: World
    story: Story
    entity_id: str = field(default_factory=new_entity)

    async def problems(self, points: Sequence[str]) -> list[str]:
        await self._come_to_the_act()
        misses = [await self._die(point, number) for number, point in enumerate(points)]
        return [miss for miss in misses if miss is not None] + await self._finish()

    async def places(self) -> list[str]:
        """Every place the act passes when nothing goes wrong, in order."""
        await self._come_to_the_act()
        return await self._logged("places", self._act)

    async def places_of_recovery(self, point: str) -> list[str]:
        """Every place the recovery from a kill at the point passes."""
        await self._come_to_the_act()
        await self._die(point, 0)
        return await self._logged("recovery", _nothing)

    async def _come_to_the_act(self) -> None:
        """In lives of their own: the places of what comes before may have the same names."""
        for are_calls, acts in groupby(self.story.before, lambda act: isinstance(act, Call)):
            if are_calls:
                await self._ask(acts)
            else:
                await self._hear_of(acts)
        if isinstance(self.story.act, Meanwhile):
            await self.story.act.happen(self.world, self.entity_id)

    async def _ask(self, calls: Iterable[Call | Meanwhile]) -> None:
        """What comes of them by the clock is left to the lives that follow."""
        async with self.world.service(COLLECT_SECONDS="3600") as client:
            for call in calls:
                assert isinstance(call, Call)
                await call.execute(self.world, client, self.entity_id)
                await client.operations_ended(self.entity_id)
            await client.stop()

    async def _hear_of(self, happenings: Iterable[Call | Meanwhile]) -> None:
        for happening in happenings:
            assert isinstance(happening, Meanwhile)
            await happening.happen(self.world, self.entity_id)
            if happening.passes:
                async with self.world.service() as client:
                    await until(self._is_quiet, pause_seconds=LOOK_THROUGH_ALL_SECONDS)
                    await client.stop()

    async def _act(self, client: Client) -> None:
        if isinstance(self.story.act, Call):
            await self.story.act.send(self.world, client, self.entity_id)

    async def _die(self, point: str, number: int) -> str | None:
        """What went wrong with the killing, if anything did."""
        log = self.world.folder / f"{self.entity_id}-{number}.places"
        async with self.world.service(CRASH_AT=point, CRASH_LOG=str(log)) as client:
            if number == 0:
                await self._act(client)
            status = await self._death_or_end(client.process, log, breath_seconds=DEATH_SECONDS)
        last = next(reversed(_places(log)), None)
        if status != -signal.SIGKILL or last != point:
            return f"was not killed at {point}: ended with {status}, and the last place was {last}"
        return None

    async def _death_or_end(self, process: ServiceProcess, log: Path, *, breath_seconds: float) -> int | None:
        """None when the process lived on to the end of the act, and for so long after it."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (process.exited.done() or await self._is_over(log)):  # noqa: ASYNC110 - as in `until`
                await asyncio.sleep(ASK_AGAIN_SECONDS)
        if not process.exited.done():  # whoever started it may be the last to pass a place, or to be killed there
            await asyncio.wait({process.exited}, timeout=breath_seconds)
        return await process.ended() if process.exited.done() else None

    async def _is_over(self, log: Path) -> bool:
        return LAST_PLACE in _places(log) and (isinstance(self.story.act, Call) or await self._has_come_about())

    async def _has_come_about(self) -> bool:
        return await self._is_quiet() and tuple(sorted(await self._operations())) == self.story.leaves.operations

    async def _is_quiet(self) -> bool:
        running = any(status == "RUNNING" for _, status in await self._operations())
        return not running and await self.world.nothing_is_due() and await self.world.has_heard_all()

    async def _finish(self) -> list[str]:
        async with self.world.service() as client:
            await self._come_to_the_end(client)
            problems = await self._differences()
            sent_before = await self._sent()
            problems += await self._ask_twice(client)
            if status := await client.stop():
                problems.append(f"told to stop, it ended with {status}")
        if isinstance(self.story.act, Meanwhile):
            await self._hear_of([Meanwhile()])
        problems += [f"after asking again: {each}" for each in await self._differences()]
        if await self._sent() != sent_before:
            problems.append("asking again sent something again")
        return problems

    async def _come_to_the_end(self, client: Client) -> None:
        if isinstance(self.story.act, Meanwhile):
            with suppress(TimeoutError):  # what is missing then is told by the books
                await until(self._has_come_about, pause_seconds=LOOK_THROUGH_ALL_SECONDS)
            return
        statuses = [status for _, status in await self._operations()]
        if len(statuses) < len(self.story.leaves.operations) or "REQUIRES_ACTION" in statuses:
            await self._act(client)  # it died before it had accepted anything: the caller asks again
        await client.operations_ended(self.entity_id)

    async def _ask_twice(self, client: Client) -> list[str]:
        if isinstance(self.story.act, Meanwhile):
            return []
        first, second = [await self.story.act.execute(self.world, client, self.entity_id) for _ in range(2)]
        problems = [f"the answer changes: {first}, then {second}"] if first != second else []
        if any(payload["operation"]["status"] != self.story.answer for payload in first.values()):
            problems.append(f"the answer is {first}")
        return problems

    async def _differences(self) -> list[str]:
        return (await books(self.world, self.entity_id)).differences(self.story.leaves)

    async def _operations(self) -> list[tuple[str, str]]:
        rows = await self.world.rows(OPERATIONS, self.entity_id)
        return [(kind, status) for _, kind, status in rows]

    async def _sent(self) -> list[str]:
        rows = await self.world.rows(OPERATIONS, self.entity_id)
        return sorted(await self.world.providers.sent(tuple(row[0] for row in rows)))

    async def _logged(self, name: str, act: Callable[[Client], Awaitable[None]]) -> list[str]:
        log = self.world.folder / f"{self.entity_id}.{name}"
        async with self.world.service(CRASH_LOG=str(log)) as client:
            await act(client)
            await self._death_or_end(client.process, log, breath_seconds=LAST_BREATH_SECONDS)
        return list(dict.fromkeys(_places(log)))


OPERATIONS = (
    "SELECT o.id, o.kind, o.status FROM operation o JOIN customer c ON c.id = o.customer_id WHERE c.entity_id = $1"
)


def _places(log: Path) -> list[str]:
    return log.read_text("utf-8").split() if log.exists() else []


async def _nothing(_: Client) -> None:
    return None
