"""The program as it is started."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from mock_kit.moments import format_moment
from mock_metronome.app import create_app
from tests.mock_kit.kept import until_written
from tests.mock_kit.tally import Receiver, on_a_socket
from tests.mock_metronome.billing_client import CREDENTIALS, BillingClient, Json, rows, text


def start(*arguments: str, environment: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "mock_metronome", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **(environment or {})},
    )


@contextmanager
def running(
    *arguments: str, environment: Mapping[str, str] | None = None, ended_by: signal.Signals = signal.SIGTERM
) -> Iterator[str]:
    """The address that the process prints."""
    with start(*arguments, environment=environment) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            yield line.removeprefix("mock_metronome: ").strip()
        finally:
            process.send_signal(ended_by)


def test_serves_on_loopback_with_the_credentials_of_the_environment() -> None:
    environment = {
        "MOCK_METRONOME_PORT": "0",
        "MOCK_METRONOME_CLIENT_ID": "me",
        "MOCK_METRONOME_CLIENT_SECRET": "mine",
    }
    with (
        running(environment=environment) as address,
        httpx.Client(base_url=address, trust_env=False, timeout=60) as http,
    ):
        own = http.post("/oauth/token", data={**CREDENTIALS, "client_id": "me", "client_secret": "mine"})
        default = http.post("/oauth/token", data=CREDENTIALS)

    assert address.startswith("http://127.0.0.1:")
    assert (own.status_code, default.status_code) == (200, 401)


def test_a_dropped_connection_leaves_no_traceback() -> None:
    with start("--port", "0") as process:
        assert process.stdout is not None
        address = process.stdout.readline().removeprefix("mock_metronome: ").strip()
        with httpx.Client(base_url=address, trust_env=False, timeout=60) as http:
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
        (["--state", "/nowhere/state"], "/nowhere/state cannot be used: No such file or directory."),
        (["--state", "x", "--seed", "1"], "--seed would make the ids again that --state knows already"),
    ],
)
def test_a_setting_that_cannot_be_is_named(arguments: list[str], complaint: str) -> None:
    with start(*arguments) as process:
        _, errors = process.communicate()

    assert process.returncode == 2
    assert complaint in errors


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_without_noise(number: signal.Signals) -> None:
    with start("--port", "0") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(number)
        rest, errors = process.communicate(timeout=60)

    assert (process.returncode, rest, errors) == (0, "", "")


def pro_contract(customer_id: str) -> Json:
    return {
        "customer_id": customer_id,
        "tier": "pro",
        "billing_period": "monthly",
        "start_date": "2026-01-01T00:00:00Z",
        "uniqueness_key": "u",
    }


async def test_what_was_kept_survives_a_kill(tmp_path: Path) -> None:
    state = tmp_path / "metronome"
    with running("--port", "0", "--state", str(state), ended_by=signal.SIGKILL) as address:
        async with httpx.AsyncClient(base_url=address, trust_env=False, timeout=60) as http:
            client = BillingClient(http)
            await client.control("clock", advance_seconds=100_000_000, frozen=True)
            await client.sign_in()
            customer = await client.customer()
            contract = await client.post("contracts", pro_contract(customer), key="k")
            before = [await client.get(path) for path in ("customers", "contracts", "webhooks/events")]
            clock = (await http.get("/_mock/clock")).json()["now"]
            token = http.headers["authorization"]
            await until_written(state, holds=text(rows(before[2])[-1], "id"))

    with running(environment={"MOCK_METRONOME_PORT": "0", "MOCK_METRONOME_STATE": str(state)}) as address:
        async with httpx.AsyncClient(
            base_url=address, trust_env=False, headers={"authorization": token}, timeout=60
        ) as http:
            client = BillingClient(http)
            assert [await client.get(path) for path in ("customers", "contracts", "webhooks/events")] == before
            assert (await http.get("/_mock/clock")).json()["now"] == clock
            assert await client.post("contracts", pro_contract(customer), key="k") == contract
            assert (await client.post("contracts", pro_contract(customer), status=409))["code"] == "UniquenessKeyUsed"
            await client.control("clock", advance_seconds=31 * 86_400)
            await client.sign_in()
            assert {invoice["contract_id"] for invoice in await client.all("invoices")} == {contract["id"]}


async def test_the_engine_works_by_the_real_clock_without_being_asked() -> None:
    receiver = Receiver()
    with on_a_socket(receiver) as receiver_address, on_a_socket(create_app()) as address:
        async with httpx.AsyncClient(base_url=address, trust_env=False, timeout=60) as http:
            client = BillingClient(http)
            await client.sign_in()
            await client.control("webhooks/endpoints", url=receiver_address, secret="s")
            customer = await client.customer()
            soon = datetime.now(UTC) + timedelta(seconds=2)
            await client.credit(customer, 5, expires_at=format_moment(soon))

            types = [json.loads(await asyncio.to_thread(receiver.queue.get, timeout=60))["type"] for _ in range(3)]

    assert types == ["customer.created", "credit.applied", "credit.expired"]
