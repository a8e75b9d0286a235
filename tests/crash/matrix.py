"""kill -9 at every place a verb passes: what is found after the restart, place by place."""

import asyncio
import signal
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx

from tests.crash.books import books
from tests.crash.processes import LOOK_AGAIN_SECONDS, PATIENCE_SECONDS, ServiceProcess
from tests.crash.stories import Story
from tests.crash.world import Client, Surroundings, World
from tests.database import Databases

LANES = 3
LAST_PLACE = "operation.last_step_recorded"
LAST_BREATH_SECONDS = 1.0


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


async def passed(world: World, story: Story) -> list[str]:
    """Every place the verb passes when nothing goes wrong, in order."""
    entity_id = new_entity()
    await _prepare(world, story, entity_id)
    return await _logged(world, "places", lambda client: _send(story, client, entity_id), entity_id)


async def killed_at(world: World, story: Story, *points: str) -> Outcome:
    """One life ends at each of the points; the next one finishes, and the caller asks again."""
    began, entity_id = time.monotonic(), new_entity()
    try:
        problems = await _problems(world, story, entity_id, points)
    except (TimeoutError, httpx.TransportError) as failure:
        problems = [f"{type(failure).__name__}; the last life said: {world.last_log()[-2000:]}"]
    return Outcome(story.verb, _kind(world), points, tuple(problems), time.monotonic() - began)


async def _problems(world: World, story: Story, entity_id: str, points: Sequence[str]) -> list[str]:
    await _prepare(world, story, entity_id)
    misses = [await _die(world, story, entity_id, point, number) for number, point in enumerate(points)]
    async with world.service() as client:
        return [miss for miss in misses if miss is not None] + await _finished(world, story, client, entity_id)


async def recovery_passes(world: World, story: Story, point: str) -> list[str]:
    """Every place the recovery from a kill at the point passes."""
    entity_id = new_entity()
    await _prepare(world, story, entity_id)
    await _die(world, story, entity_id, point, 0)
    return await _logged(world, "recovery", _nothing, entity_id)


async def run_matrix(
    story: Story,
    databases: Databases,
    folder: Path,
    around: Surroundings,
    *,
    in_pairs: bool = False,
    lanes: int = LANES,
    every: slice = slice(None),
) -> AsyncIterator[Outcome]:
    """The places are found by a life that is not killed, so that new ones are found by themselves.

    `every` picks some of them: `slice(1, None, 2)` is every second one.
    """
    async with AsyncExitStack() as stack:
        worlds = await open_worlds(stack, databases, folder, around, lanes=lanes)
        points = await passed(worlds[0], story)
        if missing := story.points - set(points):
            raise PlacesMissing(story.verb, missing)
        deaths: list[tuple[str, ...]] = [(point,) for point in points[every]]
        if in_pairs:
            deaths = [(point, again) for point in points for again in await recovery_passes(worlds[0], story, point)]
        async for outcome in _in_lanes(worlds, deaths, story):
            yield outcome


async def _in_lanes(worlds: Sequence[World], deaths: list[tuple[str, ...]], story: Story) -> AsyncIterator[Outcome]:
    """Side by side, because most of a restart is waiting."""
    left = deque(deaths)
    outcomes: asyncio.Queue[Outcome] = asyncio.Queue()

    async def lane(world: World) -> None:
        while left:
            await outcomes.put(await killed_at(world, story, *left.popleft()))

    async with asyncio.TaskGroup() as group:
        for world in worlds:
            group.create_task(lane(world))
        for _ in deaths:
            yield await outcomes.get()


async def open_worlds(
    stack: AsyncExitStack, databases: Databases, folder: Path, around: Surroundings, *, lanes: int = LANES
) -> list[World]:
    """As many, side by side, with a database each."""
    worlds = []
    for _ in range(lanes):
        url = await stack.enter_async_context(databases.migrated())
        own = folder / uuid4().hex
        own.mkdir(mode=0o700)
        worlds.append(World(around, url, own))
    return worlds


async def _prepare(world: World, story: Story, entity_id: str) -> None:
    """In a life of its own: the places of what comes before may have the same names."""
    if story.before:
        async with world.service() as client:
            await story.prepare(client, entity_id)
            await client.stop()


async def _die(world: World, story: Story, entity_id: str, point: str, number: int) -> str | None:
    """What went wrong with the killing, if anything did."""
    log = world.folder / f"{entity_id}-{number}.places"
    async with world.service(CRASH_AT=point, CRASH_LOG=str(log)) as client:
        if number == 0:
            await _send(story, client, entity_id)
        status = await _death_or_end(client.process, log)
    last = next(reversed(_places(log)), None)
    if status != -signal.SIGKILL or last != point:
        return f"was not killed at {point}: ended with {status}, and the last place was {last}"
    return None


async def _death_or_end(process: ServiceProcess, log: Path) -> int | None:
    """None when the process lived on to the end of the operation."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not (process.exited.done() or _at_the_end(log)):  # noqa: ASYNC110 - another process's file sets no event
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
    if _at_the_end(log):  # whoever started it may be the last to pass a place, or to be killed there
        await asyncio.wait({process.exited}, timeout=LAST_BREATH_SECONDS)
    return await process.ended() if process.exited.done() else None


def _at_the_end(log: Path) -> bool:
    return LAST_PLACE in _places(log)


def _places(log: Path) -> list[str]:
    return log.read_text("utf-8").split() if log.exists() else []


async def _finished(world: World, story: Story, client: Client, entity_id: str) -> list[str]:
    if len(await client.operations(entity_id)) < len(story.leaves.operations):
        await _send(story, client, entity_id)  # it died before it had accepted anything: the caller asks again
    await client.operations_ended(entity_id)
    problems = (await books(world, entity_id)).differences(story.leaves)
    sent_before = await _sent(world, entity_id)
    asked = await story.call.looked_up(client, entity_id)
    first, second = [await client.execute(story.call.mutation, **asked) for _ in range(2)]
    if first != second:
        problems.append(f"the answer changes: {first}, then {second}")
    if any(payload["userErrors"] or payload["operation"]["status"] != "SUCCEEDED" for payload in first.values()):
        problems.append(f"the answer is {first}")
    problems += [f"after asking again: {each}" for each in (await books(world, entity_id)).differences(story.leaves)]
    if await _sent(world, entity_id) != sent_before:
        problems.append("asking again sent something again")
    if status := await client.stop():
        problems.append(f"told to stop, it ended with {status}")
    return problems


async def _sent(world: World, entity_id: str) -> list[str]:
    operations = await world.rows(
        "SELECT o.id FROM operation o JOIN customer c ON c.id = o.customer_id WHERE c.entity_id = $1", entity_id
    )
    return sorted(await world.providers.sent(tuple(row[0] for row in operations)))


async def _logged(world: World, name: str, act: Callable[[Client], Awaitable[object]], entity_id: str) -> list[str]:
    log = world.folder / f"{entity_id}.{name}"
    async with world.service(CRASH_LOG=str(log)) as client:
        await act(client)
        await client.operations_ended(entity_id)
        await _death_or_end(client.process, log)
    return list(dict.fromkeys(_places(log)))


async def _send(story: Story, client: Client, entity_id: str) -> None:
    """Whether there is an answer depends on when it is killed."""
    with suppress(httpx.TransportError):
        await client.execute(story.call.mutation, **await story.call.looked_up(client, entity_id))


async def _nothing(_: Client) -> None:
    return None


def new_entity() -> str:
    return f"user_{uuid4().hex}"


def _kind(world: World) -> str:
    return world.database_url.partition(":")[0]
