"""One remote change, whatever the provider answers: the real onboarding against the mocks' faults."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from models import Customer, EffectState, Invoice, Operation, OperationStatus, Payment, PaymentStatus, ProviderEffect
from tests.api.onboarding import onboard
from tests.service import Service, running_service

INTENTS = {"method": "POST", "path": "^/v1/payment_intents$"}


@pytest.fixture
async def service(database_url: str, tmp_path: Path) -> AsyncIterator[Service]:
    """One for each test: they count what was sent."""
    async with running_service(database_url, tmp_path) as running:
        yield running


async def attempts(step: str) -> list[tuple[int, EffectState, str | None]]:
    return await ProviderEffect.filter(step=step).order_by("attempt").values_list("attempt", "state", "error_code")


async def keys_sent(service: Service, path: str) -> list[str]:
    """In order, our operation's id left out."""
    sent = await service.stripe.requests("POST", path)
    return [entry["idempotency_key"].partition(":")[2] for entry in sent]


async def succeeded_charges(service: Service) -> int:
    intents = (await service.stripe.http.get("/v1/payment_intents", headers=AUTHORIZED)).json()["data"]
    return sum(intent["status"] == "succeeded" for intent in intents)


AUTHORIZED = {"Authorization": "Bearer sk_test_sandbox"}


async def paid(service: Service, payment_method_id: str = "pm_card_visa") -> dict[str, Any]:
    return await onboard(service, "user_1", tier="PRO", paymentMethodId=payment_method_id)


@pytest.mark.parametrize("kind", ["status_before", "status_after", "drop_before", "drop_after", "html_after"])
async def test_an_answer_that_does_not_tell_is_asked_for_again_under_the_same_key(service: Service, kind: str) -> None:
    await service.stripe.fault(**INTENTS, kind=kind, times=4)

    payload = await paid(service)

    assert payload["payment"]["status"] == "SUCCEEDED"
    assert set(await keys_sent(service, "/v1/payment_intents")) == {"payment_1:1"}
    assert await succeeded_charges(service) == 1
    assert await attempts("payment_1") == [(1, EffectState.DONE, None)]


async def test_a_stored_failure_that_did_nothing_is_followed_by_a_new_key_that_was_written_down_first(
    service: Service,
) -> None:
    await service.stripe.fault(**INTENTS, kind="status_before", stored=True)

    payload = await paid(service)

    assert payload["payment"]["status"] == "SUCCEEDED"
    assert list(dict.fromkeys(await keys_sent(service, "/v1/payment_intents"))) == ["payment_1:1", "payment_1:2"]
    assert await succeeded_charges(service) == 1
    assert await attempts("payment_1") == [
        (1, EffectState.REFUSED, "stored_failure"),
        (2, EffectState.DONE, None),
    ]


async def test_a_stored_failure_of_a_charge_that_was_made_is_looked_up_and_adopted(service: Service) -> None:
    await service.stripe.fault(**INTENTS, kind="status_after", stored=True)

    payload = await paid(service)

    assert payload["payment"]["status"] == "SUCCEEDED"
    assert set(await keys_sent(service, "/v1/payment_intents")) == {"payment_1:1"}
    assert await succeeded_charges(service) == 1
    assert await attempts("payment_1") == [(1, EffectState.DONE, None)]


async def test_a_look_up_that_is_refused_says_nothing_of_the_charge(service: Service) -> None:
    """Taken for a refusal of the charge, it would leave a customer who paid with a failed payment."""
    await service.stripe.fault(**INTENTS, kind="drop_after", times=3)
    await service.stripe.fault(method="GET", path="^/v1/payment_intents$", kind="status_before", status=404)

    payload = await paid(service)

    assert payload["payment"]["status"] == "SUCCEEDED"
    assert payload["invoice"]["status"] == "PAID"
    assert await succeeded_charges(service) == 1


async def test_a_refusal_is_recorded_and_never_sent_again(service: Service) -> None:
    payload = await paid(service, "pm_card_chargeCustomerFail")
    (operation,) = await Operation.all()

    assert payload["payment"]["status"] == "FAILED"
    assert await attempts("payment_1") == [(1, EffectState.REFUSED, "card_declined")]
    assert await keys_sent(service, "/v1/payment_intents") == ["payment_1:1"]
    assert operation.status is OperationStatus.SUCCEEDED


async def test_each_step_names_the_request_that_the_provider_can_look_up(service: Service) -> None:
    await service.stripe.fault(**INTENTS, kind="status_before", times=2)

    await paid(service)

    steps = {row.step: row async for row in ProviderEffect.all()}
    asked = [*await service.stripe.log(), *await service.metronome.log()]
    names = {each["idempotency_key"]: each["request_id"] for each in asked if each["status"] == 200}
    assert {row.provider for row in steps.values()} == {"STRIPE", "METRONOME"}
    assert {step: row.request_id for step, row in steps.items()} == {
        step: names[row.idempotency_key] for step, row in steps.items()
    }
    assert None not in names.values()


async def test_a_refused_step_names_the_request_that_was_refused(service: Service) -> None:
    await paid(service, "pm_card_chargeCustomerFail")

    (refused,) = await service.stripe.requests("POST", "/v1/payment_intents")
    row = await ProviderEffect.get(step="payment_1")
    assert (row.state, row.request_id) == (EffectState.REFUSED, refused["request_id"])
    assert refused["request_id"].startswith("req_")


async def test_a_customer_created_by_a_call_that_was_not_answered_is_found_although_search_lags(
    service: Service,
) -> None:
    await service.stripe.fault(method="POST", path="^/v1/customers$", kind="drop_after", times=3)
    await service.stripe.fault(method="GET", path="/search$", kind="status_before", status=503, times=2)

    payload = await paid(service)

    customers = (await service.stripe.http.get("/v1/customers", headers=AUTHORIZED)).json()["data"]
    assert [customer["id"] for customer in customers] == [payload["customer"]["stripeCustomerId"]]


async def test_what_stands_in_our_rows_is_written_once_however_often_it_was_sent(service: Service) -> None:
    for path in ("/customers$", "/contracts$", "/credits$", "/invoices$", "/pay$"):
        await service.metronome.fault(method="POST", path=path, kind="drop_after", times=3)

    await paid(service)

    (customer,) = await Customer.all()
    assert customer.credit_balance == 10_000
    assert await Invoice.filter(customer_id=customer.id).count() == 1
    assert await Payment.filter(customer_id=customer.id, status=PaymentStatus.SUCCEEDED).count() == 1
    assert await ProviderEffect.exclude(state=EffectState.DONE).count() == 0
