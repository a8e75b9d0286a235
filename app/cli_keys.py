"""python -m app keys: who may ask for something. On the database itself, so that it works before anybody has a key."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import NoReturn, TypeVar

import click

from access.keys import create_key, is_good, revoke_key
from access.scopes import Scope
from app.clock import system_now
from app.main import MigrationsPending
from app.settings import InvalidSettings, Settings, load_settings
from billing.errors import BillingError
from models import ApiKey
from models.database import database
from models.errors import DatabaseUnavailable, InvalidDatabaseUrl
from models.migrating import pending_migrations
from schema.types.scalars import iso

T = TypeVar("T")

REFUSED = 1
"""The exit status for a request that cannot be met: an unknown key, a name that is too long."""
NOT_CONNECTED = 2
"""The exit status for what kept us from the database."""

_PROBLEMS = (InvalidSettings, InvalidDatabaseUrl, DatabaseUnavailable, MigrationsPending)


@click.group()
def keys() -> None:
    """API keys: make, list and revoke them.

    A key is sent as `Authorization: Bearer bk_...`. It is shown once, when it is made; only its hash is kept. Give each
    program a key of its own, with as few scopes as it needs, so that one can be revoked without the others:

    \b
      customers:read   every query about customers, and the subscriptions
      billing:write    onboard, change, cancel, reactivate, grant credits
      payments:write   pay, refund, payment methods
      webhooks:admin   see and replay what the providers sent
      admin            all of these, the keys themselves and the audit log
    """


@keys.command()
@click.option("--name", required=True, help="Who or what will use it.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice([scope.value for scope in Scope]),
    help="What it is good for; may be given several times.",
)
@click.option("--days", type=click.IntRange(1, 3650), help="How long it is good; without it, until it is revoked.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def create(*, name: str, scopes: tuple[str, ...], days: int | None, as_json: bool) -> None:
    """Make a key and show it, this once.

    \b
    python -m app keys create --name "web shop" --scope customers:read --scope billing:write --days 365
    """
    at = system_now()
    expires_at = None if days is None else at + timedelta(days=days)

    made = _run(
        lambda settings: create_key(
            name, [Scope(scope) for scope in scopes], live=not settings.sandbox, at=at, expires_at=expires_at
        )
    )
    secret = made.secret.get_secret_value()
    if as_json:
        click.echo(json.dumps({"key": secret, **_facts(made.row)}, indent=2))
    else:
        click.echo(secret)
        click.echo("billing: this is the only time it is shown; send it as Authorization: Bearer <key>", err=True)


@keys.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="A JSON list.")
def list_keys(*, as_json: bool) -> None:
    """Every key there was, newest first: its prefix, state, scopes and name."""
    rows = _run(lambda _: ApiKey.all().order_by("-created_at", "-id"))
    if as_json:
        click.echo(json.dumps([_facts(row) for row in rows], indent=2))
        return
    for row in rows:
        used = f"used {iso(row.last_used_at)}" if row.last_used_at else "never used"
        click.echo(f"{row.prefix}  {_state(row):8}  {used:24}  {','.join(row.scopes)}  {row.name}")


@keys.command()
@click.argument("key")
@click.option("--json", "as_json", is_flag=True, help="The key as a JSON object.")
def revoke(*, key: str, as_json: bool) -> None:
    """End a key, by its id or its prefix. It opens nothing from now on, nor do its sessions and customer tokens."""
    row = _run(lambda _: revoke_key(key, at=system_now()))
    click.echo(json.dumps(_facts(row), indent=2) if as_json else f"revoked: {row.prefix}  {row.name}")


def _facts(row: ApiKey) -> dict[str, object]:
    instants = {
        name: None if (at := getattr(row, name)) is None else iso(at)
        for name in ("created_at", "expires_at", "revoked_at", "last_used_at")
    }
    return {
        "id": row.id,
        "name": row.name,
        "prefix": row.prefix,
        "scopes": row.scopes,
        "state": _state(row),
        **instants,
    }


def _state(row: ApiKey) -> str:
    if row.revoked_at is not None:
        return "revoked"
    return "good" if is_good(row, system_now()) else "expired"


def _run(work: Callable[[Settings], Awaitable[T]]) -> T:
    async def connected() -> T:
        settings = load_settings()
        if missing := await pending_migrations(settings.database):
            raise MigrationsPending(missing)
        async with database(settings.database):
            return await work(settings)

    try:
        return asyncio.run(connected())
    except BillingError as problem:
        _end(problem, REFUSED)
    except _PROBLEMS as problem:
        _end(problem, NOT_CONNECTED)


def _end(problem: Exception, status: int) -> NoReturn:
    click.echo(f"billing: {problem}", err=True)
    sys.exit(status)
