"""A process that has imported the service and forks it: a start costs milliseconds, and is a process like any other.

Reads one JSON object a line: `{"folder": ..., "log": ..., "environment": {...}}`. Writes `{"started": pid}` for each,
in order, and `{"exited": pid, "status": n}` when one ends, where n is below zero for the signal that ended it.
"""

import gc
import json
import os
import select
import sys
import threading
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

from app.__main__ import says_what_is_wrong
from app.clock import system_now
from app.logs import configure_logs
from app.main import create_app
from app.serving import serve_app
from app.settings import load_settings
from integrations.http import provider_http_client
from schema.root import make_schema

LOOK_FOR_ENDED_SECONDS = 0.01
USED_LATER = (
    "anyio._backends._asyncio",
    "dbos._sys_db_postgres",
    "dbos._sys_db_sqlite",
    "httpcore",
    "models.backends.asyncpg",
    "models.backends.sqlite",
    "psycopg",
    "sqlalchemy.dialects.postgresql",
    "sqlalchemy.dialects.sqlite",
    "strawberry.federation.schema_directives",
    "stripe._charge",
    "stripe._customer_service",
    "stripe._event_service",
    "stripe._object_classes",
    "stripe._payment_intent_service",
    "stripe._payment_method_service",
    "stripe._refund_service",
    "stripe._setup_intent_service",
    "uvicorn.lifespan.off",
    "uvicorn.loops.uvloop",
    "uvicorn.protocols.http.httptools_impl",
    "uvicorn.protocols.websockets.auto",
    "uvloop",
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
    _serve(timedelta(seconds=int(environment.get("CLOCK_AHEAD_SECONDS", "0"))))
    sys.exit()


@says_what_is_wrong
def _serve(ahead: timedelta) -> None:
    """As `python -m app serve` does it, untraced, on a clock that may be ahead of the real one."""
    settings = load_settings()
    configure_logs(settings)
    serve_app(create_app(settings, now=lambda: system_now() + ahead), settings)


def _tell_ended() -> None:
    try:
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            _tell(exited=ended[0], status=os.waitstatus_to_exitcode(ended[1]))
    except ChildProcessError:
        return


def _tell(**news: int) -> None:
    sys.stdout.write(json.dumps(news) + "\n")
    sys.stdout.flush()


def _make_what_is_kept() -> None:
    """What a start would import, read and work out on its way, as far as that takes no thread."""
    for module in USED_LATER:
        import_module(module)
    make_schema()
    provider_http_client("http://127.0.0.1")


if __name__ == "__main__":
    _make_what_is_kept()
    gc.collect()
    gc.freeze()  # else each life's collector walks, and so copies, all that was imported
    serve_forks()
