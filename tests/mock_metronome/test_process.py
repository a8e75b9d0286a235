"""The program as it is started."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from mock_kit.moments import format_moment
from mock_metronome.app import create_app
from tests.mock_kit.tally import Receiver, on_a_socket
from tests.mock_metronome.billing_client import CREDENTIALS, BillingClient


def start(*arguments: str, environment: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "mock_metronome", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **(environment or {})},
    )


@contextmanager
def running(*arguments: str, environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """The address that the process prints."""
    with start(*arguments, environment=environment) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            yield line.removeprefix("mock_metronome: ").strip()
        finally:
            process.terminate()


def test_serves_on_loopback_with_the_credentials_of_the_environment() -> None:
    environment = {
        "MOCK_METRONOME_PORT": "0",
        "MOCK_METRONOME_CLIENT_ID": "me",
        "MOCK_METRONOME_CLIENT_SECRET": "mine",
    }
    with running(environment=environment) as address, httpx.Client(base_url=address, trust_env=False) as http:
        own = http.post("/oauth/token", data={**CREDENTIALS, "client_id": "me", "client_secret": "mine"})
        default = http.post("/oauth/token", data=CREDENTIALS)

    assert address.startswith("http://127.0.0.1:")
    assert (own.status_code, default.status_code) == (200, 401)


def test_a_dropped_connection_leaves_no_traceback() -> None:
    with start("--port", "0") as process:
        assert process.stdout is not None
        address = process.stdout.readline().removeprefix("mock_metronome: ").strip()
        with httpx.Client(base_url=address, trust_env=False) as http:
            http.post("/_mock/faults", json={"kind": "drop_before", "path": "/health"})
            with pytest.raises(httpx.RemoteProtocolError):
                http.get("/health")
            assert http.get("/health").status_code == 200
        process.terminate()
        _, errors = process.communicate()

    assert errors == ""


def test_a_taken_port_is_told_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with start("--port", str(port)) as process:
            _, errors = process.communicate()

    assert process.returncode == 2
    (line,) = errors.splitlines()
    assert line.startswith(f"mock_metronome: port {port} on 127.0.0.1 cannot be used")
    assert line.endswith("Choose another with --port or MOCK_METRONOME_PORT.")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--host", "0.0.0.0"], "0.0.0.0 is not a loopback address"),  # noqa: S104 - what must be refused
        (["--webhook-url", "http://127.0.0.1:1/"], "--webhook-url needs --webhook-secret"),
        (["--port", "http"], "argument --port: invalid int value: 'http'"),
    ],
)
def test_a_setting_that_cannot_be_is_named(arguments: list[str], complaint: str) -> None:
    with start(*arguments) as process:
        _, errors = process.communicate()

    assert process.returncode == 2
    assert complaint in errors


async def test_the_engine_works_by_the_real_clock_without_being_asked() -> None:
    receiver = Receiver()
    with on_a_socket(receiver) as receiver_address, on_a_socket(create_app()) as address:
        async with httpx.AsyncClient(base_url=address, trust_env=False) as http:
            client = BillingClient(http)
            await client.sign_in()
            await client.control("webhooks/endpoints", url=receiver_address, secret="s")
            soon = datetime.now(UTC) + timedelta(seconds=0.5)
            await client.credit(await client.customer(), 5, expires_at=format_moment(soon))

            types = [json.loads(await asyncio.to_thread(receiver.queue.get, timeout=10))["type"] for _ in range(3)]

    assert types == ["customer.created", "credit.applied", "credit.expired"]
