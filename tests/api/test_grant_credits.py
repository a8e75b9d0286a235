"""Credits by hand: in the ledger, in Metronome, bounded, and granted once."""

import asyncio
from typing import Any

import pytest

import models
from tests.api.onboarding import Footprint, metronome_list, onboard
from tests.api.paying import codes, send
from tests.service import Service

LEDGER = """
query Ledger($entityId: String!) {
  creditLedger(entityId: $entityId) { nodes { kind amount reason cause expiresAt } }
}
"""


async def test_credits_are_granted_here_and_in_metronome(service: Service, entity_id: str) -> None:
    await onboard(service, entity_id)

    payload = await send(
        service,
        "grantCredits",
        entityId=entity_id,
        amount=500,
        expiresAt="2029-01-31T12:00:00+02:00",
        reason="Sorry for Tuesday",
    )

    assert payload["userErrors"] == []
    assert payload["operation"]["kind"] == "GRANT_CREDITS"
    assert payload["customer"]["credits"] == {"balance": 1_500}
    nodes = (await service.graphql(LEDGER, entityId=entity_id))["creditLedger"]["nodes"]
    assert nodes[0] == {
        "kind": "GRANT",
        "amount": 500,
        "reason": "Sorry for Tuesday",
        "cause": f"operation:{payload['operation']['id']}",
        "expiresAt": "2029-01-31T10:00:00Z",
    }
    [by_hand] = await _by_hand(service, entity_id)
    assert (by_hand["amount"], by_hand["balance"], by_hand["expires_at"], by_hand["reason"]) == (
        500,
        500,
        "2029-01-31T10:00:00Z",
        "Sorry for Tuesday",
    )


async def test_without_an_expiry_they_do_not_expire(service: Service, entity_id: str) -> None:
    await onboard(service, entity_id)

    await send(service, "grantCredits", entityId=entity_id, amount=1)

    [by_hand] = await _by_hand(service, entity_id)
    assert (by_hand["amount"], by_hand["expires_at"], by_hand["reason"]) == (1, None, "Granted by hand")


async def test_the_most_that_can_be_granted(service: Service, entity_id: str) -> None:
    await onboard(service, entity_id)

    payload = await send(service, "grantCredits", entityId=entity_id, amount=10**12, reason="é" * 500)

    assert payload["customer"]["credits"] == {"balance": 10**12 + 1_000}


async def test_refused_input_names_its_field_and_changes_nothing(service: Service, entity_id: str) -> None:
    await onboard(service, entity_id)
    before = await Footprint.of(service)

    for given, expected in (
        ({"entityId": "nobody"}, ("CUSTOMER_NOT_FOUND", "entityId")),
        ({"entityId": ""}, ("CUSTOMER_NOT_FOUND", "entityId")),
        ({"entityId": "\x00"}, ("CUSTOMER_NOT_FOUND", "entityId")),
        ({"entityId": "x" * 5_000}, ("CUSTOMER_NOT_FOUND", "entityId")),
        ({"amount": 0}, ("INVALID_INPUT", "amount")),
        ({"amount": -5}, ("INVALID_INPUT", "amount")),
        ({"amount": 10**12 + 1}, ("INVALID_INPUT", "amount")),
        ({"amount": 10**15}, ("INVALID_INPUT", "amount")),
        ({"expiresAt": "2028-01-01T00:00:00Z"}, ("INVALID_INPUT", "expiresAt")),
        ({"expiresAt": service.clock.now().isoformat()}, ("INVALID_INPUT", "expiresAt")),
        ({"expiresAt": "9999-12-31T23:59:59Z"}, ("INVALID_INPUT", "expiresAt")),
        ({"reason": "x" * 501}, ("INVALID_INPUT", "reason")),
        ({"reason": "a\x00b"}, ("INVALID_INPUT", "reason")),
        ({"idempotencyKey": ""}, ("INVALID_INPUT", "idempotencyKey")),
    ):
        payload = await send(service, "grantCredits", **{"entityId": entity_id, "amount": 5, **given})
        assert codes(payload) == [expected], given
        assert payload["operation"] is None
    assert await Footprint.of(service) == before


@pytest.mark.parametrize("amount", [1.0, 1.5, "5", 2**53, True, None, []])
async def test_an_amount_that_is_no_whole_number_is_no_request(service: Service, entity_id: str, amount: Any) -> None:
    before = await Footprint.of(service)

    answer = await service.execute(
        "mutation ($input: GrantCreditsInput!) { grantCredits(input: $input) { userErrors { code } } }",
        input={"entityId": entity_id, "amount": amount},
    )

    assert "data" not in answer or answer["data"] is None
    assert answer["errors"]
    assert await Footprint.of(service) == before


async def test_no_balance_grows_past_what_a_client_can_read(service: Service, entity_id: str) -> None:
    await onboard(service, entity_id)
    await models.Customer.filter(entity_id=entity_id).update(credit_balance=10**15)
    before = await Footprint.of(service)

    payload = await send(service, "grantCredits", entityId=entity_id, amount=1)

    assert codes(payload) == [("INVALID_INPUT", "amount")]
    assert await Footprint.of(service) == before


async def test_one_request_sent_many_times_at_once_grants_once(service: Service, entity_id: str) -> None:
    await onboard(service, entity_id)
    given = {"entityId": entity_id, "amount": 7, "idempotencyKey": f"{entity_id}:gift"}

    payloads = await asyncio.gather(*(send(service, "grantCredits", **given) for _ in range(10)))
    other = await send(service, "grantCredits", **{**given, "amount": 8})

    assert payloads == [payloads[0]] * 10
    assert codes(other) == [("IDEMPOTENCY_CONFLICT", "idempotencyKey")]
    assert payloads[0]["customer"]["credits"] == {"balance": 1_007}
    assert [each["amount"] for each in await _by_hand(service, entity_id)] == [7]


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "html_after", "not_json_after"])
async def test_an_answer_that_is_lost_grants_once(service: Service, entity_id: str, kind: str) -> None:
    await onboard(service, entity_id)
    await service.metronome.fault(method="POST", path="/api/v1/credits$", kind=kind, times=3)

    payload = await send(service, "grantCredits", entityId=entity_id, amount=9)

    assert payload["customer"]["credits"] == {"balance": 1_009}
    assert [each["amount"] for each in await _by_hand(service, entity_id)] == [9]


async def test_a_refusal_of_metronome_leaves_the_ledger_alone(service: Service, entity_id: str) -> None:
    await onboard(service, entity_id)
    await service.metronome.fault(method="POST", path="/api/v1/credits$", kind="status_before", status=422)

    payload = await send(service, "grantCredits", entityId=entity_id, amount=9)

    assert codes(payload) == [("PROVIDER_REJECTED", None)]
    assert payload["customer"]["credits"] == {"balance": 1_000}
    assert await _by_hand(service, entity_id) == []


async def _by_hand(service: Service, entity_id: str) -> list[dict[str, Any]]:
    customer = await models.Customer.get(entity_id=entity_id)
    found = await metronome_list(service.metronome, "credits", customer_id=str(customer.metronome_customer_id))
    return [each for each in found if each["contract_id"] is None]
