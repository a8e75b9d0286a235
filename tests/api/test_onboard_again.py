"""The same onboarding again, another one for the same entity, and many at once."""

import asyncio
from typing import Any

from tests.api.onboarding import ONE_OF_EACH, everything_of, onboard, paid, person, send_onboard
from tests.service import Service

AT_ONCE = 50


def conflict(code: str, field: str, message: str) -> list[dict[str, Any]]:
    return [{"code": code, "field": field, "message": message, "retryable": False}]


async def test_the_same_onboarding_again_gets_the_same_answer(service: Service, entity_id: str) -> None:
    first = await send_onboard(service, paid(entity_id))

    again = await send_onboard(service, paid(entity_id))

    assert again == first
    assert (await everything_of(service, entity_id)).counts == ONE_OF_EACH


async def test_what_means_the_same_is_the_same_onboarding(service: Service, entity_id: str) -> None:
    entity = person(entity_id, metadata={"a": "1", "b": "2"})
    first = await onboard(service, entity_id, entity=entity)

    reordered = person(entity_id, name=" Ada Lovelace", metadata={"b": "2", "a": "1"})
    again = await onboard(service, entity_id, entity=reordered, tier="FREE", billingPeriod="MONTHLY")

    assert again == first


async def test_another_onboarding_of_the_same_entity_is_refused(service: Service, entity_id: str) -> None:
    await onboard(service, entity_id)

    for other in (
        {"tier": "PRO"},
        {"billingPeriod": "YEARLY"},
        {"paymentMethodId": "pm_card_visa"},
        {"entity": person(entity_id, name="Charles Babbage")},
        {"entity": person(entity_id, metadata={"team": "engine"})},
    ):
        payload = await onboard(service, entity_id, **other)
        assert payload["operation"] is None
        assert payload["userErrors"] == conflict(
            "CUSTOMER_EXISTS", "entity.id", f"{entity_id} was onboarded already, with other input."
        )
    assert (await everything_of(service, entity_id)).counts == ONE_OF_EACH | {
        "invoices": 0,
        "payment_methods": 0,
        "charges": 0,
    }


async def test_a_key_stands_for_its_operation(service: Service, entity_id: str) -> None:
    key = f"{entity_id} sign-up"
    first = await send_onboard(service, paid(entity_id, idempotencyKey=key))

    again = await send_onboard(service, paid(entity_id, idempotencyKey=key))
    without_key = await send_onboard(service, paid(entity_id))
    with_another_key = await send_onboard(service, paid(entity_id, idempotencyKey=f"{key}, second try"))

    assert again == without_key == with_another_key == first
    assert (await everything_of(service, entity_id)).counts == ONE_OF_EACH


async def test_a_key_used_with_other_input_is_refused(service: Service, entity_id: str) -> None:
    key, other_entity_id = f"{entity_id}:once", f"{entity_id}:b"
    await onboard(service, entity_id, idempotencyKey=key)

    for given in (
        {"entity": person(entity_id), "tier": "TEAM"},
        {"entity": person(other_entity_id)},
    ):
        payload = await send_onboard(service, {**given, "idempotencyKey": key})
        assert payload["userErrors"] == conflict(
            "IDEMPOTENCY_CONFLICT", "idempotencyKey", f"the key {key} was used before, with other input."
        )
    assert (await everything_of(service, other_entity_id)).metronome_customers == []


async def test_a_key_learned_from_a_repetition_is_refused_with_other_input(service: Service, entity_id: str) -> None:
    key = f"{entity_id}:late"
    await onboard(service, entity_id)
    await onboard(service, entity_id, idempotencyKey=key)

    payload = await onboard(service, f"{entity_id}:b", idempotencyKey=key)

    assert [error["code"] for error in payload["userErrors"]] == ["IDEMPOTENCY_CONFLICT"]


async def test_fifty_identical_calls_with_one_key_are_one_onboarding(service: Service, entity_id: str) -> None:
    given = paid(entity_id, idempotencyKey=f"{entity_id}:storm")

    payloads = await asyncio.gather(*(send_onboard(service, given) for _ in range(AT_ONCE)))

    assert payloads == [payloads[0]] * AT_ONCE
    assert payloads[0]["operation"]["status"] == "SUCCEEDED"
    assert (await everything_of(service, entity_id)).counts == ONE_OF_EACH


async def test_fifty_identical_calls_without_a_key_are_one_onboarding(service: Service, entity_id: str) -> None:
    payloads = await asyncio.gather(*(send_onboard(service, paid(entity_id)) for _ in range(AT_ONCE)))

    assert payloads == [payloads[0]] * AT_ONCE
    assert payloads[0]["operation"]["status"] == "SUCCEEDED"
    assert (await everything_of(service, entity_id)).counts == ONE_OF_EACH


async def test_of_two_onboardings_of_one_entity_at_once_one_wins(service: Service, entity_id: str) -> None:
    pro, team = await asyncio.gather(
        send_onboard(service, paid(entity_id)), send_onboard(service, paid(entity_id, tier="TEAM"))
    )

    won, lost = (pro, team) if pro["operation"] else (team, pro)
    assert won["operation"]["status"] == "SUCCEEDED"
    assert lost["operation"] is None
    assert [(error["code"], error["field"]) for error in lost["userErrors"]] == [("CUSTOMER_EXISTS", "entity.id")]
    found = await everything_of(service, entity_id)
    assert found.counts == ONE_OF_EACH
    assert [charge["amount"] for charge in found.charges] == [won["subscription"]["price"]["minorUnits"]]


async def test_one_key_for_two_entities_at_once_goes_to_one(service: Service, entity_id: str) -> None:
    given = [paid(f"{entity_id}:{name}", idempotencyKey=f"{entity_id}:shared") for name in "ab"]

    payloads = await asyncio.gather(*(send_onboard(service, each) for each in given))

    codes = sorted(error["code"] for payload in payloads for error in payload["userErrors"])
    assert codes == ["IDEMPOTENCY_CONFLICT"]
    counts = [len((await everything_of(service, f"{entity_id}:{name}")).charges) for name in "ab"]
    assert sorted(counts) == [0, 1]
