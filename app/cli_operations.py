"""python -m app operations: what was accepted, how far it is, and taking it up again."""

from typing import Any

import click

from app.cli_output import as_json_option, echo_facts, echo_json, echo_list, echo_table, on_database
from app.clock import Time
from app.running import provider_tools
from app.settings import Settings
from billing.errors import OperationNotFound
from models import Operation, OperationKind, OperationStatus, ProviderEffect
from operations.parked import ask_to_resume

MOST_LISTED = 1000
COLUMNS = ("id", "created_at", "kind", "status", "entity_id", "step", "takeovers", "problem")


@click.group()
def operations() -> None:
    """Look at operations, and take one up again.

    An operation is one accepted request: it ends, whatever happens meanwhile. One that stays RUNNING waits for a
    provider that is away, which `problem` names. REQUIRES_ACTION waits for the payer.
    """


@operations.command(name="list")
@click.option("--status", type=click.Choice([status.value for status in OperationStatus], case_sensitive=False))
@click.option("--kind", type=click.Choice([kind.value for kind in OperationKind], case_sensitive=False))
@click.option("--entity", metavar="ID", help="Of this customer, by your own id.")
@click.option("--limit", type=click.IntRange(1, MOST_LISTED), default=20, show_default=True)
@as_json_option
def list_operations(*, status: str | None, kind: str | None, entity: str | None, limit: int, as_json: bool) -> None:
    """The newest operations, one line each."""
    given = {"status": status and status.upper(), "kind": kind and kind.upper(), "customer__entity_id": entity}
    wanted = {name: value for name, value in given.items() if value}
    found = on_database(lambda _: _newest(wanted, limit))
    echo_list(COLUMNS, found, what="operations", as_json=as_json)


@operations.command()
@click.argument("operation_id")
@as_json_option
def show(*, operation_id: str, as_json: bool) -> None:
    """One operation: what it was asked, what it did at the providers, and why it is still running."""
    facts, effects = on_database(lambda _: _read(operation_id))
    if as_json:
        echo_json({**facts, "effects": effects})
        return
    echo_facts((name.replace("_", " "), value) for name, value in facts.items())
    click.echo("\nat the providers" if effects else "\nnothing was asked of the providers")
    if effects:
        echo_table(list(effects[0]), [list(effect.values()) for effect in effects])


@operations.command()
@click.argument("operation_id")
@as_json_option
def resume(*, operation_id: str, as_json: bool) -> None:
    """Take an operation up again: one that was given up, or one whose payer has acted.

    The running service goes on with it within a few seconds; `operations show` tells how it ends.
    """
    status = on_database(lambda settings: _resume(operation_id, settings))
    if as_json:
        echo_json({"id": operation_id, "status": status.value})
    elif status is OperationStatus.RUNNING:
        click.echo(f"{operation_id} is taken up by the running service within a few seconds")
    else:
        click.echo(f"{operation_id} still waits for its payer")


async def _newest(wanted: dict[str, Any], limit: int) -> list[tuple[Any, ...]]:
    rows = (
        await Operation.filter(**wanted)
        .order_by("-created_at", "-id")
        .limit(limit)
        .values_list(
            "id",
            "created_at",
            "kind",
            "status",
            "customer__entity_id",
            "step",
            "takeovers",
            "error_code",
            "last_problem",
        )
    )
    return [(*row[:-2], row[-2] or row[-1]) for row in rows]


async def _read(operation_id: str) -> tuple[dict[str, object], list[dict[str, object]]]:
    operation = await Operation.get_or_none(id=operation_id).select_related("customer")
    if operation is None:
        raise OperationNotFound(operation_id)
    effects = await ProviderEffect.filter(operation_id=operation_id).order_by("first_sent_at", "step", "attempt")
    return _facts(operation), [_effect(effect) for effect in effects]


async def _resume(operation_id: str, settings: Settings) -> OperationStatus:
    async with provider_tools(settings, Time.of(sandbox=settings.sandbox)) as (tools, _):
        return await ask_to_resume(operation_id, tools)


def _facts(operation: Operation) -> dict[str, object]:
    return {
        "id": operation.id,
        "kind": operation.kind.value,
        "status": operation.status.value,
        "entity_id": operation.customer.entity_id,
        "step": operation.step,
        "last_problem": operation.last_problem,
        "error": operation.error_code,
        "error_message": operation.error_message,
        "takeovers": operation.takeovers,
        "created_at": operation.created_at,
        "updated_at": operation.updated_at,
        "finished_at": operation.finished_at,
        "action_expires_at": operation.action_expires_at,
        "trace_parent": operation.trace_parent,
    }


def _effect(effect: ProviderEffect) -> dict[str, object]:
    return {
        "step": effect.step,
        "attempt": effect.attempt,
        "provider": effect.provider,
        "state": effect.state.value,
        "sends": effect.sends,
        "object_id": effect.object_id,
        "error_code": effect.error_code,
        "idempotency_key": effect.idempotency_key,
        "first_sent_at": effect.first_sent_at,
    }
