"""A process that has imported the service and forks it: a start costs milliseconds, and is a process like any other.

Reads one JSON object a line: `{"folder": ..., "log": ..., "environment": {...}}`. Writes `{"started": pid}` for each,
in order, and `{"exited": pid, "status": n}` when one ends, where n is below zero for the signal that ended it.
"""

import json
import os
import select
import sys
import threading
from importlib import import_module
from pathlib import Path
from typing import Any

from app.__main__ import main

LOOK_FOR_ENDED_SECONDS = 0.01
# What a start would import on its way.
USED_LATER = (
    "anyio._backends._asyncio",
    "httpcore",
    "models.backends.asyncpg",
    "models.backends.sqlite",
    "psycopg",
    "sqlalchemy.dialects.postgresql",
    "sqlalchemy.dialects.sqlite",
    "uvicorn.loops.auto",
    "uvicorn.protocols.http.httptools_impl",
    "uvicorn.protocols.websockets.auto",
)


def serve_forks() -> None:
    assert threading.active_count() == 1, "a fork copies only the thread it is made in"
    orders = b""
    while True:
        readable, _, _ = select.select([sys.stdin], [], [], LOOK_FOR_ENDED_SECONDS)
        if readable:
            if not (received := os.read(sys.stdin.fileno(), 65_536)):
                return
            *lines, orders = (orders + received).split(b"\n")
            for line in lines:
                _tell(started=_fork(json.loads(line)))
        _tell_ended()


def _fork(order: dict[str, Any]) -> int:
    pid = os.fork()
    if pid == 0:
        _become_service(Path(order["folder"]), Path(order["log"]), order["environment"])
    return pid


def _become_service(folder: Path, log: Path, environment: dict[str, str]) -> None:
    os.chdir(folder)  # no .env of a developer counts
    os.environ.clear()
    os.environ.update(environment)
    nothing = os.open(os.devnull, os.O_RDONLY)
    written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for number, opened in ((0, nothing), (1, written), (2, written)):
        os.dup2(opened, number)
    main(["serve"], prog_name="python -m app")  # ends by SystemExit


def _tell_ended() -> None:
    try:
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            _tell(exited=ended[0], status=os.waitstatus_to_exitcode(ended[1]))
    except ChildProcessError:
        return


def _tell(**news: int) -> None:
    sys.stdout.write(json.dumps(news) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    for module in USED_LATER:
        import_module(module)
    serve_forks()
