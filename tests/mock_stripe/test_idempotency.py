import asyncio
from typing import Any

import httpx
import pytest
import stripe

from tests.mock_stripe.conftest import BASE, World, code, refusal
from tests.mock_stripe.sdk_client import connect

FORM = {
    "amount": "1000",
    "currency": "usd",
    "confirm": "true",
    "payment_method": "pm_card_visa",
    "allowed_payment_method_types[]": "card",
}
HEADERS = {"authorization": "Bearer sk_test_1", "idempotency-key": "k1"}


async def fault(world: World, kind: str, **more: Any) -> None:
    await world.control("POST", "faults", {"kind": kind, "path": "/v1/payment_intents", "method": "POST", **more})


async def charges(world: World) -> int:
    return (await world.counts())["charges"]


async def test_the_same_key_answers_the_same_and_charges_once(world: World) -> None:
    first = await world.http.post("/v1/payment_intents", data=FORM, headers=HEADERS)
    second = await world.http.post("/v1/payment_intents", data=FORM, headers=HEADERS)
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.content == second.content
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert second.headers["original-request"] == first.headers["request-id"]
    assert second.headers["request-id"] != first.headers["request-id"]
    assert second.headers["idempotency-key"] == "k1"
    assert await charges(world) == 1


async def test_a_decline_is_replayed_without_asking_the_bank_again(world: World) -> None:
    first = await refusal(world.pay(None, "pm_card_chargeCustomerFail", key="k1"))
    second = await refusal(world.pay(None, "pm_card_chargeCustomerFail", key="k1"))
    assert isinstance(second, stripe.CardError)
    assert first.json_body == second.json_body
    assert await charges(world) == 1


async def test_a_stored_500_is_replayed_too(world: World) -> None:
    await fault(world, "status_after", status=500, stored=True)
    for _ in range(2):
        response = await world.http.post("/v1/payment_intents", data=FORM, headers=HEADERS)
        assert response.status_code == 500
        assert response.json()["error"]["type"] == "api_error"
    assert response.headers["idempotent-replayed"] == "true"
    assert await charges(world) == 1


async def test_a_refusal_on_the_account_s_state_is_replayed(world: World) -> None:
    headers = {**HEADERS, "idempotency-key": "k2"}
    missing = {**FORM, "customer": "cus_unknown"}
    for replayed in (None, "true"):
        response = await world.http.post("/v1/payment_intents", data=missing, headers=headers)
        assert (response.status_code, response.headers.get("idempotent-replayed")) == (404, replayed)


@pytest.mark.parametrize("form", [{"amount": "1000"}, {**FORM, "shoe": "9"}, {**FORM, "amount": "49"}])
async def test_a_validation_error_is_not_stored(world: World, form: dict[str, str]) -> None:
    refused = await world.http.post("/v1/payment_intents", data=form, headers=HEADERS)
    assert refused.status_code == 400
    paid = await world.http.post("/v1/payment_intents", data=FORM, headers=HEADERS)
    assert paid.json()["status"] == "succeeded"


async def test_a_401_and_a_429_are_not_stored(world: World) -> None:
    response = await world.http.post("/v1/payment_intents", data=FORM, headers={"idempotency-key": "k1"})
    assert response.status_code == 401
    await fault(world, "status_before", status=429)
    error = await refusal(world.pay(None, "pm_card_visa", key="k1"))
    assert isinstance(error, stripe.RateLimitError)
    assert code(error) == "rate_limit"
    assert (await world.pay(None, "pm_card_visa", key="k1")).status == "succeeded"


async def test_other_parameters_under_the_same_key_are_a_mismatch(world: World) -> None:
    await world.pay(None, "pm_card_visa", key="k1")
    error = await refusal(world.pay(None, "pm_card_visa", key="k1", amount=2000))
    assert isinstance(error, stripe.IdempotencyError)
    assert error.http_status == 400
    error = await refusal(world.v1.customers.create_async({}, {"idempotency_key": "k1"}))
    assert isinstance(error, stripe.IdempotencyError)
    assert await charges(world) == 1


async def test_keys_belong_to_an_api_key(world: World) -> None:
    other = {**HEADERS, "authorization": "Bearer sk_test_2"}
    await world.http.post("/v1/payment_intents", data=FORM, headers=HEADERS)
    await world.http.post("/v1/payment_intents", data=FORM, headers=other)
    assert await charges(world) == 2


async def test_keys_have_at_most_255_characters(world: World) -> None:
    for length, status in ((255, 200), (256, 400)):
        response = await world.http.post("/v1/customers", headers={**HEADERS, "idempotency-key": "k" * length})
        assert response.status_code == status


async def test_keys_mean_nothing_to_a_read(world: World) -> None:
    for path in ("/v1/customers", "/v1/charges"):
        response = await world.http.get(path, headers=HEADERS)
        assert (response.status_code, "idempotent-replayed" in response.headers) == (200, False)


async def test_a_key_is_forgotten_after_a_day(world: World) -> None:
    first = await world.pay(None, "pm_card_visa", key="k1")
    await world.control("POST", "clock", {"advance_seconds": 24 * 3600 - 1})
    assert (await world.pay(None, "pm_card_visa", key="k1")).id == first.id
    await world.control("POST", "clock", {"advance_seconds": 1})
    assert (await world.pay(None, "pm_card_visa", key="k1")).id != first.id
    assert await charges(world) == 2


async def test_of_parallel_requests_with_one_key_one_runs_and_the_others_are_told_so(world: World) -> None:
    await fault(world, "delay", delay_ms=50)
    outcomes = await asyncio.gather(
        *(world.pay(None, "pm_card_visa", key="k1") for _ in range(3)), return_exceptions=True
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, stripe.APIError)]
    assert [error.http_status for error in refused] == [409, 409]
    assert [code(error) for error in refused] == ["idempotency_key_in_use"] * 2
    assert await charges(world) == 1


@pytest.mark.parametrize("kind", ["drop_after", "html_after", "not_json_after"])
async def test_an_answer_lost_after_execution_is_found_again_under_its_key(world: World, kind: str) -> None:
    await fault(world, kind)
    lost = await refusal(world.pay(None, "pm_card_visa", key="k1"))
    assert isinstance(lost, stripe.APIConnectionError | stripe.APIError)
    assert await charges(world) == 1

    found = await world.pay(None, "pm_card_visa", key="k1")

    assert found.status == "succeeded"
    assert found.last_response is not None
    assert found.last_response.headers["idempotent-replayed"] == "true"
    assert await charges(world) == 1


@pytest.mark.parametrize(
    ("kind", "replayed"),
    [("drop_before", None), ("html_before", None), ("drop_after", "true"), ("status_after", "true")],
)
async def test_the_sdk_s_own_retries_pay_exactly_once(world: World, kind: str, replayed: str | None) -> None:
    await fault(world, kind)
    retrying = connect(world.http, base=BASE, retries=2)
    intent = await retrying.v1.payment_intents.create_async(
        {
            "amount": 1000,
            "currency": "usd",
            "confirm": True,
            "payment_method": "pm_card_visa",
            "allowed_payment_method_types": ["card"],
        }
    )
    assert intent.status == "succeeded"
    assert intent.last_response is not None
    assert intent.last_response.headers.get("idempotent-replayed") == replayed
    assert await charges(world) == 1


async def test_a_client_that_gave_up_waiting_finds_the_payment_done(world: World) -> None:
    await fault(world, "timeout_after", delay_ms=1)
    with pytest.raises(httpx.ReadTimeout):
        await world.http.post("/v1/payment_intents", data=FORM, headers=HEADERS)
    again = await world.http.post("/v1/payment_intents", data=FORM, headers=HEADERS)
    assert (again.json()["status"], again.headers["idempotent-replayed"]) == ("succeeded", "true")
    assert await charges(world) == 1


async def test_the_journal_tells_key_replay_and_fault_and_hides_card_data(world: World) -> None:
    await world.pay(None, "pm_card_visa", key="k1")
    await world.pay(None, "pm_card_visa", key="k1")
    await world.v1.payment_methods.create_async(
        {"type": "card", "card": {"number": "4242424242424242", "exp_month": 12, "exp_year": 2030, "cvc": "123"}}
    )
    requests = (await world.control("GET", "state"))["requests"]
    assert [(one["idempotency_key"], one["replayed"], one["status"]) for one in requests[:2]] == [
        ("k1", False, 200),
        ("k1", True, 200),
    ]
    assert "4242424242424242" not in str(requests)


async def test_a_reset_forgets_objects_keys_and_events(world: World) -> None:
    first = await world.pay(None, "pm_card_visa", key="k1")
    await world.control("POST", "reset", {})
    assert set((await world.counts()).values()) == {0}
    assert code(await refusal(world.v1.payment_intents.retrieve_async(first.id))) == "resource_missing"
    assert (await world.pay(None, "pm_card_visa", key="k1")).id != first.id
