"""Providers that fail in the middle of an onboarding, in every way they can: it ends with one of everything."""

import asyncio
from typing import Any

import pytest

from tests.api.onboarding import ONE_OF_EACH, everything_of, follow, onboard, paid, send_onboard
from tests.service import Mock, Service

SETTINGS = {"operation_wait_seconds": 60, "request_timeout_seconds": 90}

METRONOME_CALLS = {
    "customer": "^/api/v1/customers$",
    "contract": "^/api/v1/contracts$",
    "credits": "^/api/v1/credits$",
    "invoice": "^/api/v1/invoices$",
    "invoice paid": "^/api/v1/invoices/[^/]+/pay$",
}
STRIPE_CALLS = {
    "customer": "^/v1/customers$",
    "payment method": "^/v1/payment_methods/[^/]+/attach$",
    "default payment method": "^/v1/customers/[^/]+$",
    "payment": "^/v1/payment_intents$",
}

FAULTS: dict[str, dict[str, Any]] = {
    "no connection": {"kind": "drop_before"},
    "no answer, nothing done": {"kind": "timeout_before", "delay_ms": 1},
    "no answer, but done": {"kind": "timeout_after", "delay_ms": 1},
    "answer lost": {"kind": "drop_after"},
    "500, nothing done": {"kind": "status_before", "status": 500},
    "500, but done": {"kind": "status_after", "status": 500},
    "503 to be stored under the key": {"kind": "status_before", "status": 503, "stored": True},
    "500 stored under the key, but done": {"kind": "status_after", "status": 500, "stored": True},
    "a gateway's page": {"kind": "html_before"},
    "a gateway's page, but done": {"kind": "html_after"},
    "half an answer": {"kind": "not_json_after"},
    "too many requests": {"kind": "status_before", "status": 429},
}
CLIENTS_OWN_ATTEMPTS = 3


async def test_customers_come_through_a_storm_of_every_fault_at_every_call(service: Service, entity_id: str) -> None:
    for fault in FAULTS.values():
        await _fault_every_call(service, fault)
    entity_ids = [f"{entity_id}.{place}" for place in range(len(FAULTS))]

    payloads = await asyncio.gather(*(send_onboard(service, paid(each)) for each in entity_ids))

    outcomes = [(each["operation"]["status"], each["subscription"]["status"], each["warnings"]) for each in payloads]
    assert outcomes == [("SUCCEEDED", "ACTIVE", [])] * len(FAULTS)
    assert [payload["invoice"]["status"] for payload in payloads] == ["PAID"] * len(FAULTS)
    assert [(await everything_of(service, each)).counts for each in entity_ids] == [ONE_OF_EACH] * len(FAULTS)
    assert await _unspent(service) == []


@pytest.mark.parametrize("fault", ["no answer, but done", "500, but done", "half an answer"])
async def test_what_was_done_without_our_knowing_is_looked_up_and_adopted(
    service: Service, entity_id: str, fault: str
) -> None:
    """The answer stays away for as long as the client asks again by itself."""
    mock = {"no answer, but done": service.metronome}.get(fault, service.stripe)
    call = METRONOME_CALLS["invoice"] if mock is service.metronome else STRIPE_CALLS["payment"]
    await mock.fault(**FAULTS[fault], path=call, method="POST", times=CLIENTS_OWN_ATTEMPTS)

    payload = await send_onboard(service, paid(entity_id))

    assert payload["invoice"]["status"] == "PAID"
    assert (await everything_of(service, entity_id)).counts == ONE_OF_EACH
    steps = (await follow(service, payload["operation"]["id"]))["steps"]
    assert {(step["attempt"], step["sends"], step["state"]) for step in steps} == {(1, 1, "DONE")}
    assert await _unspent(service) == []


@pytest.fixture(autouse=True)
async def no_faults_left(service: Service) -> None:
    for mock in (service.metronome, service.stripe):
        await mock.clear_faults()


async def _fault_every_call(service: Service, fault: dict[str, Any]) -> None:
    for mock, calls in ((service.metronome, METRONOME_CALLS), (service.stripe, STRIPE_CALLS)):
        for path in calls.values():
            await mock.fault(**fault, path=path, method="POST", times=1)


async def _unspent(service: Service) -> list[str]:
    return [path for mock in (service.metronome, service.stripe) for path in await _unspent_of(mock)]


async def _unspent_of(mock: Mock) -> list[str]:
    faults = (await mock.http.get("/_mock/faults")).json()
    return [fault["path"] for fault in faults["data"] if not fault["spent"]]


async def test_a_customer_who_paid_is_live_although_metronome_refuses_to_hear_of_it(
    service: Service, entity_id: str
) -> None:
    await service.metronome.fault(method="POST", path="/pay$", kind="status_before", status=422)

    payload = await onboard(service, entity_id, tier="PRO", paymentMethodId="pm_card_visa")

    assert payload["operation"]["status"] == "SUCCEEDED"
    assert payload["subscription"]["status"] == "ACTIVE"
    assert (payload["invoice"]["status"], payload["payment"]["status"]) == ("PAID", "SUCCEEDED")
    assert [warning["code"] for warning in payload["warnings"]] == ["PROVIDER_REJECTED"]
