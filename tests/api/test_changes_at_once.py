"""Several changes of one customer at the same moment: one is made, and everybody is told which."""

import asyncio
from typing import Any

import pytest
from tortoise.transactions import in_transaction

import models
from billing.errors import CustomerBusy
from operations.accepting import Request, Standing, accept
from operations.position import credits_in_metronome, record_usage
from tests.api.changing import Customers, codes
from tests.api.onboarding import everything_of
from tests.api.paying import charged


async def _half_way(customers: Customers, entity_id: str, **given: Any) -> None:
    customers.go_to_next(1, 1)
    await customers.onboard(entity_id, **given)
    customers.pass_days(15)


async def test_of_two_changes_at_once_one_is_made_and_the_other_may_try_again(
    customers: Customers, entity_id: str
) -> None:
    await _half_way(customers, entity_id)

    answers = await asyncio.gather(
        customers.change(entity_id, tier="TEAM"), customers.change(entity_id, tier="PRO", billingPeriod="YEARLY")
    )

    refused = [error for answer in answers for error in answer["userErrors"]]
    assert [(error["code"], error["retryable"]) for error in refused] == [("CUSTOMER_BUSY", True)]
    [made] = [answer for answer in answers if not answer["userErrors"]]
    assert made["operation"]["status"] == "SUCCEEDED"
    assert len(await charged(customers.service, entity_id)) == 2
    await customers.agree(entity_id)


async def test_a_change_and_a_cancellation_at_once_are_one_of_the_two(customers: Customers, entity_id: str) -> None:
    await _half_way(customers, entity_id)

    answers = await asyncio.gather(
        customers.change(entity_id, tier="TEAM"), customers.cancel(entity_id, effective="IMMEDIATELY")
    )

    assert sorted(codes(answer) for answer in answers) == [[], [("CUSTOMER_BUSY", None)]]
    await customers.agree(entity_id)


async def test_fifty_times_the_same_request_is_one_change_and_fifty_same_answers(
    customers: Customers, entity_id: str
) -> None:
    await _half_way(customers, entity_id)
    quote = await customers.quoted(entity_id, tier="TEAM")
    mark = await customers.mark()

    answers = await customers.fifty("changeTier", entityId=entity_id, tier="TEAM", idempotencyKey=f"{entity_id}:up")

    assert answers[0]["userErrors"] == []
    assert all(answer == answers[0] for answer in answers)
    calls = await customers.calls_since(mark)
    told = [(call["provider"], call["method"], call["path"]) for call in quote["providerCalls"]]
    assert [(call.provider, call.method, call.path) for call in calls] == told
    assert await charged(customers.service, entity_id) == [1032, 900]
    assert [each["status"] for each in (await everything_of(customers.service, entity_id)).contracts] == [
        "cancelled",
        "active",
    ]
    await customers.agree(entity_id)


async def test_a_key_stands_for_one_request(customers: Customers, entity_id: str) -> None:
    await _half_way(customers, entity_id)
    key = f"{entity_id}:key"
    first = await customers.change(entity_id, tier="TEAM", idempotencyKey=key)
    before = await customers.footprint()

    others = [
        await customers.change(entity_id, tier="FREE", idempotencyKey=key),
        await customers.change(entity_id, tier="TEAM", effective="AT_PERIOD_END", idempotencyKey=key),
        await customers.cancel(entity_id, idempotencyKey=key),
        await customers.withdraw(entity_id, idempotencyKey=key),
    ]
    again = await customers.change(entity_id, tier="TEAM", idempotencyKey=key)

    assert {code for other in others for code in codes(other)} == {("IDEMPOTENCY_CONFLICT", "idempotencyKey")}
    assert again == first
    assert await customers.footprint() == before


async def test_a_request_sent_again_is_answered_also_while_metronome_is_away(
    customers: Customers, entity_id: str
) -> None:
    await _half_way(customers, entity_id)
    key = f"{entity_id}:key"
    first = await customers.change(entity_id, tier="TEAM", idempotencyKey=key)
    await customers.service.metronome.fault(path="/api/v1/", kind="status_before", status=503, times=None)
    try:
        again = await customers.change(entity_id, tier="TEAM", idempotencyKey=key)
        new = await customers.change(entity_id, tier="FREE")
    finally:
        await customers.service.metronome.clear_faults()

    assert again == first
    assert [(error["code"], error["retryable"]) for error in new["userErrors"]] == [("PROVIDER_UNAVAILABLE", True)]
    assert new["operation"] is None
    await customers.agree(entity_id)


async def test_credits_granted_after_metronome_was_asked_are_not_taken_for_spent(
    customers: Customers, entity_id: str
) -> None:
    await _half_way(customers, entity_id)
    row = await models.Customer.get(entity_id=entity_id)
    left = await credits_in_metronome(row, customers.tools)
    granted = await customers.do("grantCredits", entityId=entity_id, amount=5_000)

    async with in_transaction():
        entries = await record_usage(row, left, operation_id="op_late", at=customers.service.clock.now())

    assert granted["userErrors"] == []
    assert [entry.amount for entry in entries] == [10_000, 5_000]
    await customers.agree(entity_id)


async def test_a_grant_that_has_expired_is_not_taken_for_spent(customers: Customers, entity_id: str) -> None:
    """Metronome's news of it has not come yet, and what was granted is in no balance any more."""
    await _half_way(customers, entity_id)
    expires = f"{customers.today.replace(day=20).isoformat()}T00:00:00Z"
    await customers.do("grantCredits", entityId=entity_id, amount=5_000, expiresAt=expires)
    customers.pass_days(8)

    payload = await customers.change(entity_id, tier="TEAM")

    assert payload["userErrors"] == []
    left = 10_000 + 10_323  # 40,000 more a month, for 8 of 31 days
    assert payload["customer"]["credits"]["balance"] == await customers.credits_left(entity_id) == left
    await customers.agree(entity_id)
    await customers.hear(entity_id)
    assert (await customers.customer(entity_id))["credits"]["balance"] == left
    await customers.agree(entity_id)


class Collision:
    """A decision whose operation is refused, so many times, as by the index that allows one under way."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.decisions = 0

    async def decide(self, standing: Standing) -> dict[str, object]:
        self.decisions += 1
        if self.decisions <= self.times:
            [row] = await models.Customer.filter(id=standing.customer.id).values()
            await models.Customer.create(**row)
        return {}


async def test_what_collides_with_an_operation_that_has_ended_by_then_is_decided_once_more(
    customers: Customers, entity_id: str
) -> None:
    await _half_way(customers, entity_id)
    request, collision = Request(models.OperationKind.GRANT_CREDITS, entity_id, {"reason": "one"}), Collision(times=1)

    accepted = await accept(request, collision.decide, at=customers.service.clock.now())

    assert (accepted.fresh, collision.decisions) == (True, 2)
    assert await models.Operation.filter(customer__entity_id=entity_id, kind=request.kind).count() == 1
    await models.Operation.filter(id=accepted.operation_id).update(status=models.OperationStatus.FAILED)


async def test_what_collides_again_is_told_to_come_later(customers: Customers, entity_id: str) -> None:
    await _half_way(customers, entity_id)
    request, collision = Request(models.OperationKind.GRANT_CREDITS, entity_id, {"reason": "two"}), Collision(times=2)

    with pytest.raises(CustomerBusy):
        await accept(request, collision.decide, at=customers.service.clock.now())

    assert collision.decisions == 2
    assert not await models.Operation.filter(customer__entity_id=entity_id, kind=request.kind).exists()
