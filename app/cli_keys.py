"""python -m app keys: who may ask for something. On the database itself, so that it works before anybody has a key."""

from datetime import timedelta

import click

from access.keys import create_key, is_good, revoke_key
from access.scopes import Scope
from app.cli_output import as_json_option, echo_json, echo_table, on_database
from app.clock import system_now
from models import ApiKey
from schema.types.scalars import iso


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
@as_json_option
def create(*, name: str, scopes: tuple[str, ...], days: int | None, as_json: bool) -> None:
    """Make a key and show it, this once.

    \b
    python -m app keys create --name "web shop" --scope customers:read --scope billing:write --days 365
    """
    at = system_now()
    expires_at = None if days is None else at + timedelta(days=days)

    made = on_database(
        lambda settings: create_key(
            name, [Scope(scope) for scope in scopes], live=not settings.sandbox, at=at, expires_at=expires_at
        )
    )
    secret = made.secret.get_secret_value()
    if as_json:
        echo_json({"key": secret, **_facts(made.row)})
    else:
        click.echo(secret)
        click.echo("billing: this is the only time it is shown; send it as Authorization: Bearer <key>", err=True)


@keys.command(name="list")
@as_json_option
def list_keys(*, as_json: bool) -> None:
    """Every key there was, newest first: its prefix, state, scopes and name."""
    rows = on_database(lambda _: ApiKey.all().order_by("-created_at", "-id"))
    if as_json:
        echo_json([_facts(row) for row in rows])
        return
    if rows:
        columns = ("prefix", "state", "last used", "scopes", "name")
        echo_table(
            columns, [(row.prefix, _state(row), row.last_used_at, ",".join(row.scopes), row.name) for row in rows]
        )


@keys.command()
@click.argument("key")
@as_json_option
def revoke(*, key: str, as_json: bool) -> None:
    """End a key, by its id or its prefix. It opens nothing from now on, nor do its sessions and customer tokens."""
    row = on_database(lambda _: revoke_key(key, at=system_now()))
    if as_json:
        echo_json(_facts(row))
    else:
        click.echo(f"revoked: {row.prefix}  {row.name}")


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
