"""A provider is away for longer than a client waits: the onboarding is accepted, shows why it waits, and ends later."""

import pytest

from tests.api.onboarding import ONE_OF_EACH, ended, everything_of, onboard, paid, send_onboard, waiting
from tests.api.paying import charged
from tests.service import Service

SETTINGS = {"operation_wait_seconds": 0.3}


@pytest.fixture(autouse=True)
async def no_faults_left(service: Service) -> None:
    for mock in (service.metronome, service.stripe):
        await mock.clear_faults()


@pytest.mark.parametrize("away", ["metronome", "stripe"])
async def test_an_onboarding_waits_for_a_provider_and_says_so(service: Service, entity_id: str, away: str) -> None:
    mock = service.metronome if away == "metronome" else service.stripe
    await mock.fault(kind="drop_before", path="^/(api/)?v1/", times=None)

    payload = await send_onboard(service, paid(entity_id))

    assert payload["userErrors"] == []
    assert payload["operation"]["status"] == "RUNNING"
    assert payload["subscription"]["status"] == "PENDING"
    assert payload["customer"]["entityId"] == entity_id
    operation_id = payload["operation"]["id"]
    running = await waiting(service, operation_id)
    assert (running["status"], running["stage"], running["finishedAt"]) == ("RUNNING", "create_customers", None)
    assert running["lastProblem"] == f"{away} create_customer: not reached"

    await mock.clear_faults()

    operation = await ended(service, operation_id)
    assert (operation["status"], operation["lastProblem"], operation["error"]) == ("SUCCEEDED", None, None)
    assert operation["finishedAt"] is not None
    assert (await everything_of(service, entity_id)).counts == ONE_OF_EACH


async def test_asked_again_while_it_waits_the_same_operation_answers(service: Service, entity_id: str) -> None:
    await service.metronome.fault(kind="status_before", status=503, path="^/api/v1/contracts$", times=None)

    first = await send_onboard(service, paid(entity_id))
    again = await send_onboard(service, paid(entity_id))
    other = await onboard(service, entity_id, tier="TEAM")

    assert (first["operation"]["status"], again["operation"]["status"]) == ("RUNNING", "RUNNING")
    assert again["operation"]["id"] == first["operation"]["id"]
    assert [error["code"] for error in other["userErrors"]] == ["CUSTOMER_EXISTS"]
    await service.metronome.clear_faults()
    await ended(service, first["operation"]["id"])
    assert (await send_onboard(service, paid(entity_id)))["subscription"]["status"] == "ACTIVE"
    assert (await everything_of(service, entity_id)).counts == ONE_OF_EACH


async def test_an_unreachable_stripe_does_not_keep_an_unknown_payment_method_from_being_told(
    service: Service, entity_id: str
) -> None:
    """It cannot be looked up then, so it is accepted, and refused when it is attached: a warning."""
    await service.stripe.fault(kind="drop_before", path="^/v1/payment_methods/pm_missing$", times=3)

    payload = await send_onboard(service, paid(entity_id, paymentMethodId="pm_missing"))

    await ended(service, payload["operation"]["id"])
    payload = await send_onboard(service, paid(entity_id, paymentMethodId="pm_missing"))
    assert payload["userErrors"] == []
    assert [(each["code"], each["field"]) for each in payload["warnings"]] == [
        ("PAYMENT_METHOD_REJECTED", "paymentMethodId")
    ]
    assert (payload["subscription"]["status"], payload["invoice"]["status"]) == ("ACTIVE", "OPEN")
    assert await charged(service, entity_id) == []


async def test_a_definite_refusal_fails_the_operation_and_the_same_request_takes_it_up_again(
    service: Service, entity_id: str
) -> None:
    await service.metronome.fault(kind="status_before", status=400, path="^/api/v1/contracts$", times=1)
    refused = await send_onboard(service, paid(entity_id))
    failed = await ended(service, refused["operation"]["id"])
    assert (failed["status"], failed["error"]["code"]) == ("FAILED", "PROVIDER_REJECTED")

    payload = await send_onboard(service, paid(entity_id))

    await ended(service, payload["operation"]["id"])
    assert payload["operation"]["id"] != failed["id"]
    assert (await everything_of(service, entity_id)).counts == ONE_OF_EACH
