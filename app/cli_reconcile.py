"""python -m app reconcile: proves that both providers and the database agree, or lists where they do not."""

import asyncio
import json
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass

import click

from app.clock import Time
from app.running import MigrationsPending, provider_tools
from app.settings import InvalidSettings, Settings, load_settings
from integrations.errors import ProviderError
from models import Customer
from models.database import database
from models.errors import DatabaseUnavailable, InvalidDatabaseUrl
from models.migrating import pending_migrations
from operations.reconcile import Report, compare_all, report, strangers

DISAGREES = 1
NOT_COMPARED = 2
"""The exit status for what kept us from comparing."""

COLUMNS = ("ENTITY", "SEVERITY", "WHAT", "SUBJECT", "OURS", "THEIRS")


class UnknownEntity(Exception):  # noqa: N818 - named for what is wrong, as all our errors
    def __init__(self, entity_id: str) -> None:
        super().__init__(f"no customer has the entity id {entity_id}")


_PROBLEMS = (
    InvalidSettings,
    InvalidDatabaseUrl,
    DatabaseUnavailable,
    MigrationsPending,
    ProviderError,
    UnknownEntity,
)


@click.command()
@click.option("--entity", metavar="ID", help="Only this customer.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
def reconcile(*, entity: str | None, as_json: bool) -> None:
    """Compare Metronome, Stripe and the database. Changes nothing; exit status 1 when they disagree."""
    try:
        found = asyncio.run(_reports(load_settings(), entity))
    except _PROBLEMS as problem:
        click.echo(f"billing: {problem}", err=True)
        sys.exit(NOT_COMPARED)
    click.echo(_as_json(found) if as_json else _as_table(found))
    sys.exit(DISAGREES if any(each.differences for each in found.all) else 0)


@dataclass(frozen=True, slots=True)
class Found:
    customers: list[Report]
    strangers: list[Report]
    """Customers at a provider that we have no row of."""

    @property
    def all(self) -> list[Report]:
        return [*self.customers, *self.strangers]


async def _reports(settings: Settings, entity: str | None) -> Found:
    if missing := await pending_migrations(settings.database):
        raise MigrationsPending(missing)
    time = Time.of(sandbox=settings.sandbox)
    async with database(settings.database), provider_tools(settings, time) as (tools, sandbox):
        if sandbox:
            with suppress(ProviderError):  # who does not tell the time cannot be compared with either, which is told
                await sandbox.follow()
        if entity is None:
            return Found([each async for each in compare_all(tools)], [each async for each in strangers(tools)])
        customer = await Customer.get_or_none(entity_id=entity)
        if customer is None:
            raise UnknownEntity(entity)
        return Found([await report(customer, tools)], [])


def _as_json(found: Found) -> str:
    differences = [
        {"entity_id": each.entity_id, "operation_under_way": each.under_way, **asdict(difference)}
        for each in found.all
        for difference in each.differences
    ]
    return json.dumps(
        {"customers": len(found.customers), "agrees": not differences, "differences": differences}, indent=2
    )


def _as_table(found: Found) -> str:
    rows: list[tuple[str, ...]] = [
        (
            f"{each.entity_id}{'*' if each.under_way else ''}",
            difference.severity,
            difference.what,
            difference.subject,
            difference.ours,
            difference.theirs,
        )
        for each in found.all
        for difference in each.differences
    ]
    if not rows:
        count = len(found.customers)
        return f"everything agrees: {count} customer{'s' if count != 1 else ''}"
    widths = [max(len(cell) for cell in column) for column in zip(COLUMNS, *rows, strict=True)]
    lines = [_padded(row, widths) for row in (COLUMNS, *rows)]
    if any(each.under_way and each.differences for each in found.customers):
        lines.append("* an operation is under way; look again when it has ended")
    return "\n".join(lines)


def _padded(row: tuple[str, ...], widths: list[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
