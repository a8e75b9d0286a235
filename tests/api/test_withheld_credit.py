"""A plan is left before its invoice is paid: what was for time not used is credited once it is paid, not before."""

from datetime import date

import pytest

import models
from tests.api.changing import ASKING, Customers, invoiced
from tests.api.paying import authenticate, charged, invoices_of, send


async def _unpaid(customers: Customers, entity_id: str, tier: str) -> date:
    """On the plan since the first of a January, with an open invoice for it; half of the month is left."""
    customers.go_to_next(1, 1)
    await customers.onboard(entity_id, tier=tier, card=None)
    return customers.go_to_next(1, 16)


async def _pay(customers: Customers, entity_id: str) -> None:
    await customers.attach(entity_id, "pm_card_visa")
    open_ones = [each for each in await invoices_of(customers.service, entity_id) if each["status"] == "OPEN"]
    for invoice in reversed(open_ones):
        paid = await send(customers.service, "payInvoice", invoiceId=invoice["id"])
        assert paid["userErrors"] == []


async def _without_card(customers: Customers, entity_id: str) -> None:
    (method,) = await models.PaymentMethod.filter(customer__entity_id=entity_id, detached_at=None)
    detached = await send(customers.service, "detachPaymentMethod", entityId=entity_id, paymentMethodId=method.id)
    assert detached["userErrors"] == []


async def _balance(customers: Customers, entity_id: str) -> int:
    await customers.agree(entity_id)
    balance: int = (await customers.customer(entity_id))["accountBalance"]["minorUnits"]
    return balance


async def test_an_upgrade_credits_the_old_plans_unused_time_once_that_is_paid(
    customers: Customers, entity_id: str
) -> None:
    await _unpaid(customers, entity_id, "PRO")
    assert invoiced(await customers.change(entity_id, tier="TEAM")) == [1497]
    assert await _balance(customers, entity_id) == 0

    await _pay(customers, entity_id)

    assert sorted(await charged(customers.service, entity_id)) == [900, 1497]
    assert await _balance(customers, entity_id) == 465
    subscription = await models.Subscription.get(customer__entity_id=entity_id)
    assert subscription.paid_minor == 900 - 465 + 1497


async def test_a_downgrade_too_and_a_second_change_credits_each_plan_to_its_own_invoice(
    customers: Customers, entity_id: str
) -> None:
    await _unpaid(customers, entity_id, "TEAM")
    await customers.change(entity_id, tier="PRO")
    customers.go_to_next(1, 24)
    await customers.change(entity_id, tier="FREE")
    withheld = models.Invoice.filter(customer__entity_id=entity_id).order_by("issued_at")
    assert [(each.amount_minor, each.withheld_minor) async for each in withheld] == [(2900, 1497), (465, 232)]

    await _pay(customers, entity_id)

    assert await _balance(customers, entity_id) == 1497 + 232


async def test_paid_by_bank_transfer_it_is_credited_the_same(customers: Customers, entity_id: str) -> None:
    await _unpaid(customers, entity_id, "PRO")
    await customers.change(entity_id, tier="FREE")
    (invoice,) = await models.Invoice.filter(customer__entity_id=entity_id)
    assert invoice.metronome_invoice_id is not None
    await customers.tools.metronome.pay_invoice(
        invoice_id=invoice.metronome_invoice_id, external_payment_id="wire-1", idempotency_key=f"wire-{entity_id}"
    )

    for _ in range(2):
        await customers.hear(entity_id)

        assert await _balance(customers, entity_id) == 465
    assert await charged(customers.service, entity_id) == []


async def test_never_paid_nothing_is_credited(customers: Customers, entity_id: str) -> None:
    await _unpaid(customers, entity_id, "PRO")
    await customers.change(entity_id, tier="TEAM")
    await customers.cancel(entity_id, effective="IMMEDIATELY")

    customers.pass_days(60)
    await customers.hear(entity_id)

    assert await _balance(customers, entity_id) == 0


@pytest.mark.parametrize(("credit", "credited"), [(True, 1497), (False, 0)])
async def test_ended_at_once_the_unused_time_is_credited_once_its_invoice_is_paid_or_not(
    customers: Customers, entity_id: str, credit: bool, credited: int
) -> None:
    await _unpaid(customers, entity_id, "TEAM")
    await customers.cancel(entity_id, effective="IMMEDIATELY", creditUnusedTime=credit)
    assert await _balance(customers, entity_id) == 0

    await _pay(customers, entity_id)

    assert await charged(customers.service, entity_id) == [2900]
    assert await _balance(customers, entity_id) == credited


async def test_ended_at_once_what_the_account_balance_paid_is_credited_and_the_rest_when_it_is_paid(
    customers: Customers, entity_id: str
) -> None:
    customers.go_to_next(1, 1)
    await customers.onboard(entity_id)
    await customers.cancel(entity_id, effective="IMMEDIATELY")
    await _without_card(customers, entity_id)
    await customers.reactivate(entity_id, tier="TEAM")
    customers.go_to_next(1, 16)
    await customers.cancel(entity_id, effective="IMMEDIATELY")
    assert await _balance(customers, entity_id) == 900

    await _pay(customers, entity_id)

    assert sorted(await charged(customers.service, entity_id)) == [900, 2000]
    assert await _balance(customers, entity_id) == 1497


async def test_a_payment_that_succeeds_after_the_end_gives_what_was_withheld(
    customers: Customers, entity_id: str
) -> None:
    await _unpaid(customers, entity_id, "TEAM")
    await customers.attach(entity_id, ASKING)
    (invoice,) = await invoices_of(customers.service, entity_id)
    asked = await send(customers.service, "payInvoice", invoiceId=invoice["id"])
    assert asked["payment"]["status"] == "REQUIRES_ACTION"
    await customers.cancel(entity_id, effective="IMMEDIATELY")

    await authenticate(customers.service, asked["payment"]["stripePaymentIntentId"])
    for _ in range(2):
        await customers.hear_of_payments(entity_id)

        assert await _balance(customers, entity_id) == 1497
    assert await charged(customers.service, entity_id) == [2900]


async def test_ended_unpaid_what_was_spent_of_the_days_left_is_owed(customers: Customers, entity_id: str) -> None:
    """Else a month's credits could be spent for the price of a day, paid later."""
    await _unpaid(customers, entity_id, "TEAM")
    await customers.use(entity_id, 50_000)
    await customers.cancel(entity_id, effective="IMMEDIATELY")
    adjustments = models.CreditEntry.filter(customer__entity_id=entity_id, kind="ADJUSTMENT")
    assert sum([entry.amount async for entry in adjustments]) == 25_806

    await _pay(customers, entity_id)
    returned = await customers.reactivate(entity_id)

    assert returned["userErrors"] == []
    assert await customers.credits_left(entity_id) == 0
    assert await _balance(customers, entity_id) == 0


async def test_paid_before_the_change_there_is_nothing_to_withhold(customers: Customers, entity_id: str) -> None:
    customers.go_to_next(1, 1)
    await customers.onboard(entity_id)
    customers.go_to_next(1, 16)

    assert invoiced(await customers.change(entity_id, tier="TEAM")) == [-465, 1497]

    withheld = models.Invoice.filter(customer__entity_id=entity_id, withheld_minor__gt=0)
    assert not await withheld.exists()
    assert await _balance(customers, entity_id) == 0
