"""A copy is one moment of the database, however long it takes and whoever writes meanwhile."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from app.backup import BUSINESS_FILE, back_up, verify

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
