"""python -m app reconcile: proves that both providers and the database agree, or lists where they do not."""

import json
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime

import click

from app.cli_output import NOT_WELL, as_json_option, echo_table, on_database, progress
from app.clock import Time
from app.running import provider_tools
from app.settings import Settings
from billing.errors import CustomerNotFound
from integrations.errors import ProviderError
from models import Customer, Reconciliation
from operations.reconcile import Report, Severity, compare_all, report, strangers
from operations.tools import Tools

COLUMNS = ("entity", "severity", "what", "subject", "ours", "theirs")


@click.command()
@click.option("--entity", metavar="ID", help="Only this customer, by your own id.")
@as_json_option
def reconcile(*, entity: str | None, as_json: bool) -> None:
    """Compare Metronome, Stripe and the database. Changes nothing of what it compares.

    Exit status 1 when they disagree. A comparison of everybody is noted, so that /metrics tells what it found and when:
    run it every night.
    """
    found = on_database(lambda settings: _found(settings, entity))
    if as_json:
        click.echo(_as_json(found))
    else:
        _show(found)
    sys.exit(NOT_WELL if any(each.differences for each in found.all) else 0)


@dataclass(frozen=True, slots=True)
class Found:
    customers: list[Report]
    strangers: list[Report]
    """Customers at a provider that we have no row of."""

    @property
    def all(self) -> list[Report]:
        return [*self.customers, *self.strangers]


async def _found(settings: Settings, entity: str | None) -> Found:
    time = Time.of(sandbox=settings.sandbox)
    async with provider_tools(settings, time) as (tools, sandbox):
        if sandbox:
            with suppress(ProviderError):  # who does not tell the time cannot be compared with either, which is told
                await sandbox.follow()
        if entity is None:
            return await _everybody(tools)
        customer = await Customer.get_or_none(entity_id=entity)
        if customer is None:
            raise CustomerNotFound(entity)
        return Found([await report(customer, tools)], [])


async def _everybody(tools: Tools) -> Found:
    started_at, reports = tools.now(), []
    with progress("comparing customers", total=await Customer.all().count()) as show:
        async for each in compare_all(tools):
            reports.append(each)
            show(len(reports))
        found = Found(reports, [each async for each in strangers(tools)])
    await _note(found, started_at=started_at, finished_at=tools.now())
    return found


async def _note(found: Found, *, started_at: datetime, finished_at: datetime) -> None:
    severities = [difference.severity for each in found.all for difference in each.differences]
    await Reconciliation.create(
        started_at=started_at,
        finished_at=finished_at,
        customers=len(found.customers),
        differences_high=severities.count(Severity.HIGH),
        differences_low=severities.count(Severity.LOW),
    )


def _as_json(found: Found) -> str:
    differences = [
        {"entity_id": each.entity_id, "operation_under_way": each.under_way, **asdict(difference)}
        for each in found.all
        for difference in each.differences
    ]
    return json.dumps(
        {"customers": len(found.customers), "agrees": not differences, "differences": differences}, indent=2
    )


def _show(found: Found) -> None:
    rows = [
        (
            f"{each.entity_id}{'*' if each.under_way else ''}",
            difference.severity.value,
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
        click.echo(f"everything agrees: {count} customer{'s' if count != 1 else ''}")
        return
    echo_table(COLUMNS, rows)
    if any(each.under_way and each.differences for each in found.customers):
        click.echo("* an operation is under way; look again when it has ended")
