"""What is logged: one line of JSON for each event, with the ids of what it is about, and nobody's secrets."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from app.clock import system_now
from tests.crash.processes import mock
from tests.keys import ADMIN_KEY, AS_ADMIN
from tests.service import METRONOME_WEBHOOK_SECRET
from tests.webhooks.bodies import encoded, metronome_event
from tests.webhooks.delivery import metronome_headers, until
from tests.webhooks.processes import free_port, service_process

PLANTED = {
    "STRIPE_SECRET_KEY": "sk_test_plantedStripeKey",
    "METRONOME_WEBHOOK_SECRET": METRONOME_WEBHOOK_SECRET,
    "METRICS_TOKEN": "planted-metrics-token",
    "STRIPE_WEBHOOK_SECRET": "whsec_plantedEndpointSecret",
}
NAME, EMAIL = "Ada Plantagenet", "ada.planted+tag@example.co.uk"
ONBOARD = """
mutation($input: OnboardInput!) {
  onboard(input: $input) { operation { id status } customer { id } userErrors { code } }
}
"""
FLOWS = (
    "mutation($id: String!) { changeTier(input: {entityId: $id, newTier: TEAM}) { userErrors { code } } }",
    'mutation($id: String!) { grantCredits(input: {entityId: $id, amount: 5, reason: "x"}) { userErrors { code } } }',
    "mutation($id: String!) { cancel(input: {entityId: $id}) { userErrors { code } } }",
    "query($id: String!) { customer(entityId: $id) { name email nothingOfThisName } }",
    "query($id: String!) { customer(entityId: $id) { name email subscription { tier } } }",
)


async def test_the_main_flows_log_no_secret_and_no_personal_data(sqlite_url: str, tmp_path: Path) -> None:
    async with mock("mock_metronome") as metronome, mock("mock_stripe") as stripe:
        settings = {**PLANTED, "METRONOME_API_URL": metronome, "STRIPE_API_BASE": stripe, "LOG_LEVEL": "debug"}
        with service_process(sqlite_url, tmp_path, port=free_port(), environment=settings) as service:
            await service.until_healthy()
            async with httpx.AsyncClient(base_url=service.url, timeout=60, trust_env=False, headers=AS_ADMIN) as http:
                onboarded = await flows(http)
                assert await deliver(http, signed=True) == 200
                assert await deliver(http, signed=False) == 400
            await until(lambda: logged(service.log, "webhook.ended"), what="the event handled")
            text, lines = service.log.read_text(), events(service.log)

    planted = [*PLANTED.values(), ADMIN_KEY, *NAME.split(), EMAIL, "pm_card_visa_secret", "payer@planted.example"]
    assert [secret for secret in planted if secret in text] == []
    assert re.findall(r"sk_test_\w+|whsec_\w+|Bearer \S+|[\w.]+@[\w.]+\.\w+", text) == []
    assert_ids(lines, onboarded)


def assert_ids(lines: list[dict[str, Any]], onboarded: dict[str, Any]) -> None:
    """What happened for one request can be followed from line to line."""
    (ended,) = [line for line in lines if line["event"] == "operation.succeeded" and line["kind"] == "ONBOARD"]
    (begun,) = [line for line in lines if line["event"] == "operation.running" and line["kind"] == "ONBOARD"]
    assert (begun["operation"], begun["customer"]) == (onboarded["operation"]["id"], onboarded["customer"]["id"])
    assert begun["request_id"] == ended["request_id"] == "the-request"
    steps = [line for line in lines if line["event"] == "operation.step_done"]
    assert {step["request_id"] for step in steps if step["operation"] == begun["operation"]} == {"the-request"}
    (handled,) = [line for line in lines if line["event"] == "webhook.ended"]
    assert handled["webhook_event"].startswith("whe_")


async def flows(http: httpx.AsyncClient) -> dict[str, Any]:
    entity = {"id": "planted_1", "type": "USER", "name": NAME, "email": EMAIL}
    given = {"entity": entity, "tier": "PRO", "paymentMethodId": "pm_card_visa"}
    answer = await http.post(
        "/graphql", json={"query": ONBOARD, "variables": {"input": given}}, headers={"x-request-id": "the-request"}
    )
    onboarded: dict[str, Any] = answer.json()["data"]["onboard"]
    assert onboarded["operation"]["status"] == "SUCCEEDED"
    for flow in FLOWS:
        assert (await http.post("/graphql", json={"query": flow, "variables": {"id": "planted_1"}})).is_success
    twice = {**given, "entity": {**entity, "id": "planted_2", "email": f"not an address {EMAIL}"}}
    assert (await http.post("/graphql", json={"query": ONBOARD, "variables": {"input": twice}})).is_success
    assert (await http.get("/api/customers")).is_success
    return onboarded


async def deliver(http: httpx.AsyncClient, *, signed: bool) -> int:
    """An event of a customer nobody knows, with an address in it."""
    customer = {"id": "nobody", "email": "payer@planted.example", "name": NAME}
    raw = encoded(metronome_event(id="evt_planted", type="customer.updated", customer_id="nobody", data=customer))
    headers = metronome_headers(raw, at=system_now())
    if not signed:
        headers["metronome-webhook-signature"] = "0" * 64
    return (await http.post("/webhooks/metronome", content=raw, headers=headers)).status_code


def test_whatever_is_logged_by_whomever_is_redacted(tmp_path: Path) -> None:
    said = run_with_logs(
        """
        import logging, structlog, warnings
        structlog.get_logger().warning("told", sentence="sk_live_abc of a@b.io", email="x", nested={"k": ["rk_1"]})
        logging.getLogger("somebody").warning("Bearer %s for %s", "abcdef", "postgresql://me:hunter2@host/db")
        logging.getLogger("httpx").info("GET https://host/?key=secret")
        warnings.warn("of whsec_abc")
        try:
            raise ValueError("my oauth-secret-of-six, pi_1_secret_2")
        except ValueError:
            structlog.get_logger().exception("failed")
        """,
        tmp_path,
    )

    told, somebody, warned, failed = [json.loads(line) for line in said.splitlines()]
    assert told["sentence"] == "[redacted] of [redacted]"
    assert told["email"] == "[redacted]"
    assert told["nested"] == {"k": ["[redacted]"]}
    assert somebody["event"] == "Bearer [redacted] for postgresql://[redacted]@host/db"
    assert (somebody["level"], somebody["logger"]) == ("warning", "somebody")
    assert "UserWarning: of [redacted]" in warned["event"]
    assert failed["exception"].endswith("ValueError: my [redacted], [redacted]")


def test_with_log_format_text_a_line_is_for_people(tmp_path: Path) -> None:
    said = run_with_logs('import structlog; structlog.get_logger().info("told", by="a@b.example")', tmp_path, "text")

    assert said.split()[-2:] == ["told", "by=[redacted]"]


def run_with_logs(code: str, folder: Path, log_format: str = "auto") -> str:
    """What a process with our logs writes to standard error, which is no terminal."""
    begin = "import app.logs, app.settings; app.logs.configure_logs(app.settings.load_settings())"
    lines = [line.removeprefix("        ") for line in code.splitlines()]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join([begin, *lines])],
        env={
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "LOG_FORMAT": log_format,
            "METRONOME_OAUTH_CLIENT_ID": "me",
            "METRONOME_OAUTH_CLIENT_SECRET": "oauth-secret-of-six",
        },
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stderr


async def logged(log: Path, name: str) -> bool:
    return any(line["event"] == name for line in events(log))


def events(log: Path) -> list[dict[str, Any]]:
    """Every line is one JSON object; the last may be half written."""
    return [json.loads(line) for line in log.read_text().splitlines(keepends=True) if line.endswith("\n")]
