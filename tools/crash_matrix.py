"""python -m tools.crash_matrix: kill -9 at every place a verb passes, on both databases, and count what is found after.

Real processes: both mocks, PostgreSQL, and the service, which is killed at each place in turn and started again.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

import click

from tests.crash.matrix import LANES, Outcome, run_matrix
from tests.crash.stories import STORIES, Story
from tests.crash.world import surroundings
from tests.database import Databases, PostgresDatabases, SqliteDatabases, postgres_server

DATABASES = ("sqlite", "postgresql")


@click.command()
@click.option("--verb", type=click.Choice([*STORIES, "all"]), default="all", show_default=True)
@click.option("--database", type=click.Choice([*DATABASES, "both"]), default="both", show_default=True)
@click.option("--pairs", "in_pairs", is_flag=True, help="Also kill the recovery, at each place it passes.")
@click.option("--lanes", default=LANES, show_default=True, help="How many services are put to death at the same time.")
def main(*, verb: str, database: str, in_pairs: bool, lanes: int) -> None:
    """Kill the service at every place a verb passes, and print what became of it as a table."""
    verbs = list(STORIES.values()) if verb == "all" else [STORIES[verb]]
    kinds = DATABASES if database == "both" else (database,)
    began = time.monotonic()
    outcomes = asyncio.run(_run(verbs, kinds, in_pairs=in_pairs, lanes=lanes))
    missed = [outcome for outcome in outcomes if outcome.problems]
    _print_table(outcomes, kinds)
    for outcome in missed:
        click.echo(f"\n{outcome.verb} on {outcome.database}, killed at {' then '.join(outcome.points)}:")
        click.echo("\n".join(f"  {problem}" for problem in outcome.problems))
    click.echo(f"\n{len(outcomes)} runs, {len(missed)} misses, {time.monotonic() - began:.0f} s")
    sys.exit(1 if missed else 0)


async def _run(verbs: list[Story], kinds: tuple[str, ...], *, in_pairs: bool, lanes: int) -> list[Outcome]:
    outcomes = []
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="crash-")))
        around = await stack.enter_async_context(surroundings())
        for kind in kinds:
            databases = stack.enter_context(_databases(kind, folder))
            for story in verbs:
                async for outcome in run_matrix(story, databases, folder, around, in_pairs=in_pairs, lanes=lanes):
                    outcomes.append(outcome)
                    click.echo("x" if outcome.problems else ".", nl=False, err=True)
    click.echo(err=True)
    return outcomes


@contextmanager
def _databases(kind: str, folder: Path) -> Iterator[Databases]:
    if kind == "sqlite":
        yield SqliteDatabases(folder)
    else:
        with postgres_server() as server:
            yield PostgresDatabases(server)


def _print_table(outcomes: list[Outcome], kinds: tuple[str, ...]) -> None:
    """A line for each place, in the order in which the verb passes them, and a column for each database."""
    cells: dict[tuple[str, str], dict[str, list[Outcome]]] = {}
    for outcome in outcomes:
        cells.setdefault((outcome.verb, outcome.points[0]), {}).setdefault(outcome.database, []).append(outcome)
    width = max(len(point) for _, point in cells)
    click.echo(f"{'verb':12}  {'killed at':{width}}  " + "  ".join(f"{kind:>18}" for kind in kinds))
    for (verb, point), found in cells.items():
        click.echo(f"{verb:12}  {point:{width}}  " + "  ".join(f"{_cell(found.get(kind, [])):>18}" for kind in kinds))
    click.echo(f"{'total':12}  {'':{width}}  " + "  ".join(f"{_total(outcomes, kind):>18}" for kind in kinds))


def _cell(outcomes: list[Outcome]) -> str:
    missed = sum(bool(outcome.problems) for outcome in outcomes)
    verdict = f"{missed} of {len(outcomes)} MISSED" if missed else f"{len(outcomes)} ok"
    seconds = sum(outcome.seconds for outcome in outcomes) / len(outcomes) if outcomes else 0
    return f"{verdict}, {seconds:.1f} s" if outcomes else "-"


def _total(outcomes: list[Outcome], kind: str) -> str:
    of_kind = [outcome for outcome in outcomes if outcome.database == kind]
    return f"{sum(not outcome.problems for outcome in of_kind)} of {len(of_kind)} ok"


if __name__ == "__main__":
    main()
