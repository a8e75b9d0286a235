"""Copies of the SQLite files, taken beside a running service. `app.restoring` puts them back when it is stopped.

A backup is a folder: the business database, the engine's own records, and a manifest. It is written next to its place,
verified, brought to the disk, and only then given its name: a folder of that name is a whole backup.

The engine's file is copied first. What the business database then knows more, the engine is told anew by the sweep; it
is the truth, and the engine's records only a way to get on with it (see operations/engine.py). So the two fit together
whatever happened in between.
"""

import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from app.engine import ENGINE_FILE

BUSINESS_FILE = "billing.sqlite"
MANIFEST = "manifest.json"
FORMAT = 1
PAGES_AT_ONCE = 256

Tell = Callable[[int, int], None]
"""How many pages are done, of how many."""


class BackupRefused(Exception):  # noqa: N818  named for what happened, as all our errors
    """One line for the operator."""


@dataclass(frozen=True, slots=True)
class Copy:
    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    made_at: str
    migrations: list[str]
    files: list[Copy]
    format: int = FORMAT


def back_up(database: Path, into: Path, *, at: datetime, tell: Tell) -> tuple[Path, Manifest]:
    """Raises `BackupRefused`. Returns the new folder in `into`."""
    if not database.exists():
        raise BackupRefused(f"there is no database at {database}")
    name = f"billing-{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    target, partial = into / name, into / f".{name}.partial"
    if target.exists():
        raise BackupRefused(f"{target} is there already")
    try:
        into.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(mode=0o700)
        manifest = _copy_both(database, partial, at=at, tell=tell)
        write_private(partial / MANIFEST, json.dumps(asdict(manifest), indent=2).encode())
        to_disk(partial)
        partial.rename(target)
        to_disk(into)
    except (OSError, sqlite3.Error) as problem:
        shutil.rmtree(partial, ignore_errors=True)
        raise BackupRefused(f"{into} could not be written: {problem}") from problem
    return target, manifest


def verify(folder: Path) -> Manifest:
    """The manifest of a backup that is whole. Raises `BackupRefused`."""
    manifest = _manifest(folder)
    for copy in manifest.files:
        path = folder / copy.name
        if not path.exists():
            raise BackupRefused(f"{folder} lacks {copy.name}")
        if sha256_of(path) != copy.sha256:
            raise BackupRefused(f"{path} is not what was backed up: its checksum differs")
        _check_integrity(path)
    if BUSINESS_FILE not in {copy.name for copy in manifest.files}:
        raise BackupRefused(f"{folder} lacks {BUSINESS_FILE}")
    return manifest


def _copy_both(database: Path, into: Path, *, at: datetime, tell: Tell) -> Manifest:
    copies = []
    engine = database.parent / ENGINE_FILE
    if engine.exists():
        copies.append(_copy_database(engine, into / ENGINE_FILE, tell))
    copies.append(_copy_database(database, into / BUSINESS_FILE, tell))
    return Manifest(made_at=at.isoformat(), migrations=_migrations(into / BUSINESS_FILE), files=copies)


def _copy_database(source: Path, target: Path, tell: Tell) -> Copy:
    write_private(target, b"")
    with _reading(source) as original, closing(sqlite3.connect(target)) as copy:
        # One snapshot for all steps: without it, each write of the service would begin the copy anew.
        original.execute("BEGIN")
        original.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        original.backup(copy, pages=PAGES_AT_ONCE, progress=lambda _, left, total: tell(total - left, total), sleep=0)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, nothing beside it
    _check_integrity(target)
    to_disk(target)
    return Copy(target.name, target.stat().st_size, sha256_of(target))


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)) as connection:
        connection.execute("PRAGMA busy_timeout=15000")
        yield connection


def _check_integrity(path: Path) -> None:
    with _reading(path) as connection:
        try:
            (answer,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            broken = connection.execute("PRAGMA foreign_key_check").fetchone()
        except sqlite3.DatabaseError as problem:
            raise BackupRefused(f"{path} is not a database: {problem}") from problem
    if answer != "ok" or broken:
        raise BackupRefused(f"{path} is damaged: {answer if answer != 'ok' else f'foreign keys of {broken[0]}'}")


def _migrations(path: Path) -> list[str]:
    with _reading(path) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM tortoise_migrations ORDER BY id")]


def _manifest(folder: Path) -> Manifest:
    try:
        found = json.loads((folder / MANIFEST).read_bytes())
        files = [Copy(each["name"], each["size_bytes"], each["sha256"]) for each in found["files"]]
        manifest = Manifest(found["made_at"], found["migrations"], files, found["format"])
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise BackupRefused(f"{folder} is not a backup: its {MANIFEST} cannot be read") from problem
    if manifest.format != FORMAT or not {copy.name for copy in files} <= {BUSINESS_FILE, ENGINE_FILE}:
        raise BackupRefused(f"{folder} was written by another version")
    return manifest


def write_private(path: Path, content: bytes) -> None:
    """Readable by its owner alone from the first byte on."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def to_disk(path: Path) -> None:
    """A file, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
