"""Putting a backup in the place of the SQLite files: at once, or not at all.

The new files are brought to the disk beside the old ones, and copies of the old ones too, before any of those is
touched. Then the engine's records are replaced, and last, by one rename, the business database. Ended anywhere before
that, the old database is whole; the engine's records may then be older than it, as they are in every backup.
"""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from app.backup import BUSINESS_FILE, BackupRefused, Manifest, sha256_of, to_disk, verify, write_private
from app.engine import ENGINE_FILE

WORKPLACE = ".restoring"
BESIDE = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a database: an old log must never meet a new database."""
CHUNK_BYTES = 1024 * 1024
WAIT_SECONDS = 1.0
DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
TAKEN = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)

Tell = Callable[[int], None]
"""How many bytes are copied."""


def put_back(folder: Path, database: Path, *, at: datetime, tell: Tell) -> Path | None:
    """Raises `BackupRefused`: then the database is as it was. Returns the folder with copies of what was there.

    The caller holds the lock that a running service would hold.
    """
    manifest = verify(folder)
    home = database.parent
    live = {ENGINE_FILE: home / ENGINE_FILE, BUSINESS_FILE: database}  # in the order in which they are replaced
    aside = home / f"before-restore-{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    try:
        with _workplace(home) as workplace:
            copier = _Copier(tell)
            _bring(folder, manifest, workplace, copier)
            was_there = _set_aside(live.values(), workplace / aside.name, copier)
            for file in live.values():
                _settle(file)
            if was_there:
                (workplace / aside.name).rename(aside)
            to_disk(home)
            for name, file in live.items():
                _replace(file, by=workplace / name)
    except OSError as problem:
        raise BackupRefused(f"{home} could not be written: {problem}") from problem
    return aside if was_there else None


@contextmanager
def _workplace(home: Path) -> Iterator[Path]:
    """Beside the database, so that a file gets into its place by a rename. One that was left is cleared."""
    folder = home / WORKPLACE
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Copier:
    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._done_bytes = 0

    def copy(self, source: Path, target: Path) -> None:
        """On the disk when this returns."""
        write_private(target, b"")
        with source.open("rb") as original, target.open("wb") as copy:
            while chunk := original.read(CHUNK_BYTES):
                copy.write(chunk)
                self._done_bytes += len(chunk)
                self._tell(self._done_bytes)
            copy.flush()
            os.fsync(copy.fileno())


def _bring(folder: Path, manifest: Manifest, workplace: Path, copier: _Copier) -> None:
    for copy in manifest.files:
        incoming = workplace / copy.name
        copier.copy(folder / copy.name, incoming)
        if sha256_of(incoming) != copy.sha256:
            raise BackupRefused(f"{copy.name} was not copied as it is: is the disk sound?")


def _settle(path: Path) -> None:
    """Brings all that was committed into the one file. One that is too damaged for it stays as it is."""
    if not path.exists():
        return
    try:
        with closing(sqlite3.connect(path, timeout=WAIT_SECONDS)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # finishes what a crash left
            connection.execute("PRAGMA journal_mode=DELETE").fetchone()  # for this it must be the only connection
    except sqlite3.DatabaseError as problem:
        code = problem.sqlite_errorcode & 0xFF
        if code in TAKEN:
            raise BackupRefused(f"another program has {path} open: end it first") from problem
        if code not in DAMAGED:
            raise BackupRefused(f"{path} cannot be closed in good order: {problem}") from problem


def _set_aside(files: Iterable[Path], aside: Path, copier: _Copier) -> bool:
    """Before SQLite touches them: of a damaged database it throws the log away."""
    there = [path for file in files for path in (file, *_beside(file)) if path.exists()]
    aside.mkdir(mode=0o700)
    for path in there:
        copier.copy(path, aside / path.name)
    to_disk(aside)
    return bool(there)


def _replace(file: Path, *, by: Path) -> None:
    for left_over in _beside(file):
        left_over.unlink(missing_ok=True)
    if by.exists():
        by.replace(file)
    else:
        file.unlink(missing_ok=True)
    to_disk(file.parent)


def _beside(file: Path) -> list[Path]:
    return [file.with_name(file.name + suffix) for suffix in BESIDE]
