"""A program: the same restore again and again, killed before its first change of the disk, then its second, and so on.

    python -m tests.operating.killed_restore <backup> <home> <scratch>

`home` is the folder of the database that is to be replaced; each attempt is made on a copy in `scratch`. Tells what
each attempt left, as JSON.
"""

import json
import os
import shutil
import signal
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from app.engine import ENGINE_FILE
from app.restoring import put_back

DATABASE = "billing.db"
AT = datetime(2028, 1, 31, 9, 30, tzinfo=UTC)
CHANGES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "sqlite3.connect"}


def attempts(backup: Path, home: Path, scratch: Path) -> Iterator[dict[str, object]]:
    """The last one comes to its end by itself."""
    for changes in count():
        shutil.rmtree(scratch, ignore_errors=True)
        shutil.copytree(home, scratch)
        ended = restored(backup, scratch, changes)
        yield {
            "ended": ended,
            "left": [notes(scratch / name) for name in (DATABASE, ENGINE_FILE)],
            "again": restored(backup, scratch, None),
            "then": [notes(scratch / name) for name in (DATABASE, ENGINE_FILE)],
            "files": sorted(path.name for path in scratch.iterdir()),
        }
        if ended:
            return


def restored(backup: Path, home: Path, changes: int | None) -> bool:
    """In a process of its own, which is killed when it is about to make one change more."""
    child = os.fork()
    if child == 0:
        if changes is not None:
            sys.addaudithook(Killing(home, changes))
        at = AT if changes is not None else AT + timedelta(minutes=1)
        put_back(backup, home / DATABASE, at=at, tell=lambda _: None)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


class Killing:
    def __init__(self, home: Path, changes: int) -> None:
        self.home = str(home)
        self.left = changes

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if is_change(event, arguments) and any(self.home in str(argument) for argument in arguments):
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            self.left -= 1


def is_change(event: str, arguments: tuple[Any, ...]) -> bool:
    return event in CHANGES or (event == "open" and bool(arguments[2] & (os.O_WRONLY | os.O_RDWR)))


def notes(path: Path) -> list[str]:
    """Of a database that is whole."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return [text for (text,) in connection.execute("SELECT text FROM note ORDER BY text")]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(list(attempts(*map(Path, sys.argv[1:])))))
