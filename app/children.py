"""Child processes: started with a log file each, watched, and stopped together."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import click
import httpx

START_SECONDS = 60.0
STOP_SECONDS = 20.0
POLL_SECONDS = 0.1
LAST_LINES = 15

NOTABLE = re.compile(
    r"""\[(?:warning|error|critical)\s*\]          # structlog, for people
      | "level":\s*"(?:warning|error|critical)"    # structlog, as JSON
      | \b(?:WARNING|ERROR|CRITICAL|Warning|Error):
      | ^Traceback
    """,
    re.VERBOSE,
)


class Stopped(BaseException):  # not an Exception: it passes through everything that handles failures
    """SIGINT, SIGTERM or SIGHUP asked for the end."""


class ChildStopped(Exception):  # noqa: N818 - named for what is wrong, as all our errors
    def __init__(self, name: str, why: str, log: Path) -> None:
        super().__init__(f"{name} {why}; see {log}")


class LogTail:
    """What was appended to a file since the last look."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._position = 0
        self._unfinished = b""

    def new_lines(self) -> list[str]:
        with self.path.open("rb") as file:
            file.seek(self._position)
            content = self._unfinished + file.read()
            self._position = file.tell()
        *lines, self._unfinished = content.split(b"\n")
        return [line.decode(errors="replace") for line in lines]

    def last_lines(self) -> list[str]:
        return self.path.read_text("utf-8", errors="replace").splitlines()[-LAST_LINES:]


@dataclass(frozen=True, slots=True)
class Child:
    name: str
    url: str
    process: subprocess.Popen[bytes]
    log: LogTail

    def check(self) -> None:
        if (status := self.process.poll()) is not None:
            for line in self.log.last_lines():
                click.echo(f"{self.name} | {line}", err=True)
            raise ChildStopped(self.name, f"stopped by itself with status {status}", self.log.path)

    def wait_until_healthy(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._healthy():
            self.check()
            if time.monotonic() > deadline:
                raise ChildStopped(self.name, f"did not answer within {START_SECONDS:.0f} seconds", self.log.path)
            time.sleep(POLL_SECONDS)

    def tell_news(self) -> None:
        """Warnings and errors are for the terminal too; the rest is in the log."""
        for line in self.log.new_lines():
            if NOTABLE.search(line):
                click.echo(f"{self.name} | {line}", err=True)

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _healthy(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health", timeout=1, trust_env=False).is_success
        except httpx.TransportError:
            return False


class Children:
    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._children: list[Child] = []

    def start(self, name: str, url: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """In a session of its own, so that Ctrl-C reaches only us, who stop them in order."""
        path = self._logs / f"{name.lower().replace(' ', '-')}.log"
        if path.exists():
            path.replace(path.with_suffix(".log.old"))
        with path.open("wb") as log:
            process = subprocess.Popen(  # noqa: S603  our own modules
                [sys.executable, "-m", "app.child", *command],
                env={**os.environ, **environment},
                stdin=subprocess.PIPE,  # closed by our end, whatever it is: see app/child.py
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._children.append(Child(name, url, process, LogTail(path)))

    def wait_until_healthy(self) -> None:
        for child in self._children:
            child.wait_until_healthy()

    def check(self) -> None:
        for child in self._children:
            child.tell_news()
            child.check()

    def watch(self) -> None:
        """Until one of them ends, or a signal."""
        while True:
            self.check()
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """The last one first."""
        for child in reversed(self._children):
            child.stop()
            child.tell_news()

    def kill(self) -> None:
        for child in self._children:
            child.process.kill()


@contextmanager
def stopped_by_signals(children: Children) -> Iterator[None]:
    """The first signal raises `Stopped`; a second one, of somebody who does not want to wait, kills the children.

    Also where a shell without job control started us and told us to ignore SIGINT. SIGHUP stays ignored under nohup.
    """
    asked = False

    def note(_: int, __: FrameType | None) -> None:
        nonlocal asked
        if asked:
            children.kill()
        else:
            asked = True
            raise Stopped

    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, note) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
