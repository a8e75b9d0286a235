"""One trace, from the caller's request to the providers and back through their webhooks, whoever does the work."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from tests.crash.processes import mock
from tests.keys import AS_ADMIN
from tests.operating.collector import Collector, collector
from tests.service import STRIPE_WEBHOOK_SECRET
from tests.webhooks.delivery import until
from tests.webhooks.processes import ServiceProcess, free_port, service_process

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
HEADERS = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
ONBOARD = """
mutation {
  onboard(input: {
    entity: {id: "traced", type: USER, name: "Ada", email: "ada@example.com"}
    tier: PRO
    paymentMethodId: "pm_card_visa"
  }) { operation { id status } }
}
"""
OPERATIONS = '{ operations(first: 1, filter: {entityId: "traced"}) { nodes { status } } }'


async def test_a_trace_goes_from_the_request_through_the_operation_to_the_providers_whoever_runs_it(
    sqlite_url: str, tmp_path: Path
) -> None:
    port = free_port()
    webhooks = ("--webhook-url", f"http://127.0.0.1:{port}/webhooks/stripe", "--webhook-secret", STRIPE_WEBHOOK_SECRET)
    with collector() as received:
        async with mock("mock_metronome") as metronome, mock("mock_stripe", *webhooks) as stripe:
            environment = {
                "METRONOME_API_URL": metronome,
                "STRIPE_API_BASE": stripe,
                "OTEL_EXPORTER_OTLP_ENDPOINT": received.url,
                "OPERATION_WAIT_SECONDS": "0",
                "DRAIN_SECONDS": "1",
                "LOG_LEVEL": "debug",
            }
            async with httpx.AsyncClient(base_url=stripe, trust_env=False, timeout=60) as control:
                fault = {"kind": "status_before", "status": 503, "path": "^/v1/customers", "times": None}
                await control.post("/_mock/faults", json=fault)
                with service_process(sqlite_url, tmp_path, port=port, environment=environment) as first:
                    await first.until_healthy()
                    accepted = await ask(first, ONBOARD)
                    assert accepted["onboard"]["operation"]["status"] == "RUNNING"
                    await until(lambda: said(first, "operation.provider_unavailable"), what="a call that failed")
                    await stop(first)
                before = len(received.spans)
                await control.delete("/_mock/faults")
            with service_process(sqlite_url, tmp_path, port=port, environment=environment) as second:
                await until(lambda: onboarded(second), what="the operation ended")
                await until(lambda: said(second, "webhook.done"), what="a webhook handled")
                await stop(second)

    assert_first_life(received)
    assert_second_life(received, before)


def assert_first_life(received: Collector) -> None:
    (answered,) = received.named("graphql onboard")
    assert (answered.trace, received.ancestors(answered)) == (TRACE, ["POST /graphql"])
    tried = next(span for span in received.named("stripe create_customer") if span.failed)
    assert tried.trace == TRACE
    assert tried.failed == "Unavailable"
    operation = received.named("operation ONBOARD")[0]
    assert received.ancestors(operation)[0] == "graphql onboard"


def assert_second_life(received: Collector, before: int) -> None:
    """What the first life left goes on below what the caller asked."""
    later = received.spans[before:]
    charged = next(span for span in later if span.name == "stripe create_payment_intent")
    assert charged.trace == TRACE
    assert received.ancestors(charged)[:2] == ["operation ONBOARD", "graphql onboard"]
    handled = next(span for span in later if span.name == "webhook stripe handled")
    assert received.ancestors(handled)[:2] == ["webhook stripe received", "POST /webhooks/stripe"]


def test_without_an_endpoint_nothing_of_opentelemetry_is_imported() -> None:
    imported = (
        "import sys, app.__main__, app.settings, app.tracing\n"
        "with app.tracing.tracing(app.settings.Settings(_env_file=None)):\n"
        "    print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )

    said = subprocess.run([sys.executable, "-c", imported], capture_output=True, text=True, check=True).stdout

    assert said == "[]\n"


async def onboarded(service: ServiceProcess) -> bool:
    if not await service.healthy():
        return False
    nodes = (await ask(service, OPERATIONS))["operations"]["nodes"]
    return [node["status"] for node in nodes] == ["SUCCEEDED"]


async def ask(service: ServiceProcess, query: str) -> dict[str, Any]:
    """As a caller does who is traced."""
    async with httpx.AsyncClient(
        base_url=service.url, headers={**AS_ADMIN, **HEADERS}, timeout=60, trust_env=False
    ) as http:
        data: dict[str, Any] = (await http.post("/graphql", json={"query": query})).json()["data"]
        return data


async def said(service: ServiceProcess, event: str) -> bool:
    return event in service.log.read_text()


async def stop(service: ServiceProcess) -> None:
    service.process.send_signal(signal.SIGTERM)
    await service.until_dead()
    assert service.process.returncode == 0, service.log.read_text()
