"""python -m tools.crash_matrix: kill -9 at every place a verb passes, on both databases, and count what is found after.

Real processes: both mocks, PostgreSQL, and the service, which is killed at each place in turn and started again.
"""

import asyncio
import json
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from tests.crash.acts import Story
from tests.crash.matrix import Outcome, run_matrix
from tests.crash.stories import STORIES
from tests.crash.world import surroundings
from tests.database import Databases, PostgresDatabases, SqliteDatabases, postgres_server

DATABASES = ("sqlite", "postgresql")


@click.command()
@click.option("--verb", "verbs", type=click.Choice([*STORIES]), multiple=True, help="Default: all.")
@click.option("--database", type=click.Choice([*DATABASES, "both"]), default="both", show_default=True)
@click.option("--pairs", "in_pairs", is_flag=True, help="Also kill the recovery, at each place it passes.")
@click.option("--lanes", default=3, show_default=True, help="How many services are put to death at the same time.")
@click.option(
    "--results",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep what was found in this file, and go on from it: only what is not known to have gone well is run.",
)
@click.option("--markdown", is_flag=True, help="A line for each verb, as docs/architecture.md has it.")
def main(
    *, verbs: tuple[str, ...], database: str, in_pairs: bool, lanes: int, results: Path | None, markdown: bool
) -> None:
    """Kill the service at every place a verb passes, and print what became of it as a table."""
    for number in (signal.SIGINT, signal.SIGTERM):  # also in the background: what it started ends with it
        signal.signal(number, signal.default_int_handler)
    stories = [STORIES[verb] for verb in verbs or STORIES]
    kinds = DATABASES if database == "both" else (database,)
    began = time.monotonic()
    outcomes = asyncio.run(_run(stories, kinds, Results(results), in_pairs=in_pairs, lanes=lanes))
    missed = [outcome for outcome in outcomes if outcome.problems]
    (_print_summary if markdown else _print_table)(outcomes, kinds)
    click.echo(f"\n{len(outcomes)} runs, {len(missed)} misses, {time.monotonic() - began:.0f} s")
    sys.exit(1 if missed else 0)


class Results:
    """Outcomes as lines of JSON; with no file, none are kept."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def good(self, verb: str, database: str) -> dict[tuple[str, ...], Outcome]:
        lines = self._path.read_text("utf-8").splitlines() if self._path and self._path.exists() else []
        kept = [Outcome(**{name: _back(value) for name, value in json.loads(line).items()}) for line in lines]
        return {
            each.points: each for each in kept if (each.verb, each.database) == (verb, database) and not each.problems
        }

    def keep(self, outcome: Outcome) -> None:
        if self._path:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(outcome)) + "\n")


def _back(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


async def _run(
    stories: list[Story], kinds: tuple[str, ...], results: Results, *, in_pairs: bool, lanes: int
) -> list[Outcome]:
    outcomes: list[Outcome] = []
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="crash-")))
        running = await stack.enter_async_context(surroundings(lanes=lanes))
        for kind in kinds:
            databases = stack.enter_context(_databases(kind, folder))
            for story in stories:
                good = results.good(story.verb, kind)
                outcomes += good.values()
                async for outcome in run_matrix(story, databases, folder, running, in_pairs=in_pairs, done=good):
                    outcomes.append(outcome)
                    results.keep(outcome)
                    _tell(outcome)
    click.echo(err=True)
    return outcomes


def _tell(outcome: Outcome) -> None:
    """At once: the whole matrix takes its time."""
    if not outcome.problems:
        click.echo(".", nl=False, err=True)
        return
    click.echo(f"\n{outcome.verb} on {outcome.database}, killed at {' then '.join(outcome.points)}:", err=True)
    click.echo("\n".join(f"  {problem}" for problem in outcome.problems), err=True)


@contextmanager
def _databases(kind: str, folder: Path) -> Iterator[Databases]:
    if kind == "sqlite":
        yield SqliteDatabases(folder)
    else:
        with postgres_server() as server:
            yield PostgresDatabases(server)


def _print_table(outcomes: list[Outcome], kinds: tuple[str, ...]) -> None:
    """A line for each place, about in the order in which the verb passes them, and a column for each database."""
    cells: dict[tuple[str, str], dict[str, list[Outcome]]] = {}
    for outcome in outcomes:
        cells.setdefault((outcome.verb, outcome.points[0]), {}).setdefault(outcome.database, []).append(outcome)
    verbs, places = [max(map(len, names)) for names in zip(*cells, strict=True)]
    click.echo(f"{'verb':{verbs}}  {'killed at':{places}}  " + "  ".join(f"{kind:>18}" for kind in kinds))
    for (verb, place), found in cells.items():
        columns = "  ".join(f"{_cell(found.get(kind, [])):>18}" for kind in kinds)
        click.echo(f"{verb:{verbs}}  {place:{places}}  {columns}")
    click.echo(f"{'total':{verbs}}  {'':{places}}  " + "  ".join(f"{_total(outcomes, kind):>18}" for kind in kinds))


def _print_summary(outcomes: list[Outcome], kinds: tuple[str, ...]) -> None:
    """In Markdown: a line for each verb."""
    click.echo("| verb | " + " | ".join(f"{kind}: places | misses" for kind in kinds) + " |")
    click.echo("|---|" + "---:|---:|" * len(kinds))
    verbs = dict.fromkeys(outcome.verb for outcome in outcomes)
    lines = [(verb, [outcome for outcome in outcomes if outcome.verb == verb]) for verb in verbs]
    for name, of_verb in [*lines, ("together", outcomes)]:
        counts = [[bool(outcome.problems) for outcome in of_verb if outcome.database == kind] for kind in kinds]
        click.echo(f"| {name} | " + " | ".join(f"{len(each)} | {sum(each)}" for each in counts) + " |")


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
