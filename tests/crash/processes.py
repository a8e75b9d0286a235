"""The processes of a crash test: both mocks, and the service as often as it is started. All real, all on loopback."""

import asyncio
import json
import os
import signal
import sys
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 180.0
LOOK_AGAIN_SECONDS = 0.02  # into a file
ASK_AGAIN_SECONDS = 0.05  # over a socket
LOOK_THROUGH_ALL_SECONDS = 0.3  # the database and both mocks


class DidNotStart(Exception):  # noqa: N818 - named for what is wrong, as all our errors
    def __init__(self, name: str, log: str) -> None:
        super().__init__(f"{name} ended before it listened:\n{log}")


async def until(holds: Callable[[], Awaitable[bool]], *, pause_seconds: float = ASK_AGAIN_SECONDS) -> None:
    """Ask again and again, with patience: another process sets no event."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await holds():  # noqa: ASYNC110 - see above
            await asyncio.sleep(pause_seconds)


@dataclass(frozen=True)
class ServiceProcess:
    """One life of the service. `exited` becomes its exit status, below zero for the signal that ended it."""

    pid: int
    log: Path
    exited: "asyncio.Future[int]"

    def events(self, name: str) -> list[dict[str, Any]]:
        """What it logged under this name so far."""
        return [entry for entry in self._logged() if entry.get("event") == name]

    def log_text(self) -> str:
        return self.log.read_text("utf-8") if self.log.exists() else ""

    async def listening(self) -> str:
        """Its address, once it listens."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (told := self.events("service.listening")):
                if self.exited.done():
                    raise DidNotStart("the service", self.log_text())
                await asyncio.sleep(LOOK_AGAIN_SECONDS)
        return str(told[0]["url"])

    async def logged(self, name: str) -> dict[str, Any]:
        """The first event of this name, once it is there."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (told := self.events(name)):  # noqa: ASYNC110 - another process's file sets no event
                await asyncio.sleep(LOOK_AGAIN_SECONDS)
        return told[0]

    def signal(self, number: signal.Signals) -> None:
        if not self.exited.done():
            os.kill(self.pid, number)

    async def ended(self) -> int:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await asyncio.shield(self.exited)

    def _logged(self) -> list[dict[str, Any]]:
        entries = []
        for line in self.log_text().splitlines():
            with suppress(json.JSONDecodeError):  # the last line may be half written; others may not be ours
                entries.append(json.loads(line))
        return [entry for entry in entries if isinstance(entry, dict)]


@dataclass
class Launcher:
    """Starts the service, as `tests.crash.zygote` does it."""

    _process: asyncio.subprocess.Process
    _asked: deque["asyncio.Future[tuple[int, asyncio.Future[int]]]"] = field(default_factory=deque)
    _exits: dict[int, "asyncio.Future[int]"] = field(default_factory=dict)  # of those that live: pids come again

    async def start(self, *, folder: Path, log: Path, environment: Mapping[str, str]) -> ServiceProcess:
        order = {"folder": str(folder), "log": str(log), "environment": dict(environment)}
        asked: asyncio.Future[tuple[int, asyncio.Future[int]]] = asyncio.get_running_loop().create_future()
        self._asked.append(asked)
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        await self._process.stdin.drain()
        async with asyncio.timeout(PATIENCE_SECONDS):
            pid, exited = await asked
        return ServiceProcess(pid, log, exited)

    async def listen(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            news = json.loads(line)
            if "started" in news:
                self._exits[news["started"]] = asyncio.get_running_loop().create_future()
                self._asked.popleft().set_result((news["started"], self._exits[news["started"]]))
            else:
                self._exits.pop(news["exited"]).set_result(news["status"])
        for asked in self._asked:
            asked.set_exception(DidNotStart("tests.crash.zygote", "see above for why"))


@asynccontextmanager
async def launcher() -> AsyncIterator[Launcher]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.crash.zygote",
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    started = Launcher(process)
    listening = asyncio.create_task(started.listen())
    try:
        yield started
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await listening
        await process.wait()


@asynccontextmanager
async def mock(name: str, *arguments: str) -> AsyncIterator[str]:
    """A mock on a free port; yields its address."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", name, "--port", "0", *arguments, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE_SECONDS):
            told = (await process.stdout.readline()).decode()
        if not told.startswith(f"{name}: "):
            raise DidNotStart(name, told)
        yield told.removeprefix(f"{name}: ").strip()
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
