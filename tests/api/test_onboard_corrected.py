"""An onboarding that a provider refused: other input takes its place, with what exists already, and nothing twice."""

import asyncio
from typing import Any

import pytest

import models
from operations.reconcile import compare
from tests.api.changing import Customers
from tests.api.onboarding import ONE_OF_EACH, ended, everything_of, paid, person, send_onboard
from tests.api.paying import charged
from tests.service import Service

CORRECTED: dict[str, Any] = {"name": "Ada King", "email": "king@example.com", "metadata": {"team": "engine"}}


async def _refused(service: Service, entity_id: str, provider: str, path: str, **given: Any) -> None:
    mock = service.metronome if provider == "metronome" else service.stripe
    await mock.fault(method="POST", kind="status_before", status=400, path=f"{path}$", times=1)
    payload = await send_onboard(service, {**paid(entity_id), **given})
    await ended(service, payload["operation"]["id"])
    customer = await models.Customer.get(entity_id=entity_id)
    assert await models.Operation.get(customer_id=customer.id).values_list("status", "error_code") == (
        "FAILED",
        "PROVIDER_REJECTED",
    )


async def _agree(service: Service, entity_id: str) -> None:
    await Customers(service).agree(entity_id)


@pytest.mark.parametrize(
    ("provider", "path"),
    [("stripe", "/v1/customers"), ("metronome", "/api/v1/customers"), ("metronome", "/api/v1/contracts")],
    ids=["stripe customer", "metronome customer", "contract"],
)
async def test_corrected_input_takes_its_place_everywhere(
    service: Service, entity_id: str, provider: str, path: str
) -> None:
    wrong = person(entity_id, metadata={"team": "wheel", "desk": "4"})
    await _refused(service, entity_id, provider, path, entity=wrong)

    payload = await send_onboard(service, {**paid(entity_id), "entity": person(entity_id, **CORRECTED), "tier": "TEAM"})
    payload = await send_onboard(service, {**paid(entity_id), "entity": person(entity_id, **CORRECTED), "tier": "TEAM"})

    assert payload["userErrors"] == payload["warnings"] == []
    assert payload["operation"]["status"] == "SUCCEEDED"
    shown = payload["customer"]
    assert (shown["name"], shown["email"], shown["metadata"]) == tuple(CORRECTED.values())
    assert (payload["subscription"]["tier"], payload["subscription"]["status"]) == ("TEAM", "ACTIVE")
    assert shown["credits"]["balance"] == 50_000
    found = await everything_of(service, entity_id)
    assert found.counts == ONE_OF_EACH
    [ours], [theirs] = found.metronome_customers, found.stripe_customers
    assert (ours["name"], ours["email"], ours["metadata"]) == tuple(CORRECTED.values())
    assert (theirs["name"], theirs["email"]) == (CORRECTED["name"], CORRECTED["email"])
    assert theirs["metadata"] == {"team": "engine", "entity_id": entity_id}
    assert await charged(service, entity_id) == [2900]
    await _agree(service, entity_id)


async def test_the_card_of_the_refused_one_is_not_charged(service: Service, entity_id: str) -> None:
    await _refused(service, entity_id, "metronome", "/api/v1/contracts")

    payload = await send_onboard(service, {**paid(entity_id), "paymentMethodId": "pm_card_mastercard"})

    assert [card["brand"] for card in payload["customer"]["paymentMethods"]] == ["mastercard"]
    found = await everything_of(service, entity_id)
    assert found.counts == ONE_OF_EACH
    assert [charge["payment_method_details"]["card"]["brand"] for charge in found.charges] == ["mastercard"]
    await _agree(service, entity_id)


async def test_without_a_card_this_time_nothing_is_charged(service: Service, entity_id: str) -> None:
    await _refused(service, entity_id, "metronome", "/api/v1/contracts")

    payload = await send_onboard(service, {**paid(entity_id), "paymentMethodId": None})

    assert (payload["subscription"]["status"], payload["invoice"]["status"]) == ("ACTIVE", "OPEN")
    assert payload["customer"]["paymentMethods"] == []
    assert await charged(service, entity_id) == []
    await _agree(service, entity_id)


async def test_what_metronome_cannot_change_is_refused_by_field(service: Service, entity_id: str) -> None:
    await _refused(service, entity_id, "stripe", "/v1/customers")

    payload = await send_onboard(service, {**paid(entity_id), "entity": person(entity_id, type="ORGANIZATION")})

    [error] = payload["userErrors"]
    assert (error["code"], error["field"], payload["operation"]) == ("INVALID_INPUT", "entity.type", None)
    assert await models.Operation.filter(customer__entity_id=entity_id).count() == 1


async def test_of_many_corrections_at_once_one_takes_its_place(service: Service, entity_id: str) -> None:
    await _refused(service, entity_id, "metronome", "/api/v1/contracts")
    tiers = ["PRO", "TEAM", "FREE"] * 5

    payloads = await asyncio.gather(*(send_onboard(service, {**paid(entity_id), "tier": tier}) for tier in tiers))

    won = {payload["operation"]["id"]: payload for payload in payloads if payload["operation"]}
    assert len(won) == 1
    [winner] = won.values()
    assert winner["operation"]["status"] == "SUCCEEDED"
    lost = [payload["userErrors"] for payload in payloads if not payload["operation"]]
    assert [(error["code"], error["field"]) for [error] in lost] == [("CUSTOMER_EXISTS", "entity.id")] * 10
    found = await everything_of(service, entity_id)
    assert (len(found.contracts), len(found.grants), len(found.payment_methods)) == (1, 1, 1)
    assert await compare(await models.Customer.get(entity_id=entity_id), Customers(service).tools) == ()


async def test_once_there_is_a_contract_other_input_is_refused(service: Service, entity_id: str) -> None:
    await _refused(service, entity_id, "metronome", "/api/v1/invoices")

    payload = await send_onboard(service, {**paid(entity_id), "tier": "TEAM"})
    assert [(error["code"], error["field"]) for error in payload["userErrors"]] == [("CUSTOMER_EXISTS", "entity.id")]

    payload = await send_onboard(service, paid(entity_id))
    assert payload["operation"]["status"] == "SUCCEEDED"
    assert (await everything_of(service, entity_id)).counts == ONE_OF_EACH
