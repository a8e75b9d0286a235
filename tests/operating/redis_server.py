"""A real Redis, run as in deploy/compose.yaml, on a free port: it can be killed, held, and started again there."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from redis.asyncio import Redis
from redis.exceptions import RedisError

from tests.operating.command import ROOT
from tests.webhooks.delivery import until
from tests.webhooks.processes import free_port

PASSWORD = "planted-redis-password"
DATABASE = 2


@dataclass
class RedisServer:
    program: str
    port: int
    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://:{PASSWORD}@127.0.0.1:{self.port}/{DATABASE}"

    async def start(self) -> None:
        options = {
            "--port": str(self.port),
            "--bind": "127.0.0.1",
            "--requirepass": PASSWORD,
            "--dir": str(self.folder),
            "--logfile": "redis.log",
        }
        arguments = [part for option in options.items() for part in option]
        self.process = subprocess.Popen([self.program, *as_in_compose(), *arguments])  # noqa: ASYNC220  forked at once, then waited for
        await until(self.answers, what="a Redis that answers")

    async def answers(self) -> bool:
        async with Redis.from_url(self.url) as client:
            try:
                return bool(await client.exists("anything") == 0)
            except RedisError:
                return False

    async def keys(self, *, database: int = DATABASE) -> list[str]:
        async with Redis.from_url(f"redis://:{PASSWORD}@127.0.0.1:{self.port}/{database}") as client:
            return sorted(key.decode() for key in await client.keys())

    async def forget(self) -> None:
        async with Redis.from_url(self.url) as client:
            await client.flushdb()

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def hold(self) -> None:
        """It takes connections, and answers none."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)


def as_in_compose() -> list[str]:
    compose = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text("utf-8"))
    _, *options = compose["services"]["redis"]["command"]
    return [str(option) for option in options]


@contextmanager
def redis_server(folder: Path) -> Iterator[RedisServer]:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("there is no redis-server on the PATH: apt-get install redis-server")
    server = RedisServer(program, free_port(), folder)
    try:
        yield server
    finally:
        if server.process is not None:
            server.kill()
