"""Credits that were spent and then credited in money: they come off later credits that are paid for."""

import models
from tests.api.changing import Customers
from tests.api.paying import charged


async def _spend_all(customers: Customers, entity_id: str) -> None:
    await customers.use(entity_id, await customers.credits_left(entity_id))


async def _stands(customers: Customers, entity_id: str, *, credits_left: int, owed: int) -> None:
    customer = await customers.customer(entity_id)
    assert customer["credits"]["balance"] == await customers.credits_left(entity_id) == credits_left
    adjustments = models.CreditEntry.filter(customer__entity_id=entity_id, kind="ADJUSTMENT")
    assert sum([entry.amount async for entry in adjustments]) == owed
    await customers.agree(entity_id)


async def test_one_payment_buys_credits_once_however_often_the_plan_is_left(
    customers: Customers, entity_id: str
) -> None:
    customers.go_to_next(1, 1)
    await customers.onboard(entity_id)
    for month in (2, 3):
        await _spend_all(customers, entity_id)
        await customers.change(entity_id, tier="FREE")
        assert (await customers.customer(entity_id))["accountBalance"]["minorUnits"] == 900
        customers.go_to_next(month, 1)
        await customers.hear(entity_id)
        await _stands(customers, entity_id, credits_left=1_000, owed=9_000)

        quote = await customers.quoted(entity_id, tier="PRO")
        changed = await customers.change(entity_id, quoteId=quote["id"])

        assert (quote["creditsChange"], quote["dueNow"]["minorUnits"]) == (0, 0)
        assert changed["userErrors"] == []
        await _stands(customers, entity_id, credits_left=1_000, owed=0)
    assert await charged(customers.service, entity_id) == [900]


async def test_ended_with_the_unused_time_credited_what_was_spent_comes_off_the_return(
    customers: Customers, entity_id: str
) -> None:
    customers.go_to_next(1, 1)
    await customers.onboard(entity_id)
    customers.go_to_next(1, 16)
    await customers.use(entity_id, 8_000)
    await customers.cancel(entity_id, effective="IMMEDIATELY")
    await _stands(customers, entity_id, credits_left=0, owed=3_161)
    customers.go_to_next(3, 5)
    await customers.hear(entity_id)

    returned = await customers.reactivate(entity_id)

    assert returned["userErrors"] == []
    await _stands(customers, entity_id, credits_left=6_839, owed=0)


async def test_a_month_that_was_spent_before_we_heard_of_it_is_owed_when_its_time_is_credited(
    customers: Customers, entity_id: str
) -> None:
    customers.go_to_next(1, 1)
    await customers.onboard(entity_id, tier="TEAM", billingPeriod="YEARLY")
    customers.go_to_next(2, 1, leap=False)
    await customers.use(entity_id, 30_000)

    await customers.cancel(entity_id, effective="IMMEDIATELY")

    for _ in range(2):
        await _stands(customers, entity_id, credits_left=0, owed=30_000)
        await customers.hear(entity_id)
    returned = await customers.reactivate(entity_id)
    assert returned["userErrors"] == []
    await _stands(customers, entity_id, credits_left=20_000, owed=0)


async def test_ended_with_nothing_credited_nothing_is_owed(customers: Customers, entity_id: str) -> None:
    customers.go_to_next(1, 1)
    await customers.onboard(entity_id)
    await _spend_all(customers, entity_id)

    await customers.cancel(entity_id, effective="IMMEDIATELY", creditUnusedTime=False)

    await _stands(customers, entity_id, credits_left=0, owed=0)


async def test_the_next_months_of_a_paid_plan_pay_what_is_owed(customers: Customers, entity_id: str) -> None:
    customers.go_to_next(1, 1)
    await customers.onboard(entity_id, tier="TEAM")
    customers.go_to_next(1, 31)
    await customers.use(entity_id, 49_500)
    await customers.change(entity_id, tier="PRO")
    await _stands(customers, entity_id, credits_left=0, owed=790)

    customers.go_to_next(2, 1)
    await customers.hear(entity_id, newest_first=True)

    await _stands(customers, entity_id, credits_left=9_210, owed=0)
    customers.go_to_next(3, 1)
    await customers.hear(entity_id)
    await _stands(customers, entity_id, credits_left=10_000, owed=0)


async def test_more_than_a_month_can_pay_stays_owed(customers: Customers, entity_id: str) -> None:
    customers.go_to_next(1, 1)
    await customers.onboard(entity_id, tier="TEAM", billingPeriod="YEARLY")
    await _spend_all(customers, entity_id)
    await customers.change(entity_id, tier="PRO")
    await _stands(customers, entity_id, credits_left=0, owed=40_000)

    customers.go_to_next(2, 1)
    await customers.hear(entity_id)

    await _stands(customers, entity_id, credits_left=0, owed=30_000)


async def test_what_metronome_does_not_let_us_take_stays_owed_until_the_next_month(
    customers: Customers, entity_id: str
) -> None:
    customers.go_to_next(1, 1)
    await customers.onboard(entity_id, tier="TEAM")
    await _spend_all(customers, entity_id)
    await customers.change(entity_id, tier="PRO")
    await customers.service.metronome.fault(method="POST", path="/api/v1/credits$", kind="status_before", status=400)
    customers.go_to_next(2, 1)
    await customers.hear(entity_id)
    await _stands(customers, entity_id, credits_left=10_000, owed=40_000)

    customers.go_to_next(3, 1)
    await customers.hear(entity_id)

    await _stands(customers, entity_id, credits_left=0, owed=30_000)


async def test_the_months_of_a_free_plan_are_left_alone(customers: Customers, entity_id: str) -> None:
    customers.go_to_next(1, 1)
    await customers.onboard(entity_id)
    await _spend_all(customers, entity_id)
    await customers.change(entity_id, tier="FREE")
    for month in (2, 3):
        customers.go_to_next(month, 1)
        await customers.hear(entity_id)
        await _stands(customers, entity_id, credits_left=1_000, owed=9_000)
