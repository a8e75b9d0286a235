"""python -m app backup / restore."""

import asyncio
import shlex
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import click

from app.backup import BUSINESS_FILE, BackupRefused, Manifest, back_up
from app.cli_output import OPERATORS_PROBLEMS, as_json_option, echo_json, progress, refuse
from app.clock import system_now
from app.engine import database_file
from app.restoring import put_back
from app.settings import Settings, load_settings
from operations.liveness import FileSlots

MIB = 1024 * 1024


@click.command()
@click.argument("into", type=click.Path(file_okay=False, path_type=Path), required=False)
@as_json_option
def backup(*, into: Path | None, as_json: bool) -> None:
    """Copy the SQLite files into a new folder in INTO (default: backups/ beside them), also while the service runs.

    The copy is one moment of the database, verified (integrity_check, foreign_key_check, checksums), and readable by
    you alone. It holds personal data: treat it so. With PostgreSQL this says which pg_dump command to use.
    """
    database = _sqlite_file(_settings(), what="pg_dump --format=custom --no-owner --file=billing.dump")
    into = into or database.parent / "backups"
    try:
        with progress("copying", total=None) as show:
            folder, manifest = back_up(database, into, at=system_now(), tell=lambda done, _: show(done))
    except BackupRefused as problem:
        refuse(str(problem))
    if as_json:
        echo_json(_facts(folder, manifest))
    else:
        size = sum(copy.size_bytes for copy in manifest.files) / MIB
        click.echo(f"{folder} ({size:.1f} MiB, verified)")


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json_option
def restore(*, folder: Path, yes: bool, as_json: bool) -> None:
    """Put a backup in the place of the SQLite files. Refuses while a service runs on them.

    The backup is verified first, what was there is set aside, not deleted, and the database is replaced in one step:
    ended anywhere before it, the old one is whole, and a second restore begins anew. What the providers were told since
    the backup was made, the restored database does not know: run `reconcile` before you let customers in again.
    """
    database = _sqlite_file(_settings(), what="pg_restore --clean --if-exists --no-owner --dbname")
    if not yes:
        if not sys.stdin.isatty():
            refuse("give --yes to replace the database without being asked")
        click.confirm(f"Replace {database} by {folder / BUSINESS_FILE}?", abort=True, err=True)
    aside = asyncio.run(_restore(folder, database))
    if as_json:
        echo_json({"database": str(database), "restored_from": str(folder), "set_aside": aside and str(aside)})
        return
    click.echo(f"{database} is as {folder} has it{f'; what was there is in {aside}' if aside else ''}")
    click.echo("next: `python -m app migrate`, start the service, then `python -m app reconcile`")


async def _restore(folder: Path, database: Path) -> Path | None:
    """Under the lock that a running service holds for as long as it lives."""
    database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    slots = FileSlots(database.parent)
    if not await slots.take(0):
        refuse(f"a service is running on {database.parent}: stop it first")
    try:
        with progress("copying", total=None) as show:
            return put_back(folder, database, at=system_now(), tell=lambda copied: show(copied // MIB))
    except BackupRefused as problem:
        refuse(str(problem))
    finally:
        await slots.close()


def _settings() -> Settings:
    try:
        return load_settings()
    except OPERATORS_PROBLEMS as problem:
        refuse(str(problem))


def _sqlite_file(settings: Settings, *, what: str) -> Path:
    if not settings.on_sqlite:
        url = shlex.quote(_without_password(settings.database))
        refuse(f"this is PostgreSQL, which has its own tools: {what} {url}")
    return database_file(settings.database)


def _without_password(url: str) -> str:
    """pg_dump asks for it, or takes it from PGPASSWORD or ~/.pgpass. Our pool's options are not its."""
    parts = urlsplit(url)
    user = f"{parts.username}@" if parts.username else ""
    port = f":{parts.port}" if parts.port else ""
    if parts.hostname:
        return f"postgresql://{user}{parts.hostname}{port}{parts.path}"
    (socket,) = parse_qs(parts.query).get("host", ["/var/run/postgresql"])
    return f"postgresql://{user}{parts.path}?host={socket}"


def _facts(folder: Path, manifest: Manifest) -> dict[str, object]:
    return {
        "folder": str(folder),
        "made_at": manifest.made_at,
        "migrations": manifest.migrations,
        "files": [{"name": copy.name, "bytes": copy.size_bytes, "sha256": copy.sha256} for copy in manifest.files],
    }
