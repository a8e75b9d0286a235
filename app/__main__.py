"""python -m app: what a person runs. Every command ends with 0 when it did what it says, 1 or 2 when it did not."""

import asyncio
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import ParamSpec

import click

from app.cli_backup import backup, restore
from app.cli_customers import customers
from app.cli_doctor import doctor
from app.cli_keys import keys
from app.cli_operations import operations
from app.cli_output import OPERATORS_PROBLEMS, as_json_option, echo_json, refuse
from app.cli_reconcile import reconcile
from app.cli_webhooks import webhooks
from app.logs import configure_logs
from app.main import create_app
from app.running import Role, check_role
from app.sandbox import run_sandbox
from app.serving import PortTaken, serve_app
from app.settings import load_settings
from app.tracing import tracing
from models.migrating import migrate as apply_migrations
from models.migrating import unwritten_migrations
from operations.liveness import TooManyWorkers
from schema.root import make_schema

P = ParamSpec("P")

SDL = Path("schema/schema.graphql")
_PROBLEMS = (*OPERATORS_PROBLEMS, PortTaken, TooManyWorkers)


def says_what_is_wrong(command: Callable[P, None]) -> Callable[P, None]:
    """What an operator can mend is told in one line, not in a stack trace."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except _PROBLEMS as problem:
            refuse(str(problem))

    return run


@click.group()
def main() -> None:
    """The billing service between Metronome and Stripe.

    Settings come from the environment and from .env; .env.example lists them all, and `doctor` checks them.

    \b
    Try it          sandbox
    Run it          migrate, then serve (on PostgreSQL also serve --no-worker, and worker)
    Is it well?     doctor, reconcile
    Look into it    customers show ID, operations list, webhooks list
    Mend it         operations resume ID, webhooks replay ID
    Keep it         backup, restore

    \b
    Exit status     0  done, and all is well
                    1  done, and what was looked at is not well
                    2  not done; standard error says why in one line
    """


@main.command()
@click.option("--no-worker", is_flag=True, help="Only GraphQL, REST and webhooks; needs PostgreSQL and a `worker`.")
@says_what_is_wrong
def serve(*, no_worker: bool) -> None:
    """Run the service: GraphQL, REST, webhooks and the worker, on HOST and PORT."""
    _run(Role.WEB if no_worker else Role.EVERYTHING)


@main.command()
@says_what_is_wrong
def worker() -> None:
    """Run the worker alone: stored events, what falls due, what others left. Serves /health and /metrics on PORT.

    Needs PostgreSQL. Several may run; each event and each operation is one worker's at a time.
    """
    _run(Role.WORKER)


def _run(role: Role) -> None:
    settings = load_settings()
    configure_logs(settings)
    check_role(settings, role)
    with tracing(settings):
        serve_app(create_app(settings, role=role), settings)


@main.command()
@says_what_is_wrong
def sandbox() -> None:
    """Run everything on this machine: the service, both provider mocks, and a little demo data the first time."""
    run_sandbox(load_settings())


@main.command()
@click.option("--check", is_flag=True, help="Write nothing; fail when a change of the models has no migration.")
@click.option("--to", default="__latest__", show_default=False, help="Stop at this migration (also backwards).")
@as_json_option
@says_what_is_wrong
def migrate(*, check: bool, to: str, as_json: bool) -> None:
    """Bring the database up to date: all that is missing in one transaction, by one process at a time.

    Make a backup before. A running service of the version before goes on meanwhile; the next one starts only after it.
    """
    if check:
        unwritten = asyncio.run(unwritten_migrations())
        for change in unwritten:
            click.echo(f"no migration says: {change}", err=True)
        if as_json:
            echo_json({"unwritten": unwritten})
        sys.exit(1 if unwritten else 0)
    applied = asyncio.run(apply_migrations(load_settings().database, to=to))
    if as_json:
        echo_json({"applied": applied})
        return
    click.echo("\n".join(applied) if applied else "The database is up to date.")


@main.command()
@click.option("--check", is_flag=True, help="Write nothing; fail when the committed file is not current.")
def sdl(*, check: bool) -> None:
    """Write the GraphQL schema to schema/schema.graphql."""
    current = make_schema().as_str() + "\n"
    if not check:
        SDL.write_text(current, encoding="utf-8")
    elif not SDL.exists() or SDL.read_text("utf-8") != current:
        click.echo(f"{SDL} is not current: run `python -m app sdl` and commit it.", err=True)
        sys.exit(1)


main.add_command(keys)
main.add_command(backup)
main.add_command(customers)
main.add_command(doctor)
main.add_command(operations)
main.add_command(reconcile)
main.add_command(restore)
main.add_command(webhooks)


if __name__ == "__main__":
    main(prog_name="python -m app")
