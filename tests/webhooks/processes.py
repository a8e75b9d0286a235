"""The service as a process of its own, to be killed."""

import os
import random
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from mock_kit.serve import KEEP_ALIVE_SECONDS
from tests.service import (
    METRONOME_WEBHOOK_SECRET,
    PATIENT_ENVIRONMENT,
    STRIPE_WEBHOOK_SECRET,
    UNLIMITED_ENVIRONMENT,
)
from tests.webhooks.delivery import until

START_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class ServiceProcess:
    url: str
    process: subprocess.Popen[bytes]
    log: Path

    async def healthy(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=2) as http:
                return (await http.get(f"{self.url}/health")).is_success
        except httpx.TransportError:
            return False

    async def until_healthy(self) -> None:
        await until(self.healthy, what="a healthy service", seconds=START_SECONDS)

    async def until_dead(self) -> None:
        await until(self.is_dead, what="the end of the process", seconds=START_SECONDS)

    async def is_dead(self) -> bool:
        return self.process.poll() is not None

    def kill(self) -> None:
        """As `kill -9` does."""
        self.process.kill()
        self.process.wait()


@contextmanager
def service_process(
    database_url: str,
    folder: Path,
    *,
    port: int,
    environment: Mapping[str, str] | None = None,
    command: Sequence[str] = ("serve",),
) -> Iterator[ServiceProcess]:
    settings = {**service_environment(database_url, folder, port=port), **(environment or {})}
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".log", delete=False) as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "app", *command], env={**os.environ, **settings}, stdout=log, stderr=log
        )
    try:
        yield ServiceProcess(f"http://127.0.0.1:{port}", process, Path(log.name))
    finally:
        process.kill()
        process.wait()


def service_environment(database_url: str, folder: Path, *, port: int) -> dict[str, str]:
    """Nobody listens where it looks for the two providers."""
    return {
        "DATABASE_URL": database_url,
        "DATA_DIR": str(folder),
        "PORT": str(port),
        "MOCK_METRONOME_PORT": str(free_port()),
        "MOCK_STRIPE_PORT": str(free_port()),
        "METRONOME_WEBHOOK_SECRET": METRONOME_WEBHOOK_SECRET,
        "STRIPE_WEBHOOK_SECRET": STRIPE_WEBHOOK_SECRET,
        "WEBHOOK_LEASE_SECONDS": "3",
        "KEEP_ALIVE_SECONDS": str(KEEP_ALIVE_SECONDS),
        **UNLIMITED_ENVIRONMENT,
        **PATIENT_ENVIRONMENT,
    }


def free_port() -> int:
    """One that nobody else has when it is bound, be it much later, or again and again.

    It is below those that the system hands out by itself, and whoever holds the port above it may use it.
    """
    while True:
        port = random.randrange(20_000, 32_000, 2)
        holder = socket.socket()
        try:
            holder.bind(("127.0.0.1", port + 1))
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            holder.close()
        else:
            holder.detach()  # held until this process ends
            return port
