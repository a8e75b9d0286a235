"""Metronome is away from before the end of a period until after it: what was decided for the old period is not done."""

from datetime import timedelta
from typing import Any

import pytest

import models
from operations.collect_invoice import collect_due
from tests.api.changing import DECLINING, Customers
from tests.api.onboarding import ended, everything_of, waiting
from tests.api.paying import charged, engine_of, until_idle

SETTINGS = {"operation_wait_seconds": 0.3}


async def _on(customers: Customers, entity_id: str, tier: str = "PRO", card: str = "pm_card_visa") -> None:
    """Half-way through January."""
    customers.go_to_next(1, 1)
    await _done(customers, await customers.begin_onboarding(entity_id, tier, card))
    customers.pass_days(15)


async def _done(customers: Customers, payload: dict[str, Any]) -> dict[str, Any]:
    return await ended(customers.service, payload["operation"]["id"])


async def _away(customers: Customers, noun: str) -> None:
    await customers.service.metronome.fault(
        path=f"/api/v1/{noun}", method=None, kind="status_before", status=503, times=None
    )


async def _back_in_february(customers: Customers, payload: dict[str, Any]) -> dict[str, Any]:
    """How the operation ended that waited for Metronome."""
    await waiting(customers.service, payload["operation"]["id"])
    customers.go_to_next(2, 1)
    await customers.service.metronome.clear_faults()
    return await _done(customers, payload)


@pytest.mark.parametrize(
    ("verb", "given"),
    [
        ("changeTier", {"tier": "TEAM"}),
        ("changeTier", {"tier": "FREE"}),
        ("changeTier", {"tier": "FREE", "effective": "AT_PERIOD_END"}),
        ("cancel", {"effective": "AT_PERIOD_END"}),
        ("cancel", {"effective": "IMMEDIATELY"}),
    ],
    ids=["upgrade", "downgrade", "scheduled", "cancel at the end", "cancel at once"],
)
async def test_the_old_plan_is_renewed_and_the_request_may_be_made_again(
    customers: Customers, entity_id: str, verb: str, given: dict[str, Any]
) -> None:
    await _on(customers, entity_id)
    await _away(customers, "contracts")
    payload = await customers.do(verb, entityId=entity_id, **given)

    operation = await _back_in_february(customers, payload)
    await customers.hear(entity_id)

    assert (operation["status"], operation["error"]["code"]) == ("FAILED", "CUSTOMER_BUSY")
    standing = (await customers.customer(entity_id))["subscription"]
    assert (standing["tier"], standing["status"], standing["cancelAtPeriodEnd"]) == ("PRO", "ACTIVE", False)
    assert standing["currentPeriod"]["start"] == customers.today.isoformat()
    kept = [
        each["amount"] - each["amount_refunded"] for each in (await everything_of(customers.service, entity_id)).charges
    ]
    assert sorted(amount for amount in kept if amount) == [900, 900]
    await customers.agree(entity_id)


@pytest.mark.parametrize(("old", "new", "credits_"), [("PRO", "TEAM", 50_000), ("TEAM", "PRO", 10_000)])
async def test_a_change_of_the_allowance_is_void_when_its_month_is_over(
    customers: Customers, entity_id: str, old: str, new: str, credits_: int
) -> None:
    await _on(customers, entity_id, old)
    await _away(customers, "credits$")
    payload = await customers.change(entity_id, tier=new)

    operation = await _back_in_february(customers, payload)
    await customers.hear(entity_id)

    assert operation["status"] == "SUCCEEDED"
    customer = await customers.customer(entity_id)
    assert (customer["subscription"]["tier"], customer["credits"]["balance"]) == (new, credits_)
    assert customer["subscription"]["currentPeriod"]["start"] == customers.today.isoformat()
    assert await customers.credits_left(entity_id) == credits_
    await customers.agree(entity_id)


async def test_a_renewal_told_of_after_the_subscription_was_given_up_is_an_invoice_and_wakes_nothing(
    customers: Customers, entity_id: str
) -> None:
    await _on(customers, entity_id, card=DECLINING)
    for _ in range(3):
        customers.pass_days(1)
        await _round(customers, entity_id)
    customers.go_to_next(2, 2)
    await _round(customers, entity_id)
    customers.pass_days(1)
    await _round(customers, entity_id)
    assert (await customers.customer(entity_id))["subscription"]["status"] == "EXPIRED"

    await customers.hear(entity_id)

    customer = await customers.customer(entity_id)
    assert (customer["subscription"]["status"], customer["credits"]["balance"]) == ("EXPIRED", 0)
    assert [invoice["status"] for invoice in customer["invoices"]] == ["OPEN", "UNCOLLECTIBLE"]
    assert await charged(customers.service, entity_id) == []
    await customers.agree(entity_id)


async def test_a_renewal_told_of_after_the_contract_was_ended_elsewhere_is_collected(
    customers: Customers, entity_id: str
) -> None:
    await _on(customers, entity_id)
    customers.go_to_next(2, 2)
    contract_id = (await models.Subscription.get(customer__entity_id=entity_id)).metronome_contract_id
    await customers.tools.metronome.cancel_contract(
        contract_id=str(contract_id), effective_date=None, idempotency_key=f"{entity_id}:elsewhere"
    )

    await customers.hear(entity_id, newest_first=True)
    customers.service.clock.advance(timedelta(minutes=1))
    await customers.hear(entity_id)

    customer = await customers.customer(entity_id)
    assert (customer["subscription"]["status"], customer["credits"]["balance"]) == ("CANCELLED", 0)
    assert customer["subscription"]["currentPeriod"]["start"] == customers.today.replace(day=1).isoformat()
    assert await charged(customers.service, entity_id) == [900, 900]
    await customers.agree(entity_id)


async def _round(customers: Customers, entity_id: str) -> None:
    await collect_due(engine_of(customers.service), customers.service.clock.now)
    await until_idle(customers.service, entity_id)
