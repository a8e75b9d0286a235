"""What every command has in common: how it connects, what it prints, and how it ends.

0   done, and all is well
1   done, and what was looked at is not well: providers that disagree, a check that fails
2   not done: a wrong setting, an unknown name, something that is away. Standard error says in one line why
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import NoReturn, TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from access.audit import command_line
from access.callers import acting_as
from app.logs import configure_logs
from app.running import MigrationsPending
from app.settings import InvalidSettings, Settings, load_settings
from billing.errors import BillingError
from integrations.errors import ProviderError
from models.database import database
from models.errors import DatabaseUnavailable, InvalidDatabaseUrl
from models.migrating import pending_migrations
from schema.types.scalars import iso

T = TypeVar("T")

NOT_WELL = 1
REFUSED = 2
NO_TERMINAL_COLUMNS = 4096

OPERATORS_PROBLEMS = (
    BillingError,
    DatabaseUnavailable,
    InvalidDatabaseUrl,
    InvalidSettings,
    MigrationsPending,
    ProviderError,
)
"""What an operator can mend is told in one line, not in a stack trace."""

as_json_option = click.option("--json", "as_json", is_flag=True, help="JSON for a program, instead of text.")


def refuse(sentence: str) -> NoReturn:
    click.echo(f"billing: {sentence}", err=True)
    sys.exit(REFUSED)


def on_database(work: Callable[[Settings], Awaitable[T]]) -> T:
    """Run the work on the configured database, which must be up to date, also beside a running service."""

    async def connected(settings: Settings) -> T:
        if missing := await pending_migrations(settings.database):
            raise MigrationsPending(missing)
        async with database(settings.database):
            with acting_as(command_line()):
                return await work(settings)

    try:
        settings = load_settings()
        configure_logs(settings)
        return asyncio.run(connected(settings))
    except OPERATORS_PROBLEMS as problem:
        refuse(str(problem))


def echo_json(value: object) -> None:
    click.echo(json.dumps(value, indent=2, default=_plain))


def shown(value: object) -> str:
    """As a person reads it; nothing for what is not known."""
    return "" if value is None else str(_plain(value))


def echo_list(columns: Sequence[str], rows: Sequence[Sequence[object]], *, what: str, as_json: bool) -> None:
    """`what` they are, for a person who is to be told that there are none."""
    if as_json:
        echo_json([dict(zip(columns, row, strict=True)) for row in rows])
    elif rows:
        echo_table(columns, rows)
    else:
        click.echo(f"billing: no {what}", err=True)


def echo_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column.upper(), overflow="fold")
    for row in rows:
        table.add_row(*(Text(shown(cell)) for cell in row))
    _echo(table)


def echo_facts(facts: Iterable[tuple[str, object]]) -> None:
    table = Table.grid(padding=(0, 2, 0, 0))
    for name, value in facts:
        table.add_row(Text(name, style="bold"), Text(shown(value), overflow="fold"))
    _echo(table)


@contextmanager
def progress(what: str, *, total: int | None) -> Iterator[Callable[[int], None]]:
    """Yields what is told how many are done. On standard error, and only in a terminal."""
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    ) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)


def _echo(table: Table) -> None:
    # Piped, a line is as long as it is: the next program cuts it, not we.
    console = Console(width=None if sys.stdout.isatty() else NO_TERMINAL_COLUMNS)
    with console.capture() as captured:
        console.print(table)
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return value
