"""A credit month ends while something is under way: everybody has the allowance of the plan that they pay for.

On a yearly plan, or after a change of billing period, that is not the end of the billing period.
"""

from datetime import date, timedelta
from typing import Any

import pytest

import models
from billing.invoices import InvoiceStatus
from billing.periods import credit_month_at, midnight
from integrations.stripe.types import PaymentIntentStatus
from operations.reconcile import compare
from tests.api.changing import ASKING, Customers
from tests.api.onboarding import ended, everything_of, waiting
from tests.api.paying import authenticate
from tests.webhooks.delivery import until

SETTINGS = {"operation_wait_seconds": 0.3}
UP = ("PRO", "TEAM", 10_000, 50_000)  # from, to, and the month's credits on each
DOWN = ("TEAM", "PRO", 50_000, 10_000)


async def _onboard(customers: Customers, entity_id: str, tier: str) -> None:
    begun = await customers.begin_onboarding(entity_id, tier, "pm_card_visa", billingPeriod="YEARLY")
    assert (await ended(customers.service, begun["operation"]["id"]))["status"] == "SUCCEEDED"


async def _do(customers: Customers, verb: str, entity_id: str, **given: Any) -> dict[str, Any]:
    """The operation that it was, once it has ended or waits for its payer."""
    payload = await customers.do(verb, entityId=entity_id, **given)
    return await ended(customers.service, payload["operation"]["id"])


async def _asked(customers: Customers, entity_id: str, **plan: Any) -> tuple[str, models.Payment]:
    """A change whose payer has to confirm it: the operation's id, and what is to be confirmed."""
    await _do(customers, "attachPaymentMethod", entity_id, paymentMethodId=ASKING)
    operation = await _do(customers, "changeTier", entity_id, **plan)
    assert operation["status"] == "REQUIRES_ACTION"
    return operation["id"], await models.Payment.get(operation_id=operation["id"])


async def _confirmed(customers: Customers, operation_id: str, payment: models.Payment) -> None:
    """Too late: it is called off, the money given back, and it may be asked again."""
    await customers.do("confirmPayment", paymentId=payment.id)
    operation = await ended(customers.service, operation_id)
    assert (operation["status"], operation["error"]["code"]) == ("FAILED", "CUSTOMER_BUSY")
    assert (await models.Invoice.get(id=payment.invoice_id)).status is InvoiceStatus.VOID
    assert (await models.Payment.get(id=payment.id)).refunded_minor == payment.amount_minor > 0


async def _on(customers: Customers, entity_id: str, tier: str, *, day: int = 10, leap: bool | None = None) -> date:
    """Yearly from that day of January, until ten minutes before the first credit month ends. Returns its end."""
    anchor = customers.go_to_next(1, day, leap=leap)
    await _onboard(customers, entity_id, tier)
    return _end_of_month(customers, anchor)


def _end_of_month(customers: Customers, anchor: date) -> date:
    end = credit_month_at(anchor, customers.today).end
    customers.service.clock.advance_to(midnight(end) - timedelta(minutes=10))
    return end


def _after(customers: Customers, end: date, *, minutes: int = 10) -> None:
    customers.service.clock.advance_to(midnight(end) + timedelta(minutes=minutes))


async def _away(customers: Customers, noun: str) -> None:
    await customers.service.metronome.fault(
        path=f"/api/v1/{noun}", method=None, kind="status_before", status=503, times=None
    )


async def _back(customers: Customers, operation_id: str, end: date) -> dict[str, Any]:
    """How the operation ended that waited for Metronome over the end of the month."""
    await waiting(customers.service, operation_id)
    _after(customers, end)
    await customers.service.metronome.clear_faults()
    return await ended(customers.service, operation_id)


async def _stands(customers: Customers, entity_id: str, tier: str, credits_: int) -> None:
    await customers.hear(entity_id)
    customer = await customers.customer(entity_id)
    assert (customer["subscription"]["tier"], customer["subscription"]["status"]) == (tier, "ACTIVE")
    assert customer["credits"]["balance"] == await customers.credits_left(entity_id) == credits_
    await customers.agree(entity_id)


async def _kept(customers: Customers, entity_id: str) -> list[int]:
    """What was charged and not given back, the latest first."""
    charges = (await everything_of(customers.service, entity_id)).charges
    return [left for each in charges if (left := each["amount"] - each["amount_refunded"])]


@pytest.mark.parametrize("minutes", [0, 10], ids=["at midnight", "later"])
async def test_a_payer_who_comes_in_the_next_month_gets_the_money_back_and_may_ask_again(
    customers: Customers, entity_id: str, minutes: int
) -> None:
    end = await _on(customers, entity_id, "PRO")
    operation_id, payment = await _asked(customers, entity_id, tier="TEAM")
    await authenticate(customers.service, str(payment.stripe_payment_intent_id))

    _after(customers, end, minutes=minutes)
    await _confirmed(customers, operation_id, payment)

    assert await _kept(customers, entity_id) == [9_000]
    await _stands(customers, entity_id, "PRO", 10_000)
    await _do(customers, "attachPaymentMethod", entity_id, paymentMethodId="pm_card_visa")
    assert (await _do(customers, "changeTier", entity_id, tier="TEAM"))["status"] == "SUCCEEDED"
    await _stands(customers, entity_id, "TEAM", 50_000)


async def test_nobody_keeps_the_dearer_plans_month_by_confirming_after_it_began(
    customers: Customers, entity_id: str
) -> None:
    anchor = customers.go_to_next(1, 10)
    await _onboard(customers, entity_id, "PRO")
    customers.pass_days(10)
    await _do(customers, "changeTier", entity_id, tier="TEAM", billingPeriod="MONTHLY")
    end = _end_of_month(customers, anchor)
    operation_id, payment = await _asked(customers, entity_id, tier="PRO", billingPeriod="YEARLY")
    await authenticate(customers.service, str(payment.stripe_payment_intent_id))

    _after(customers, end)
    await _confirmed(customers, operation_id, payment)

    await _stands(customers, entity_id, "TEAM", 50_000)
    await _do(customers, "attachPaymentMethod", entity_id, paymentMethodId="pm_card_visa")
    again = await _do(customers, "changeTier", entity_id, tier="PRO", billingPeriod="YEARLY")
    assert again["status"] == "SUCCEEDED"
    await _stands(customers, entity_id, "PRO", 10_000)


async def test_a_payer_is_waited_for_until_the_month_ends(customers: Customers, entity_id: str) -> None:
    end = await _on(customers, entity_id, "PRO")
    operation_id, payment = await _asked(customers, entity_id, tier="TEAM")
    assert (await models.Operation.get(id=operation_id)).action_expires_at == midnight(end)

    _after(customers, end, minutes=0)
    await customers.do("resumeOperation", operationId=operation_id)

    operation = await ended(customers.service, operation_id)
    assert (operation["status"], operation["error"]["code"]) == ("FAILED", "PAYMENT_DECLINED")
    intent = await customers.tools.stripe.get_payment_intent(payment_intent_id=str(payment.stripe_payment_intent_id))
    assert intent.status is PaymentIntentStatus.CANCELED
    assert await _kept(customers, entity_id) == [9_000]
    await _stands(customers, entity_id, "PRO", 10_000)


@pytest.mark.parametrize(
    ("plans", "day", "leap"), [(UP, 10, None), (DOWN, 10, None), (UP, 31, False), (DOWN, 31, True)]
)
async def test_a_change_that_metronome_hears_of_in_the_next_month_is_not_made(
    customers: Customers, entity_id: str, plans: tuple[str, str, int, int], day: int, leap: bool | None
) -> None:
    old, new, granted, _ = plans
    end = await _on(customers, entity_id, old, day=day, leap=leap)
    before = await _kept(customers, entity_id)
    await _away(customers, "contracts")
    payload = await customers.change(entity_id, tier=new)

    operation = await _back(customers, payload["operation"]["id"], end)

    assert (operation["status"], operation["error"]["code"]) == ("FAILED", "CUSTOMER_BUSY")
    assert await _kept(customers, entity_id) == before
    await _stands(customers, entity_id, old, granted)
    assert (await customers.customer(entity_id))["accountBalance"]["minorUnits"] == 0


@pytest.mark.parametrize("plans", [UP, DOWN], ids=["up", "down"])
async def test_a_change_that_was_made_in_time_leaves_the_next_month_to_the_new_plan(
    customers: Customers, entity_id: str, plans: tuple[str, str, int, int]
) -> None:
    old, new, _, granted = plans
    end = await _on(customers, entity_id, old)
    await _away(customers, "credits$")
    payload = await customers.change(entity_id, tier=new)

    operation = await _back(customers, payload["operation"]["id"], end)

    assert operation["status"] == "SUCCEEDED"
    await _stands(customers, entity_id, new, granted)


async def test_a_change_for_the_period_end_has_time_until_then(customers: Customers, entity_id: str) -> None:
    end = await _on(customers, entity_id, "TEAM")
    await _away(customers, "contracts")
    payload = await customers.change(entity_id, tier="PRO", effective="AT_PERIOD_END")

    operation = await _back(customers, payload["operation"]["id"], end)

    assert operation["status"] == "SUCCEEDED"
    await _stands(customers, entity_id, "TEAM", 50_000)
    customers.go_to(end.replace(year=end.year + 1, month=1))
    await _stands(customers, entity_id, "PRO", 10_000)


async def test_who_returns_while_metronome_is_away_has_the_month_in_which_it_came_back(
    customers: Customers, entity_id: str
) -> None:
    end = await _on(customers, entity_id, "PRO")
    await _do(customers, "cancel", entity_id, effective="IMMEDIATELY")
    await customers.hear(entity_id)
    await _away(customers, "contracts")
    payload = await customers.reactivate(entity_id)

    operation = await _back(customers, payload["operation"]["id"], end)

    assert operation["status"] == "SUCCEEDED"
    await _stands(customers, entity_id, "PRO", 10_000)
    _after(customers, credit_month_at(end, end).end)
    await _stands(customers, entity_id, "PRO", 10_000)


async def test_who_comes_while_metronome_is_away_has_the_month_in_which_it_came_back(
    customers: Customers, entity_id: str
) -> None:
    anchor = customers.go_to_next(1, 31)
    await _away(customers, "contracts")
    payload = await customers.begin_onboarding(entity_id, "PRO", "pm_card_visa", billingPeriod="YEARLY")

    operation = await _back(customers, payload["operation"]["id"], credit_month_at(anchor, anchor).end)

    assert operation["status"] == "SUCCEEDED"
    await _stands(customers, entity_id, "PRO", 10_000)


async def _arriving_late(
    customers: Customers, entity_id: str, end: date, noun: str, verb: str, **given: Any
) -> dict[str, Any]:
    """How the operation ended whose request was on its way to Metronome when the month ended."""
    before = len(await customers.service.metronome.requests("POST", f"/api/v1/{noun}"))
    await customers.service.metronome.fault(method="POST", path=f"/api/v1/{noun}$", kind="delay", delay_ms=1_500)
    payload = await customers.do(verb, entityId=entity_id, **given)

    async def sent() -> bool:
        return len(await customers.service.metronome.requests("POST", f"/api/v1/{noun}")) > before

    await until(sent, what="the request on its way")
    _after(customers, end)
    return await ended(customers.service, payload["operation"]["id"])


@pytest.mark.parametrize("plans", [UP, DOWN], ids=["up", "down"])
@pytest.mark.parametrize("spent", [0, 4_000])
async def test_a_change_that_arrives_after_the_month_began_makes_it_the_new_plans(
    customers: Customers, entity_id: str, plans: tuple[str, str, int, int], spent: int
) -> None:
    old, new, _, granted = plans
    end = await _on(customers, entity_id, old)
    if spent:
        await customers.use(entity_id, spent)

    operation = await _arriving_late(customers, entity_id, end, "contracts", "changeTier", tier=new)

    assert operation["status"] == "SUCCEEDED"
    await _stands(customers, entity_id, new, granted)
    _after(customers, credit_month_at(end, end).end)
    await _stands(customers, entity_id, new, granted)


@pytest.mark.parametrize("plans", [UP, DOWN], ids=["up", "down"])
async def test_credits_of_a_change_that_arrive_after_the_month_began_change_nothing_of_it(
    customers: Customers, entity_id: str, plans: tuple[str, str, int, int]
) -> None:
    old, new, _, granted = plans
    end = await _on(customers, entity_id, old)

    operation = await _arriving_late(customers, entity_id, end, "credits", "changeTier", tier=new)

    assert operation["status"] == "SUCCEEDED"
    await _stands(customers, entity_id, new, granted)


@pytest.mark.parametrize("noun", ["contracts", "credits"])
async def test_who_comes_or_returns_as_a_month_begins_has_its_allowance_once(
    customers: Customers, entity_id: str, noun: str
) -> None:
    end = await _on(customers, entity_id, "PRO")
    await _do(customers, "cancel", entity_id, effective="IMMEDIATELY")
    await customers.hear(entity_id)

    operation = await _arriving_late(customers, entity_id, end, noun, "reactivate", tier="TEAM")

    assert operation["status"] == "SUCCEEDED"
    await _stands(customers, entity_id, "TEAM", 50_000)


async def test_at_the_period_end_too_and_reconcile_names_the_old_plans_invoice_that_nobody_owes(
    customers: Customers, entity_id: str
) -> None:
    anchor = customers.go_to_next(1, 10)
    begun = await customers.begin_onboarding(entity_id, "PRO", "pm_card_visa")
    await ended(customers.service, begun["operation"]["id"])
    end = _end_of_month(customers, anchor)

    operation = await _arriving_late(customers, entity_id, end, "contracts", "changeTier", tier="TEAM")

    assert operation["status"] == "SUCCEEDED"
    await customers.hear(entity_id)
    customer = await customers.customer(entity_id)
    assert customer["credits"]["balance"] == await customers.credits_left(entity_id) == 50_000
    assert customer["subscription"]["currentPeriod"]["start"] == end.isoformat()
    assert await _kept(customers, entity_id) == [2_900, 65, 900]
    differences = await compare(await models.Customer.get(entity_id=entity_id), customers.tools)
    assert [(each.what, each.ours, each.theirs) for each in differences] == [("invoice", "none", "OPEN 9.00 USD")]
