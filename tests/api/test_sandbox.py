"""Both providers are mocks: their time and their failures are set through the service."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from billing.periods import nth_period
from billing.tiers import BillingPeriod
from mock_kit.clock import Clock
from tests.api.onboarding import onboard
from tests.api.paying import codes, invoices_of
from tests.service import Service, running_service
from tests.webhooks.delivery import until

SANDBOX = """
  now aheadSeconds nextEvent { at what } faults { provider kind times hits } cards { paymentMethodId }
"""
AHEAD = timedelta(days=100)
PERIOD = """
query($id: String!) {
  customer(entityId: $id) { credits { balance } subscription { status currentPeriod { start end } } }
}
"""


@pytest.fixture
async def service(database_url: str, tmp_path: Path) -> AsyncIterator[Service]:
    """The mocks were set ahead before it started, to a noon: no test runs into midnight."""
    clock = Clock()
    clock.advance_to(datetime.combine(clock.now().date() + AHEAD, time(12), UTC))
    async with running_service(database_url, tmp_path, clock, webhooks=True, own_clock=True) as running:
        yield running


async def sandbox(service: Service) -> dict[str, Any]:
    found: dict[str, Any] = (await service.graphql(f"{{ sandbox {{ {SANDBOX} }} }}"))["sandbox"]
    return found


async def do(service: Service, name: str, **given: Any) -> dict[str, Any]:
    kind = name[0].upper() + name[1:]
    query = f"mutation($input: {kind}Input!) {{ {name}(input: $input) {{ {PAYLOAD} }} }}"
    payload: dict[str, Any] = (await service.graphql(query, input=given))[name]
    return payload


PAYLOAD = f"sandbox {{ {SANDBOX} }} userErrors {{ code field message retryable }}"


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def test_a_service_goes_by_the_time_of_the_mocks_from_its_start(service: Service) -> None:
    found = await sandbox(service)

    assert abs(timedelta(seconds=found["aheadSeconds"]) - service.clock.offset) < timedelta(seconds=30)
    assert abs(instant(found["now"]) - service.clock.now()) < timedelta(seconds=30)
    assert (found["nextEvent"], found["faults"]) == (None, [])
    assert "pm_card_visa" in [card["paymentMethodId"] for card in found["cards"]]


async def test_a_month_later_the_subscription_is_renewed_and_paid(service: Service) -> None:
    await onboard(service, "renewing", tier="PRO", paymentMethodId="pm_card_visa")
    before = (await service.graphql(PERIOD, id="renewing"))["customer"]["subscription"]["currentPeriod"]
    end = date.fromisoformat(before["end"])
    assert (await sandbox(service))["nextEvent"] == {
        "at": f"{end}T00:00:01Z",
        "what": "A billing period ends",
    }

    moved = await do(service, "advanceSandboxClock", by="NEXT_EVENT")

    assert moved["userErrors"] == []
    assert (
        timedelta(0)
        <= instant(moved["sandbox"]["now"]) - datetime.combine(end, datetime.min.time(), UTC)
        < timedelta(minutes=1)
    )

    async def renewed() -> bool:
        return [each["status"] for each in await invoices_of(service, "renewing")] == ["PAID", "PAID"]

    await until(renewed, what="the renewal is paid")
    subscription = (await service.graphql(PERIOD, id="renewing"))["customer"]["subscription"]
    following = nth_period(date.fromisoformat(before["start"]), BillingPeriod.MONTHLY, 1)
    assert subscription == {
        "status": "ACTIVE",
        "currentPeriod": {"start": before["end"], "end": following.end.isoformat()},
    }


async def test_a_day_and_a_month_are_steps_of_the_calendar(service: Service) -> None:
    today = instant((await sandbox(service))["now"]).date()

    tomorrow = instant((await do(service, "advanceSandboxClock", by="DAY"))["sandbox"]["now"]).date()
    later = instant((await do(service, "advanceSandboxClock", by="MONTH"))["sandbox"]["now"]).date()

    assert tomorrow == today + timedelta(days=1)
    assert later == nth_period(tomorrow, BillingPeriod.MONTHLY, 0).end


async def test_a_mock_fails_until_it_is_told_to_stop(service: Service) -> None:
    added = await do(service, "addSandboxFault", provider="METRONOME", kind="OUTAGE")
    assert [(fault["provider"], fault["kind"], fault["times"]) for fault in added["sandbox"]["faults"]] == [
        ("METRONOME", "OUTAGE", None)
    ]
    health = "{ serviceHealth { components { name status } } }"
    components = (await service.graphql(health))["serviceHealth"]["components"]
    assert [each["name"] for each in components if each["status"] == "DOWN"] == ["metronome"]

    cleared = (await service.graphql(f"mutation {{ clearSandboxFaults {{ {PAYLOAD} }} }}"))["clearSandboxFaults"]

    assert (cleared["sandbox"]["faults"], cleared["userErrors"]) == ([], [])


async def test_a_lost_answer_is_made_good(service: Service) -> None:
    await do(service, "addSandboxFault", provider="STRIPE", kind="LOST_ANSWERS", times=1)

    onboarded = await onboard(service, "lost", tier="PRO", paymentMethodId="pm_card_visa")

    assert (onboarded["operation"]["status"], onboarded["payment"]["status"]) == ("SUCCEEDED", "SUCCEEDED")
    assert (await sandbox(service))["faults"] == []


@pytest.mark.parametrize(("success", "status"), [(True, "PAID"), (False, "OPEN")])
async def test_a_cardholder_answers(service: Service, *, success: bool, status: str) -> None:
    asked = await onboard(service, "asked", tier="PRO", paymentMethodId="pm_card_authenticationRequired")
    assert asked["payment"]["status"] == "REQUIRES_ACTION"

    answered = await do(service, "authenticateSandboxPayment", paymentId=asked["payment"]["id"], success=success)

    assert answered["userErrors"] == []

    async def told() -> bool:
        [invoice] = await invoices_of(service, "asked")
        return (invoice["status"], invoice["payments"][0]["status"]) == (status, "SUCCEEDED" if success else "FAILED")

    await until(told, what="the answer has come back")
    again = await do(service, "authenticateSandboxPayment", paymentId=asked["payment"]["id"])
    assert codes(again) == [("PROVIDER_REJECTED", None)]


@pytest.mark.parametrize(
    ("mutation", "given", "code"),
    [
        ("advanceSandboxClock", {}, ("INVALID_INPUT", "by")),
        ("advanceSandboxClock", {"by": "DAY", "to": "2030-01-01T00:00:00Z"}, ("INVALID_INPUT", "by")),
        ("advanceSandboxClock", {"by": "NEXT_EVENT"}, ("INVALID_INPUT", "by")),
        ("advanceSandboxClock", {"to": "2020-01-01T00:00:00Z"}, ("INVALID_INPUT", "to")),
        ("advanceSandboxClock", {"to": "2199-01-01T00:00:00Z"}, ("INVALID_INPUT", "to")),
        ("addSandboxFault", {"provider": "STRIPE", "kind": "SLOW", "times": 0}, ("INVALID_INPUT", "times")),
        ("authenticateSandboxPayment", {"paymentId": "pay_none"}, ("PAYMENT_NOT_FOUND", "paymentId")),
    ],
)
async def test_what_cannot_be_done_changes_nothing(
    service: Service, mutation: str, given: dict[str, Any], code: tuple[str, str]
) -> None:
    before = await sandbox(service)

    refused = await do(service, mutation, **given)

    assert (refused["sandbox"], codes(refused)) == (None, [code])
    after = await sandbox(service)
    assert (after["aheadSeconds"], after["faults"]) == (before["aheadSeconds"], before["faults"])


async def test_with_the_time_of_somebody_else_there_is_no_sandbox(database_url: str, tmp_path: Path) -> None:
    async with running_service(database_url, tmp_path) as service:
        assert (await service.graphql(f"{{ sandbox {{ {SANDBOX} }} }}"))["sandbox"] is None
        assert codes(await do(service, "advanceSandboxClock", by="DAY")) == [("SANDBOX_ONLY", None)]
