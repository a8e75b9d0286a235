"""A copy is one moment of the database, whoever writes meanwhile; put back, it is there at once or not at all."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.backup import BUSINESS_FILE, BackupRefused, back_up, verify
from app.engine import ENGINE_FILE
from app.restoring import put_back
from tests.operating.command import ROOT
from tests.operating.killed_restore import DATABASE, notes

ROWS = 5_000
NOW = datetime(2028, 1, 31, 9, 30, tzinfo=UTC)


def test_what_is_written_while_it_is_copied_neither_gets_in_nor_begins_the_copy_anew(
    sqlite_url: str, tmp_path: Path
) -> None:
    database = Path(sqlite_url.removeprefix("sqlite://"))
    steps: list[int] = []
    with closing(sqlite3.connect(database, isolation_level=None)) as service:
        service.execute("CREATE TABLE note (number INTEGER PRIMARY KEY, text TEXT)")
        service.execute("BEGIN")
        service.executemany("INSERT INTO note VALUES (?, ?)", ((number, "x" * 1000) for number in range(ROWS)))
        service.execute("COMMIT")

        def write_meanwhile(done: int, _: int) -> None:
            steps.append(done)
            service.execute("UPDATE note SET text = 'changed' WHERE number = ?", (len(steps),))
            service.execute("INSERT INTO note (text) VALUES ('added')")

        folder, manifest = back_up(database, tmp_path / "kept", at=NOW, tell=write_meanwhile)

    with closing(sqlite3.connect(folder / BUSINESS_FILE)) as copy:
        assert copy.execute("SELECT count(*), count(DISTINCT text) FROM note").fetchone() == (ROWS, 1)
    assert len(steps) > 3
    assert steps == sorted(steps)
    assert folder.name == "billing-20280131T093000Z"
    assert verify(folder) == manifest


def noting(path: Path, text: str) -> sqlite3.Connection:
    """A connection whose writes stay in the log beside the file, as those of a service that was killed."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA wal_autocheckpoint=0")
    connection.execute("CREATE TABLE IF NOT EXISTS note (text TEXT)")
    connection.execute("CREATE TABLE IF NOT EXISTS tortoise_migrations (id INTEGER PRIMARY KEY, name TEXT)")
    connection.execute("INSERT INTO note VALUES (?)", (text,))
    return connection


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Both databases with the note `backed up`."""
    folder = tmp_path / "home"
    folder.mkdir()
    for name in (DATABASE, ENGINE_FILE):
        noting(folder / name, "backed up").close()
    return folder


@pytest.fixture
def kept(home: Path, tmp_path: Path) -> Path:
    folder, _ = back_up(home / DATABASE, tmp_path / "kept", at=NOW, tell=lambda *_: None)
    return folder


def test_a_restore_that_is_killed_before_its_end_leaves_the_old_database_whole(
    home: Path, kept: Path, tmp_path: Path
) -> None:
    before, after = ["backed up", "since then"], ["backed up"]
    with closing(noting(home / DATABASE, "since then")), closing(noting(home / ENGINE_FILE, "since then")):
        assert (home / f"{DATABASE}-wal").stat().st_size > 0
        done = subprocess.run(
            [sys.executable, "-m", "tests.operating.killed_restore", kept, home, tmp_path / "scratch"],
            cwd=ROOT,
            check=True,
            capture_output=True,
        )
    *killed, last = json.loads(done.stdout)

    left = [attempt["left"] for attempt in killed]
    assert len(killed) > 15
    # Old, then old with the engine's records of the backup, then new; never anything else, and never back.
    turns = [turn for place, turn in enumerate(left) if place == 0 or turn != left[place - 1]]
    assert turns == [[before, before], [before, after], [after, after]]
    assert (last["ended"], last["left"]) == (True, [after, after])
    for attempt in (*killed, last):
        assert (attempt["again"], attempt["then"]) == (True, [after, after])
        assert {name for name in attempt["files"] if not name.startswith("before-restore-")} == {DATABASE, ENGINE_FILE}


def test_what_was_there_is_set_aside_with_what_its_log_held(home: Path, kept: Path) -> None:
    noting(home / DATABASE, "since then").close()

    aside = put_back(kept, home / DATABASE, at=NOW, tell=lambda _: None)

    assert aside == home / "before-restore-20280131T093000Z"
    assert notes(aside / DATABASE) == ["backed up", "since then"]
    assert notes(home / DATABASE) == ["backed up"]


def test_a_database_that_is_damaged_is_replaced_and_set_aside_as_it_was_log_and_all(home: Path, kept: Path) -> None:
    damaged = {DATABASE: b"no database" * 1000, f"{DATABASE}-wal": b"a log", f"{DATABASE}-shm": b"its index"}
    for name, content in damaged.items():
        (home / name).write_bytes(content)

    aside = put_back(kept, home / DATABASE, at=NOW, tell=lambda _: None)

    assert aside is not None
    assert {name: (aside / name).read_bytes() for name in damaged} == damaged
    assert notes(home / DATABASE) == ["backed up"]
    assert sorted(path.name for path in home.iterdir()) == [aside.name, DATABASE, ENGINE_FILE]


def test_a_database_that_another_program_has_open_is_not_replaced(home: Path, kept: Path) -> None:
    with closing(noting(home / DATABASE, "since then")):
        with pytest.raises(BackupRefused) as refused:
            put_back(kept, home / DATABASE, at=NOW, tell=lambda _: None)

        assert notes(home / DATABASE) == ["backed up", "since then"]
    assert str(refused.value) == f"another program has {home / DATABASE} open: end it first"
    assert sorted(path.name for path in home.iterdir()) == [DATABASE, ENGINE_FILE]
