import copy
from typing import Any

import pytest

from tests.mock_stripe.conftest import World
from tests.mock_stripe.sdk_schema import problems


@pytest.fixture
async def intent(world: World) -> dict[str, Any]:
    customer_id = await world.customer()
    await world.v1.payment_intents.create_async(
        {"amount": 1099, "currency": "usd", "customer": customer_id, "expand": ["customer"]}
    )
    return copy.deepcopy(world.answers[-1])


async def test_the_sandbox_s_own_answer_has_no_problem(intent: dict[str, Any]) -> None:
    assert problems(intent) == []


async def test_a_missing_member_is_found(intent: dict[str, Any]) -> None:
    del intent["amount_received"]
    assert problems(intent) == ["payment_intent.: 'amount_received' is a required property"]


async def test_an_unknown_member_is_found(intent: dict[str, Any]) -> None:
    intent["charges"] = []
    assert len(problems(intent)) == 1
    assert "'charges' was unexpected" in problems(intent)[0]


async def test_a_mistyped_member_is_found(intent: dict[str, Any]) -> None:
    intent["amount"] = "1099"
    assert problems(intent) == ["payment_intent.amount: '1099' is not of type 'integer'"]


async def test_a_fault_inside_an_expanded_object_is_found(intent: dict[str, Any]) -> None:
    intent["customer"]["livemode"] = "no"
    assert any("livemode" in problem for problem in problems(intent))


async def test_a_fault_inside_an_event_s_object_is_found(world: World) -> None:
    await world.customer()
    await world.v1.events.list_async()
    event = copy.deepcopy(world.answers[-1]["data"][0])
    event["data"]["object"]["created"] = None
    assert problems(event) == ["customer.created: customer.created: None is not of type 'integer'"]


async def test_a_fault_inside_an_error_body_is_found() -> None:
    error = {"type": "card_error", "code": "card_declined", "message": "No.", "reason": "none"}
    assert "'reason' was unexpected" in problems({"error": error})[0]
