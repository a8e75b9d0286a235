"""What Prometheus is told, after a customer's first minutes."""

from pathlib import Path

import pytest

from models import Operation, Reconciliation
from tests.api.onboarding import onboard
from tests.operating.metrics import scrape, value, values_of
from tests.service import SERVICE, Service, running_service
from tests.webhooks.bodies import metronome_event
from tests.webhooks.delivery import Sent, deliver, until

REFUND = """
mutation($id: ID!) { refundPayment(input: {paymentId: $id}) { userErrors { code } } }
"""
PAYMENT = "query($id: String!) { customer(entityId: $id) { payments(first: 1) { id } } }"


async def test_a_paid_onboarding_and_its_refund_are_counted(database_url: str, tmp_path: Path) -> None:
    async with running_service(database_url, tmp_path) as service:
        before = await scrape(service.http)
        await onboard(service, "counted", tier="PRO", paymentMethodId="pm_card_visa")
        payment_id = (await service.graphql(PAYMENT, id="counted"))["customer"]["payments"][0]["id"]
        await service.graphql(REFUND, id=payment_id)
        after = await scrape(service.http)

    def grown(name: str, **labels: str) -> float:
        return value(after, name, **labels) - value(before, name, **labels)

    assert grown("billing_graphql_requests_total", operation="onboard", code="OK") == 1
    assert grown("billing_graphql_request_seconds_count", operation="onboard") == 1
    assert grown("billing_http_requests_total", route="/graphql", method="POST", status="200") == 3
    assert grown("billing_operations_ended_total", kind="ONBOARD", state="SUCCEEDED", code="") == 1
    assert grown("billing_operation_seconds_count", kind="REFUND") == 1
    assert grown("billing_credits_moved_total", kind="GRANT") == 10_000
    assert grown("billing_money_moved_minor_units_total", kind="PAYMENT", currency="USD") == 900
    assert grown("billing_money_moved_minor_units_total", kind="REFUND", currency="USD") == 900
    charge = {"provider": "stripe", "operation": "create_payment_intent", "outcome": "ok"}
    assert grown("billing_provider_call_seconds_count", **charge) == 1
    assert value(after, "billing_database_up") == 1


async def test_refusals_are_counted_by_their_code(sqlite_url: str, tmp_path: Path) -> None:
    async with running_service(sqlite_url, tmp_path) as service:
        before = await scrape(service.http)
        await service.stripe.fault(kind="status_before", status=503, path="^/v1/customers", times=1)
        await service.http.get("/health/ready")
        await onboard(service, "declined", tier="PRO", paymentMethodId="pm_card_chargeCustomerFail")
        await service.graphql('mutation { cancel(input: {entityId: "nobody"}) { userErrors { code } } }')
        await service.execute("{ nothing }")
        await service.execute("{ broken")
        await service.execute("fragment Only on Query { tiers { tier } }")
        after = await scrape(service.http)

    def grown(name: str, **labels: str) -> float:
        return value(after, name, **labels) - value(before, name, **labels)

    requests = "billing_graphql_requests_total"
    assert grown(requests, operation="cancel", code="CUSTOMER_NOT_FOUND") == 1
    assert grown(requests, operation="unknown", code="GRAPHQL_VALIDATION_FAILED") == 1
    assert grown(requests, operation="none", code="GRAPHQL_PARSE_FAILED") == 1
    assert grown(requests, operation="none", code="ENDED_EARLY") == 1
    charge = {"provider": "stripe", "operation": "create_payment_intent", "outcome": "declined"}
    assert grown("billing_provider_call_seconds_count", **charge) == 1


async def test_no_word_of_a_client_becomes_a_label(sqlite_url: str, tmp_path: Path) -> None:
    async with running_service(sqlite_url, tmp_path) as service:
        await service.execute("query Planted { planted: tiers { tier } } ")
        await service.execute("query Planted { plantedField }")
        await service.execute('mutation { cancel(input: {entityId: "a"}) { userErrors { code: message } } }')
        await service.http.get("/planted/path")
        await service.http.request("PLANTED", "/graphql")
        answer = await service.http.get("/metrics")
        samples = await scrape(service.http)

    assert "planted" not in answer.text.lower()
    assert values_of(samples, "operation", metric="billing_graphql_requests_total") >= {"tiers", "unknown", "cancel"}
    assert values_of(samples, "route", metric="billing_http_requests_total") >= {"/graphql", "other"}


async def test_what_is_not_done_with_is_shown_with_its_age(database_url: str, tmp_path: Path) -> None:
    async with running_service(database_url, tmp_path, operation_wait_seconds=0) as service:
        await service.stripe.fault(kind="status_before", status=503, path="^/v1/", times=None)
        await onboard(service, "waiting")
        event = metronome_event(id="evt_1", type="customer.updated", customer_id="nobody", data={"id": "nobody"})
        await deliver(service, Sent("metronome", event))
        await Reconciliation.create(
            started_at=service.clock.now(),
            finished_at=service.clock.now(),
            customers=1,
            differences_high=2,
            differences_low=3,
        )
        await until(lambda: received(service), what="the event counted")
        found = await scrape(service.http)
        await service.stripe.clear_faults()
        await until(nothing_runs, what="the operation ended")

    assert value(found, "billing_operations_open", kind="ONBOARD", state="RUNNING") == 1
    assert 0 < value(found, "billing_operations_oldest_age_seconds", kind="ONBOARD", state="RUNNING") < 60
    assert value(found, "billing_operations_given_up") == 0
    assert value(found, "billing_reconcile_differences", severity="HIGH") == 2
    assert value(found, "billing_reconcile_differences", severity="LOW") == 3
    assert values_of(found, "worker", metric="billing_worker_heartbeat_age_seconds") == {"worker-0"}


async def received(service: Service) -> bool:
    handled = value(await scrape(service.http), "billing_webhook_event_seconds_count", provider="METRONOME")
    return handled > 0


async def nothing_runs() -> bool:
    return not await Operation.filter(status="RUNNING").exists()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 403, id="no token"),
        pytest.param({"authorization": "Bearer wrong"}, 403, id="another token"),
        pytest.param({"authorization": "Bearer the-token"}, 200, id="the token"),
    ],
)
async def test_with_a_token_set_only_who_shows_it_reads_the_metrics(
    sqlite_url: str, tmp_path: Path, headers: dict[str, str], status: int
) -> None:
    async with running_service(sqlite_url, tmp_path, metrics_token="the-token") as service:
        assert (await service.http.get("/metrics", headers=headers)).status_code == status


async def test_without_a_token_this_machine_reads_them_and_nobody_through_a_proxy_on_it(
    sqlite_url: str, tmp_path: Path
) -> None:
    async with running_service(sqlite_url, tmp_path) as service:
        assert (await service.http.get(f"{SERVICE}/metrics")).status_code == 200
        forwarded = {"x-forwarded-for": "203.0.113.9"}
        assert (await service.http.get("/metrics", headers=forwarded)).status_code == 403
