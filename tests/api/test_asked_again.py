"""A request is what was asked, not what it came to: sent again on another day, it gets the answer it had."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from billing.entity import validate_entity
from billing.money import Money
from billing.tiers import BillingPeriod, EnterpriseTerms, Tier, plan_for
from operations.onboard import Onboarding
from tests.api.changing import Customers

PERIOD = "billingPeriod"


async def _on_pro(customers: Customers, entity_id: str) -> None:
    customers.go_to_next(1, 1)
    await customers.onboard(entity_id)
    customers.pass_days(15)


async def test_a_change_that_named_no_period_is_the_same_after_the_period_has_changed(
    customers: Customers, entity_id: str
) -> None:
    await _on_pro(customers, entity_id)
    first = await customers.change(entity_id, tier="TEAM", idempotencyKey=f"{entity_id}:up")
    await customers.change(entity_id, tier="TEAM", billingPeriod="YEARLY")
    before = await customers.footprint()

    again = await customers.change(entity_id, tier="TEAM", idempotencyKey=f"{entity_id}:up")

    assert (again["userErrors"], again["operation"]) == ([], first["operation"])
    assert await customers.footprint() == before


async def test_a_change_that_named_no_period_keeps_the_one_that_stands_when_it_is_made(
    customers: Customers, entity_id: str
) -> None:
    await _on_pro(customers, entity_id)
    await customers.service.metronome.fault(method="GET", path="/credits/balance", kind="delay", delay_ms=5000)
    upgrade = asyncio.create_task(customers.change(entity_id, tier="TEAM"))
    await _until_asked(customers)
    to_yearly = await customers.change(entity_id, tier="PRO", billingPeriod="YEARLY")
    assert to_yearly["userErrors"] == []

    payload = await upgrade

    assert payload["userErrors"] == []
    assert (payload["subscription"]["tier"], payload["subscription"][PERIOD]) == ("TEAM", "YEARLY")
    await customers.agree(entity_id)


async def _until_asked(customers: Customers) -> None:
    """The first of the two waits for Metronome's answer."""
    async with asyncio.timeout(120):
        while not await _hits(customers):  # noqa: ASYNC110  a client can only ask
            await asyncio.sleep(0.01)


async def _hits(customers: Customers) -> bool:
    faults = (await customers.service.metronome.http.get("/_mock/faults")).json()
    return any(fault["hits"] for fault in faults["data"])


async def test_a_return_that_named_no_period_is_the_same_after_the_period_has_changed(
    customers: Customers, entity_id: str
) -> None:
    await _on_pro(customers, entity_id)
    await customers.cancel(entity_id, effective="IMMEDIATELY")
    first = await customers.reactivate(entity_id, tier="TEAM", idempotencyKey=f"{entity_id}:back")
    await customers.change(entity_id, tier="TEAM", billingPeriod="YEARLY")

    again = await customers.reactivate(entity_id, tier="TEAM", idempotencyKey=f"{entity_id}:back")

    assert (again["userErrors"], again["operation"]) == ([], first["operation"])


@pytest.mark.parametrize("days", [1, 40])
async def test_todays_change_over_rest_is_the_same_on_a_later_day(
    customers: Customers, entity_id: str, days: int
) -> None:
    await _on_pro(customers, entity_id)
    body = {"entityId": entity_id, "newTier": "team", "effectiveDate": customers.today.isoformat()}
    first = await _rest(customers, body, key=f"{entity_id}:rest")
    customers.pass_days(days)

    again = await _rest(customers, body, key=f"{entity_id}:rest")

    assert (first["status"], again["status"]) == (200, 200)
    assert again["body"]["operation"] == first["body"]["operation"]


async def test_a_change_at_the_period_end_over_rest_is_the_same_when_that_has_come(
    customers: Customers, entity_id: str
) -> None:
    await _on_pro(customers, entity_id)
    body = {"entityId": entity_id, "newTier": "free", "effectiveDate": customers.next(2, 1).isoformat()}
    first = await _rest(customers, body, key=f"{entity_id}:rest")
    customers.go_to_next(2, 1)

    again = await _rest(customers, body, key=f"{entity_id}:rest")

    assert (first["status"], again["status"]) == (200, 200)
    assert again["body"]["operation"] == first["body"]["operation"]


async def _rest(customers: Customers, body: dict[str, Any], *, key: str) -> dict[str, Any]:
    answer = await customers.service.http.post("/api/tier/change", json=body, headers={"idempotency-key": key})
    return {"status": answer.status_code, "body": answer.json()}


async def test_a_card_that_was_attached_is_answered_for_also_while_stripe_does_not_know_it_any_more(
    customers: Customers, entity_id: str
) -> None:
    await _on_pro(customers, entity_id)
    card = {"paymentMethodId": "pm_card_mastercard", "idempotencyKey": f"{entity_id}:card"}
    first = await customers.do("attachPaymentMethod", entityId=entity_id, **card)
    await customers.service.stripe.fault(
        method="GET", path="/v1/payment_methods/", kind="status_before", status=404, times=None
    )

    again = await customers.do("attachPaymentMethod", entityId=entity_id, **card)

    await customers.service.stripe.clear_faults()
    assert (again["userErrors"], again["operation"]) == ([], first["operation"])


def test_an_onboarding_is_the_same_when_the_list_price_has_changed() -> None:
    entity = validate_entity(entity_id="ada", entity_type="USER", name="Ada", email="ada@example.com")
    today = Onboarding(entity, plan_for(Tier.PRO, BillingPeriod.MONTHLY), None)
    tomorrow = replace(today, plan=replace(today.plan, price=Money(1_000, "USD")))

    assert tomorrow.as_asked() == today.as_asked()


def test_an_enterprise_onboarding_at_another_price_is_another() -> None:
    entity = validate_entity(entity_id="ada", entity_type="USER", name="Ada", email="ada@example.com")
    terms = EnterpriseTerms(price=Money(50_000, "USD"), credits_per_month=1)
    agreed = Onboarding(entity, plan_for(Tier.ENTERPRISE, BillingPeriod.MONTHLY, terms), None)
    dearer = replace(agreed, plan=replace(agreed.plan, price=Money(60_000, "USD")))

    assert dearer.as_asked() != agreed.as_asked()
