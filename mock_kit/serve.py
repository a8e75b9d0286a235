"""Run a sandbox on a loopback port."""

import ipaddress
import logging
import socket
import sys
from contextlib import suppress

import uvicorn

from mock_kit.faults import AnswerWithheld, ConnectionDropped
from mock_kit.sandbox import Sandbox

CANNOT_START = 2


def serve(app: Sandbox, *, name: str, port: int, host: str = "127.0.0.1", port_setting: str = "--port") -> int:
    """Serve until a signal; the exit code. Port 0 takes any free one; the line printed first tells which."""
    if not _is_loopback(host):
        return _refuse(f"{name}: {host} is not a loopback address; a sandbox without real authentication stays local.")
    try:
        listener = _listen(host, port)
    except (OSError, OverflowError) as error:
        return _refuse(f"{name}: port {port} on {host} cannot be used ({error}). Choose another with {port_setting}.")
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    address = f"[{host}]" if ":" in host else host
    print(f"{name}: http://{address}:{listener.getsockname()[1]}", flush=True)  # noqa: T201 - where it listens
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=1)
    with suppress(KeyboardInterrupt), listener:
        uvicorn.Server(config).run(sockets=[listener])
    return 0


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
