"""Everything on this machine: both provider mocks and the service, wired to each other, with a little demo data.

Three child processes, as they would run anywhere else; this one only starts, watches and stops them.
"""

import asyncio
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Self

import click
import httpx

from app.demo import load_demo_data
from app.main import FIRST_QUERY
from app.serving import listen
from app.settings import InvalidSettings, Settings
from models.migrating import migrate

START_SECONDS = 30.0
STOP_SECONDS = 20.0
POLL_SECONDS = 0.1


class ChildStopped(Exception):
    def __init__(self, name: str, status: int | None) -> None:
        super().__init__(f"{name} stopped by itself with status {status}; its last lines above say why")


@dataclass(frozen=True, slots=True)
class Child:
    name: str
    url: str
    process: subprocess.Popen[bytes]

    @classmethod
    def start(cls, name: str, url: str, command: Sequence[str], environment: Mapping[str, str]) -> Self:
        process = subprocess.Popen(  # noqa: S603  our own modules
            [sys.executable, "-m", *command], env={**os.environ, **environment}
        )
        return cls(name, url, process)

    def check(self) -> None:
        if self.process.poll() is not None:
            raise ChildStopped(self.name, self.process.returncode)

    def wait_until_healthy(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            self.check()
            try:
                if httpx.get(f"{self.url}/health", timeout=1, trust_env=False).is_success:
                    return
            except httpx.TransportError:
                time.sleep(POLL_SECONDS)
        raise ChildStopped(self.name, None)

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def run_sandbox(settings: Settings) -> None:
    """Returns after Ctrl-C or SIGTERM. Raises `ChildStopped` when one of the three ends by itself."""
    if not settings.sandbox:
        raise InvalidSettings("METRONOME_API_URL and STRIPE_API_BASE name real providers; the sandbox is for the mocks")
    _check_ports(settings)
    _say(f"data in {settings.data_dir.absolute()}")
    asyncio.run(migrate(settings.database))
    with ExitStack() as stack:
        children = _start(settings, stack)
        _show(settings, loaded=load_demo_data(f"{_url(settings.port)}/graphql"))
        _watch(children)


def _check_ports(settings: Settings) -> None:
    for port, setting in (
        (settings.port, "PORT"),
        (settings.mock_metronome_port, "MOCK_METRONOME_PORT"),
        (settings.mock_stripe_port, "MOCK_STRIPE_PORT"),
    ):
        listen("127.0.0.1", port, setting=setting).close()


def _start(settings: Settings, stack: ExitStack) -> list[Child]:
    metronome_secret, stripe_secret = secrets.token_hex(32), f"whsec_{secrets.token_hex(24)}"
    client_secret = settings.metronome_credentials().client_secret.get_secret_value()
    mocks = [
        Child.start(
            "mock Metronome",
            _url(settings.mock_metronome_port),
            ["mock_metronome", "--port", str(settings.mock_metronome_port)],
            {
                "MOCK_METRONOME_CLIENT_SECRET": client_secret,
                "MOCK_METRONOME_WEBHOOK_URL": f"{_url(settings.port)}/webhooks/metronome",
                "MOCK_METRONOME_WEBHOOK_SECRET": metronome_secret,
            },
        ),
        Child.start(
            "mock Stripe",
            _url(settings.mock_stripe_port),
            ["mock_stripe", "--port", str(settings.mock_stripe_port)],
            {
                "MOCK_STRIPE_WEBHOOK_URL": f"{_url(settings.port)}/webhooks/stripe",
                "MOCK_STRIPE_WEBHOOK_SECRET": stripe_secret,
            },
        ),
    ]
    service = Child.start(
        "the service",
        _url(settings.port),
        ["app", "serve"],
        {"METRONOME_WEBHOOK_SECRET": metronome_secret, "STRIPE_WEBHOOK_SECRET": stripe_secret},
    )
    children = [*mocks, service]
    for child in children:  # stopped in the opposite order: the service first, while both providers still answer
        stack.callback(child.stop)
    for child in children:
        child.wait_until_healthy()
    return children


def _watch(children: Sequence[Child]) -> None:
    with _stop_signals() as stopped:
        while not stopped:
            for child in children:
                child.check()
            time.sleep(POLL_SECONDS)
    _say("stopping")


@contextmanager
def _stop_signals() -> Iterator[list[int]]:
    received: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        received.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _show(settings: Settings, *, loaded: int) -> None:
    service = _url(settings.port)
    click.echo(
        f"""
  GraphiQL        {service}/graphql      press the button to onboard a first customer
  REST            {service}/api/customers
  Ready           {service}/health/ready
  mock Metronome  {_url(settings.mock_metronome_port)}/
  mock Stripe     {_url(settings.mock_stripe_port)}/
  {"Demo data: " + str(loaded) + " customers" if loaded else "The data of the last run is still there"}

  Paste this into GraphiQL:

{_indented(FIRST_QUERY)}
  Ctrl-C stops everything.
"""
    )


def _indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.partition("\n\nquery")[0].splitlines() if not line.startswith("#"))


def _say(sentence: str) -> None:
    click.echo(f"billing: {sentence}")


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}"
