"""cancel and reactivate: what is credited, what ends, what comes back, and that nothing wakes later."""

from typing import Any

import pytest

import models
from tests.api.changing import DECLINING, Customers, codes, invoiced
from tests.api.paying import charged


async def _half_way(customers: Customers, entity_id: str, **given: Any) -> None:
    customers.go_to_next(1, 1)
    await customers.onboard(entity_id, **given)
    customers.pass_days(15)


async def _contracts(customers: Customers, entity_id: str) -> list[str]:
    row = await models.Customer.get(entity_id=entity_id)
    found = await customers.tools.metronome.list_contracts(customer_id=str(row.metronome_customer_id))
    return [contract.status.value for contract in found]


@pytest.mark.parametrize(("credit", "credited"), [(True, 1497), (False, 0), (None, 1497)])
async def test_cancelled_at_once_unused_time_is_credited_or_not(
    customers: Customers, entity_id: str, credit: bool | None, credited: int
) -> None:
    await _half_way(customers, entity_id, tier="TEAM")
    given = {} if credit is None else {"creditUnusedTime": credit}

    payload = await customers.cancel(entity_id, effective="IMMEDIATELY", **given)

    assert payload["userErrors"] == []
    assert payload["subscription"]["status"] == "CANCELLED"
    assert payload["customer"]["accountBalance"]["minorUnits"] == credited
    assert payload["customer"]["credits"]["balance"] == 0
    assert await _contracts(customers, entity_id) == ["CANCELLED"]
    await customers.hear(entity_id)
    await customers.agree(entity_id)


async def test_what_was_not_paid_is_not_credited_and_its_invoice_stays(customers: Customers, entity_id: str) -> None:
    await _half_way(customers, entity_id, tier="TEAM", card=None)

    payload = await customers.cancel(entity_id, effective="IMMEDIATELY")

    assert payload["customer"]["accountBalance"]["minorUnits"] == 0
    [invoice] = (await customers.customer(entity_id))["invoices"]
    assert (invoice["status"], invoice["amount"]["minorUnits"]) == ("OPEN", 2900)
    await customers.agree(entity_id)


async def test_credits_granted_by_hand_survive_the_subscription(customers: Customers, entity_id: str) -> None:
    await _half_way(customers, entity_id)
    await customers.do("grantCredits", entityId=entity_id, amount=500, reason="Sorry")
    await customers.use(entity_id, 1_000)

    payload = await customers.cancel(entity_id, effective="IMMEDIATELY")

    assert payload["customer"]["credits"]["balance"] == await customers.credits_left(entity_id) == 500
    await customers.agree(entity_id)


async def test_at_the_period_end_it_ends_and_nothing_wakes_later(customers: Customers, entity_id: str) -> None:
    await _half_way(customers, entity_id, tier="TEAM")
    await customers.change(entity_id, tier="PRO", effective="AT_PERIOD_END")

    payload = await customers.cancel(entity_id)

    assert payload["subscription"]["cancelAtPeriodEnd"] is True
    assert payload["subscription"]["scheduledChange"] is None
    assert (payload["subscription"]["status"], payload["customer"]["credits"]["balance"]) == ("ACTIVE", 50_000)
    await customers.agree(entity_id)
    customers.go_to_next(2, 1)
    await customers.hear(entity_id)
    customers.go_to_next(4, 10)
    await customers.hear(entity_id)
    ended = await customers.customer(entity_id)
    assert (ended["subscription"]["status"], ended["credits"]["balance"]) == ("CANCELLED", 0)
    assert [invoice["status"] for invoice in ended["invoices"]] == ["PAID"]
    assert await _contracts(customers, entity_id) == ["CANCELLED"]
    await customers.agree(entity_id)


async def test_a_cancellation_that_is_lost_on_its_way_is_not_taken_for_the_end_of_a_scheduled_change(
    customers: Customers, entity_id: str
) -> None:
    await _half_way(customers, entity_id, tier="TEAM")
    await customers.change(entity_id, tier="PRO", effective="AT_PERIOD_END")
    await customers.service.metronome.fault(method="POST", path="/cancel$", kind="drop_before", times=3)

    payload = await customers.cancel(entity_id)

    assert payload["operation"]["status"] == "SUCCEEDED"
    await customers.agree(entity_id)


async def test_a_cancellation_is_taken_back_before_the_end(customers: Customers, entity_id: str) -> None:
    await _half_way(customers, entity_id)
    await customers.cancel(entity_id)

    payload = await customers.reactivate(entity_id)

    assert payload["userErrors"] == []
    assert payload["subscription"]["cancelAtPeriodEnd"] is False
    assert payload["customer"]["credits"]["balance"] == 10_000
    customers.go_to_next(2, 1)
    await customers.hear(entity_id)
    assert (await customers.customer(entity_id))["subscription"]["status"] == "ACTIVE"
    await customers.agree(entity_id)


async def test_in_the_same_month_nothing_is_granted_twice_and_the_balance_pays(
    customers: Customers, entity_id: str
) -> None:
    await _half_way(customers, entity_id, tier="TEAM")
    await customers.use(entity_id, 20_000)
    await customers.cancel(entity_id, effective="IMMEDIATELY")

    payload = await customers.reactivate(entity_id)

    year = customers.today.year
    assert invoiced(payload) == [2900]
    assert payload["subscription"]["status"] == "ACTIVE"
    assert payload["subscription"]["currentPeriod"] == {"start": f"{year}-01-16", "end": f"{year}-02-16"}
    assert payload["payment"]["amount"]["minorUnits"] == 2900 - 1497
    assert payload["customer"]["accountBalance"]["minorUnits"] == 0
    assert payload["customer"]["credits"]["balance"] == 30_000
    assert await _contracts(customers, entity_id) == ["CANCELLED", "ACTIVE"]
    await customers.agree(entity_id)


@pytest.mark.parametrize(
    ("old", "new", "credits_after"),
    [("TEAM", "FREE", 50_000 - 25_290), ("TEAM", "PRO", 50_000 - 20_645), ("PRO", "TEAM", 10_000 + 20_645)],
)
async def test_on_another_tier_in_the_same_month_the_allowance_is_that_of_a_change(
    customers: Customers, entity_id: str, old: str, new: str, credits_after: int
) -> None:
    await _half_way(customers, entity_id, tier=old)
    await customers.cancel(entity_id, effective="IMMEDIATELY")

    payload = await customers.reactivate(entity_id, tier=new)

    assert payload["userErrors"] == []
    assert payload["subscription"]["tier"] == new
    assert payload["customer"]["credits"]["balance"] == credits_after
    await customers.agree(entity_id)


async def test_cancelling_and_returning_to_the_free_tier_keeps_no_paid_allowance(
    customers: Customers, entity_id: str
) -> None:
    customers.go_to_next(1, 1)
    await customers.onboard(entity_id, tier="TEAM")

    cancelled = await customers.cancel(entity_id, effective="IMMEDIATELY")
    returned = await customers.reactivate(entity_id, tier="FREE")

    assert cancelled["customer"]["accountBalance"]["minorUnits"] == 2900
    assert returned["customer"]["credits"]["balance"] == 1_000
    await customers.agree(entity_id)


async def test_months_later_on_another_tier_and_period(customers: Customers, entity_id: str) -> None:
    customers.go_to_next(1, 31, leap=False)
    await customers.onboard(entity_id)
    await customers.cancel(entity_id, effective="IMMEDIATELY", creditUnusedTime=False)
    customers.go_to_next(5, 15)
    await customers.hear(entity_id)

    payload = await customers.reactivate(entity_id, tier="TEAM", billingPeriod="YEARLY")

    year = customers.today.year
    assert invoiced(payload) == [29_000]
    assert payload["subscription"]["currentPeriod"] == {"start": f"{year}-05-15", "end": f"{year + 1}-05-15"}
    assert payload["customer"]["credits"]["balance"] == 50_000
    await customers.agree(entity_id)


async def test_a_return_that_is_declined_is_past_due(customers: Customers, entity_id: str) -> None:
    await _half_way(customers, entity_id)
    await customers.cancel(entity_id, effective="IMMEDIATELY", creditUnusedTime=False)
    await customers.attach(entity_id, DECLINING)

    payload = await customers.reactivate(entity_id)

    assert payload["subscription"]["status"] == "PAST_DUE"
    assert (payload["invoice"]["status"], payload["payment"]["declineCode"]) == ("OPEN", "generic_decline")
    await customers.agree(entity_id)


async def test_a_return_whose_invoice_is_refused_is_no_free_subscription(customers: Customers, entity_id: str) -> None:
    await _half_way(customers, entity_id)
    await customers.cancel(entity_id, effective="IMMEDIATELY")
    await customers.service.metronome.fault(method="POST", path="/api/v1/invoices$", kind="status_before", status=400)

    refused = await customers.reactivate(entity_id)

    assert codes(refused) == [("PROVIDER_REJECTED", None)]
    assert refused["subscription"]["status"] == "CANCELLED"
    assert refused["customer"]["credits"]["balance"] == await customers.credits_left(entity_id) == 0
    assert await _contracts(customers, entity_id) == ["CANCELLED", "CANCELLED"]

    again = await customers.reactivate(entity_id)

    assert (again["userErrors"], again["subscription"]["status"]) == ([], "ACTIVE")
    assert again["customer"]["credits"]["balance"] == 10_000
    await customers.agree(entity_id)


async def test_past_due_a_plan_can_be_changed_and_cancelled(customers: Customers, entity_id: str) -> None:
    customers.go_to_next(1, 1)
    await customers.onboard(entity_id, card=DECLINING)
    assert (await customers.customer(entity_id))["subscription"]["status"] == "PAST_DUE"

    up = await customers.change(entity_id, tier="TEAM")
    down = await customers.change(entity_id, tier="FREE")
    await customers.agree(entity_id)
    end = await customers.cancel(entity_id, effective="IMMEDIATELY")

    assert codes(up) == [("PAYMENT_DECLINED", "paymentMethodId")]
    assert (down["userErrors"], down["subscription"]["status"]) == ([], "PAST_DUE")
    assert down["customer"]["accountBalance"]["minorUnits"] == 0
    assert end["subscription"]["status"] == "CANCELLED"
    assert await charged(customers.service, entity_id) == []
    statuses = [each["status"] for each in (await customers.customer(entity_id))["invoices"]]
    assert statuses == ["VOID", "OPEN"]
    await customers.agree(entity_id)


async def test_yearly_from_the_29th_of_february(customers: Customers, entity_id: str) -> None:
    day = customers.go_to_next(2, 29, leap=True)
    await customers.onboard(entity_id, billingPeriod="YEARLY", card=None, tier="FREE")
    customers.go_to(day.replace(year=day.year + 1, day=28))
    await customers.hear(entity_id)

    payload = await customers.cancel(entity_id)

    period = payload["subscription"]["currentPeriod"]
    assert period == {"start": f"{day.year + 1}-02-28", "end": f"{day.year + 2}-02-28"}
    await customers.agree(entity_id)


async def test_news_of_the_end_that_come_after_the_return_take_nothing(customers: Customers, entity_id: str) -> None:
    await _half_way(customers, entity_id, tier="TEAM")
    await customers.cancel(entity_id, effective="IMMEDIATELY")
    await customers.reactivate(entity_id)

    await customers.hear(entity_id)

    assert (await customers.customer(entity_id))["credits"]["balance"] == 50_000
    await customers.agree(entity_id)


async def test_a_month_that_is_told_after_the_end_leaves_nothing(customers: Customers, entity_id: str) -> None:
    await _half_way(customers, entity_id, tier="TEAM", billingPeriod="YEARLY")
    customers.go_to_next(2, 3)

    await customers.cancel(entity_id, effective="IMMEDIATELY")
    await customers.hear(entity_id)

    assert (await customers.customer(entity_id))["credits"]["balance"] == 0
    await customers.agree(entity_id)


async def test_a_scheduled_change_within_a_credit_month_that_is_told_late_is_in_the_ledger(
    customers: Customers, entity_id: str
) -> None:
    customers.go_to_next(1, 1)
    await customers.onboard(entity_id)
    customers.pass_days(3)
    await customers.change(entity_id, tier="PRO", billingPeriod="YEARLY")
    await customers.change(entity_id, tier="PRO", billingPeriod="MONTHLY")
    await customers.hear(entity_id)
    await customers.change(entity_id, tier="FREE", effective="AT_PERIOD_END")
    customers.pass_days(35)

    await customers.hear(entity_id)

    assert (await customers.customer(entity_id))["subscription"]["tier"] == "FREE"
    await customers.agree(entity_id)
