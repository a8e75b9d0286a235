"""`python -m app sandbox` as a person runs it: real processes, real ports."""

import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.webhooks.processes import free_port

START_SECONDS = 120.0
STOP_SECONDS = 120.0

ONBOARD = """
mutation {
  onboard(input: {
    entity: { id: "user_42", type: USER, name: "Ada Lovelace", email: "ada@example.com" }
    tier: PRO, paymentMethodId: "pm_card_visa"
  }) { subscription { status } payment { status } userErrors { code } }
}
"""
CUSTOMER = '{ customer(entityId: "user_42") { metronomeCustomerId stripeCustomerId subscription { tier status } } }'
A_DAY_ON = "mutation { advanceSandboxClock(input: { by: DAY }) { userErrors { code } } }"
A_DAY_SECONDS = 86_399  # the mocks tell their offset in whole seconds
EVERYBODY = "{ customers(first: 10) { totalCount } }"


@dataclass(frozen=True, slots=True)
class Ports:
    service: int
    metronome: int
    stripe: int

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PORT": str(self.service),
            "MOCK_METRONOME_PORT": str(self.metronome),
            "MOCK_STRIPE_PORT": str(self.stripe),
        }

    def answering(self) -> list[int]:
        return [port for port in (self.service, self.metronome, self.stripe) if _answers(port)]


@dataclass(frozen=True, slots=True)
class Running:
    process: subprocess.Popen[str]
    ports: Ports
    screen: str
    """What it said until it was ready."""

    def graphql(self, query: str) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.ports.service}/graphql"
        headers = {"authorization": f"Bearer {self.key}"}
        body = httpx.post(url, json={"query": query}, headers=headers, timeout=60, trust_env=False).json()
        assert "errors" not in body, body
        data: dict[str, Any] = body["data"]
        return data

    @property
    def key(self) -> str:
        """As it is shown, ready to be pasted."""
        (found,) = re.findall(r"Bearer (bk_test_[0-9a-f]{64})'", self.screen)
        return str(found)

    def stop(self, number: signal.Signals) -> tuple[int, str]:
        """The exit status, and what it said since it was ready."""
        self.process.send_signal(number)
        rest, _ = self.process.communicate(timeout=STOP_SECONDS)
        return self.process.returncode, rest

    def child(self, module: str) -> int:
        """Its process id."""
        listing = subprocess.check_output(["ps", "-A", "-o", "pid=,ppid=,args="], text=True)  # noqa: S607 - of any system
        rows = [line.split(maxsplit=2) for line in listing.splitlines()]
        found = [pid for pid, parent, args in rows if int(parent) == self.process.pid and module in args]
        (pid,) = found
        return int(pid)


@pytest.fixture
def ports() -> Ports:
    return Ports(free_port(), free_port(), free_port())


@contextmanager
def sandbox(data_dir: Path, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """In a session of its own: without a terminal, and nothing of it can reach the tests."""
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "sandbox"],
        env={**os.environ, **environment, "DATA_DIR": str(data_dir)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()  # its children follow by themselves


@contextmanager
def running(data_dir: Path, ports: Ports) -> Iterator[Running]:
    with sandbox(data_dir, ports.environment) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith("Ctrl-C stops everything"):
                break
        screen = "".join(lines)
        assert "Ctrl-C stops everything" in screen, screen
        yield Running(process, ports, screen)


def refused(data_dir: Path, environment: Mapping[str, str]) -> tuple[int, str]:
    with sandbox(data_dir, environment) as process:
        said, _ = process.communicate(timeout=START_SECONDS)
    return process.returncode, said


def test_a_second_start_goes_on_where_the_first_was_stopped(tmp_path: Path, ports: Ports) -> None:
    with running(tmp_path, ports) as first:
        assert f"http://127.0.0.1:{ports.service}/graphql" in first.screen
        assert "(5 demo customers" in first.screen
        onboarded = first.graphql(ONBOARD)["onboard"]
        assert onboarded == {"subscription": {"status": "ACTIVE"}, "payment": {"status": "SUCCEEDED"}, "userErrors": []}
        customer = first.graphql(CUSTOMER)["customer"]
        seen_at_both_mocks(ports, customer)
        browser = who_a_browser_is(ports)
        assert (browser["kind"], browser["name"], "admin" in browser["scopes"]) == ("SESSION", "sandbox", True)
        kept = tmp_path / "sandbox.key"
        assert (kept.read_text(), stat.S_IMODE(kept.stat().st_mode)) == (f"{first.key}\n", 0o600)
        until(lambda: webhooks_taken(ports.metronome) and webhooks_taken(ports.stripe))
        assert first.graphql(A_DAY_ON)["advanceSandboxClock"] == {"userErrors": []}

        status, said = first.stop(signal.SIGINT)

    assert (status, said.splitlines()[-1]) == (
        0,
        f"billing: stopped; the next start goes on with the data in {tmp_path}",
    )
    assert ports.answering() == []

    with running(tmp_path, ports) as second:
        assert "(as you left it)" in second.screen
        assert second.key == first.key
        assert second.graphql("{ sandbox { aheadSeconds } }")["sandbox"]["aheadSeconds"] >= A_DAY_SECONDS
        assert second.graphql(EVERYBODY)["customers"]["totalCount"] == 6
        assert second.graphql(CUSTOMER)["customer"] == customer
        seen_at_both_mocks(ports, customer)

        status, _ = second.stop(signal.SIGTERM)

    assert status == 0
    assert ports.answering() == []


def who_a_browser_is(ports: Ports) -> dict[str, Any]:
    """One that was given no key, and opened a page."""
    origin = f"http://127.0.0.1:{ports.service}"
    with httpx.Client(base_url=origin, trust_env=False, timeout=60) as browser:
        browser.get("/", headers={"accept": "text/html"})
        told: dict[str, Any] = browser.get("/session", headers={"origin": origin, "x-requested-with": "tests"}).json()
    return told


def test_a_part_that_dies_is_named_and_takes_the_rest_along(tmp_path: Path, ports: Ports) -> None:
    with running(tmp_path, ports) as alive:
        os.kill(alive.child("mock_stripe"), signal.SIGKILL)
        said, _ = alive.process.communicate(timeout=STOP_SECONDS)

    log = tmp_path / "logs" / "mock-stripe.log"
    assert alive.process.returncode == 1
    assert f"billing: mock Stripe stopped by itself with status -9; see {log}" in said.splitlines()
    assert ports.answering() == []


def test_nothing_outlives_a_killed_parent(tmp_path: Path, ports: Ports) -> None:
    with running(tmp_path, ports) as alive:
        alive.process.kill()
        alive.process.wait(STOP_SECONDS)

        until(lambda: ports.answering() == [])


@pytest.mark.parametrize("setting", ["PORT", "MOCK_METRONOME_PORT", "MOCK_STRIPE_PORT"])
def test_a_taken_port_is_named_with_the_way_to_another(tmp_path: Path, ports: Ports, setting: str) -> None:
    port = int(ports.environment[setting])
    with socket.create_server(("127.0.0.1", port)):
        status, said = refused(tmp_path, ports.environment)

    assert (status, said) == (2, f"billing: port {port} is taken; choose another with {setting}=<port>\n")
    assert ports.answering() == []


def test_one_port_cannot_serve_two(tmp_path: Path, ports: Ports) -> None:
    status, said = refused(tmp_path, {**ports.environment, "MOCK_STRIPE_PORT": str(ports.service)})

    assert (status, said) == (
        2,
        f"billing: port {ports.service} is taken; choose another with MOCK_STRIPE_PORT=<port>\n",
    )


def test_a_state_that_cannot_be_read_says_which_file_to_delete(tmp_path: Path, ports: Ports) -> None:
    state = tmp_path / "mock_stripe.state"
    state.write_bytes(b"of another time")
    state.chmod(0o600)

    status, said = refused(tmp_path, ports.environment)

    assert status == 1
    assert f"{state} was written by another version; delete it to begin anew." in said
    assert re.search(r"^billing: mock Stripe stopped by itself with status 2; see ", said, re.MULTILINE)
    assert ports.answering() == []


def seen_at_both_mocks(ports: Ports, customer: Mapping[str, str]) -> None:
    for port, customer_id in (
        (ports.metronome, customer["metronomeCustomerId"]),
        (ports.stripe, customer["stripeCustomerId"]),
    ):
        page = httpx.get(f"http://127.0.0.1:{port}/", timeout=60, trust_env=False).text
        assert customer_id in page
        assert "Grace Hopper" in page


def webhooks_taken(port: int) -> bool:
    """Everything published was signed so that the service took it."""
    url = f"http://127.0.0.1:{port}/_mock/state"
    state = httpx.get(url, params={"requests": "false"}, timeout=60, trust_env=False).json()
    taken = {delivery["event_id"] for delivery in state["deliveries"] if delivery["status"] == 200}
    return len(taken) == int(state["objects"]["events"])


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
