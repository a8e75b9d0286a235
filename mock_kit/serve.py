"""Run a sandbox on a loopback port."""

import ipaddress
import logging
import signal
import socket
import sys
from pathlib import Path
from types import FrameType

import uvicorn

from mock_kit.faults import AnswerWithheld, ConnectionDropped
from mock_kit.sandbox import Sandbox
from mock_kit.state_file import StateUnusable

CANNOT_START = 2
GRACE_SECONDS = 1
KEEP_ALIVE_SECONDS = 75
"""As a provider's edge: longer than any client keeps an idle connection, so none is asked while it is being closed."""


def serve(
    app: Sandbox,
    *,
    name: str,
    port: int,
    host: str = "127.0.0.1",
    port_setting: str = "--port",
    state_path: Path | None = None,
) -> int:
    """Serve until SIGINT or SIGTERM; the exit code. Port 0 takes any free one; the line printed first tells which.

    `state_path`: a file to go on from, and to keep what is known in.
    """
    if not _is_loopback(host):
        return _refuse(f"{name}: {host} is not a loopback address; a sandbox without real authentication stays local.")
    try:
        listener = _listen(host, port)
    except (OSError, OverflowError) as error:
        return _refuse(f"{name}: port {port} on {host} cannot be used ({error}). Choose another with {port_setting}.")
    server = _server(app)
    with listener:
        try:
            if state_path:
                app.keep_in(state_path, name=name)
        except StateUnusable as problem:
            return _refuse(f"{name}: {problem}")
        address = f"[{host}]" if ":" in host else host
        print(f"{name}: http://{address}:{listener.getsockname()[1]}", flush=True)  # noqa: T201 - where it listens
        server.run(sockets=[listener])
    return 0


def _server(app: Sandbox) -> uvicorn.Server:
    """One that a signal stops at any time: before it runs, while it runs, and when it raises the signal once more."""
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )

    def stop(_: int, __: FrameType | None) -> None:
        server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    return server


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except BaseException:
        listener.close()
        raise
    return listener


def _refuse(sentence: str) -> int:
    print(sentence, file=sys.stderr)  # noqa: T201 - the one line that says why it does not start
    return CANNOT_START


def _is_news(record: logging.LogRecord) -> bool:
    """Answers lost on purpose are in the journal, and need no traceback."""
    return not (record.exc_info and isinstance(record.exc_info[1], ConnectionDropped | AnswerWithheld))
