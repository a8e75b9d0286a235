"""Metronome refuses the invoice of a period that has begun: nobody gets it for nothing, and nobody pays it twice."""

import asyncio
from datetime import timedelta
from typing import Any

import models
from operations.owed import issue_what_is_owed
from operations.reconcile import Difference, Severity, compare
from tests.api.changing import Customers
from tests.api.paying import charged, engine_of, until_idle


async def _refuse(customers: Customers, noun: str, times: int | None = 1) -> None:
    await customers.service.metronome.fault(
        method="POST", path=f"/api/v1/{noun}$", kind="status_before", status=400, times=times
    )


async def _followed_unbilled(customers: Customers, entity_id: str, card: str | None = "pm_card_visa") -> None:
    """On Pro, and from today on Team, as it was scheduled; Metronome refused the invoice of it."""
    customers.go_to_next(1, 1)
    await customers.onboard(entity_id, card=card)
    await customers.change(entity_id, tier="TEAM", effective="AT_PERIOD_END")
    customers.go_to_next(2, 1)
    await _refuse(customers, "invoices")
    await customers.hear(entity_id)
    await customers.service.metronome.clear_faults()


async def _rounds(customers: Customers, entity_id: str, workers: int = 1) -> None:
    await asyncio.gather(
        *(issue_what_is_owed(engine_of(customers.service), customers.service.clock.now) for _ in range(workers))
    )
    await until_idle(customers.service, entity_id)


async def _differences(customers: Customers, entity_id: str) -> list[tuple[str, str, Severity]]:
    customer = await models.Customer.get(entity_id=entity_id)
    return [_shown(each) for each in await compare(customer, customers.tools)]


def _shown(found: Difference) -> tuple[str, str, Severity]:
    return found.what, found.ours, found.severity


async def _bills(customers: Customers, entity_id: str) -> list[tuple[str, int]]:
    invoices: list[dict[str, Any]] = (await customers.customer(entity_id))["invoices"]
    return [(invoice["status"], invoice["amount"]["minorUnits"]) for invoice in invoices]


async def test_it_stays_owed_is_told_and_is_collected_at_the_next_try(customers: Customers, entity_id: str) -> None:
    await _followed_unbilled(customers, entity_id)

    subscription = (await customers.customer(entity_id))["subscription"]
    assert (subscription["tier"], subscription["status"]) == ("TEAM", "ACTIVE")
    ended = await models.Operation.get(customer__entity_id=entity_id, kind=models.OperationKind.END)
    period = f"{subscription['currentPeriod']['start']} to {subscription['currentPeriod']['end']}"
    [warning] = ended.warnings
    assert (ended.status, warning["code"], warning["field"]) == ("SUCCEEDED", "PROVIDER_REJECTED", None)
    assert str(warning["message"]).startswith(f"Metronome refused the invoice of {period}, which stays owed")
    assert await _bills(customers, entity_id) == [("DRAFT", 2900), ("PAID", 900)]
    assert await _differences(customers, entity_id) == [("invoice.refused", f"29.00 USD for {period}", Severity.HIGH)]

    await _rounds(customers, entity_id)
    assert await charged(customers.service, entity_id) == [900]  # its time has not come
    customers.service.clock.advance(timedelta(hours=1))
    await _rounds(customers, entity_id, workers=3)
    await _rounds(customers, entity_id)

    assert await _bills(customers, entity_id) == [("PAID", 2900), ("PAID", 900)]
    assert await charged(customers.service, entity_id) == [2900, 900]
    await customers.agree(entity_id)
    subscription = await models.Subscription.get(customer__entity_id=entity_id)
    assert subscription.paid_minor == 2900


async def test_what_is_refused_again_is_tried_a_day_later(customers: Customers, entity_id: str) -> None:
    await _followed_unbilled(customers, entity_id)
    customers.service.clock.advance(timedelta(hours=1))
    await _refuse(customers, "invoices")

    await _rounds(customers, entity_id)

    again = await models.Operation.get(customer__entity_id=entity_id, kind=models.OperationKind.RENEW)
    assert (again.status, [each["code"] for each in again.warnings]) == ("SUCCEEDED", ["PROVIDER_REJECTED"])
    customers.service.clock.advance(timedelta(hours=23))
    await _rounds(customers, entity_id)
    assert await charged(customers.service, entity_id) == [900]
    customers.service.clock.advance(timedelta(hours=1))
    await _rounds(customers, entity_id)
    assert await charged(customers.service, entity_id) == [2900, 900]
    await customers.agree(entity_id)


async def test_without_a_card_it_is_an_open_invoice_and_nobody_falls_behind(
    customers: Customers, entity_id: str
) -> None:
    await _followed_unbilled(customers, entity_id, card=None)
    customers.service.clock.advance(timedelta(hours=1))

    await _rounds(customers, entity_id)

    assert await _bills(customers, entity_id) == [("OPEN", 2900), ("OPEN", 900)]
    assert (await customers.customer(entity_id))["subscription"]["status"] == "ACTIVE"
    await customers.agree(entity_id)


async def test_the_invoice_of_a_change_that_is_paid_is_asked_for_until_it_is_taken(
    customers: Customers, entity_id: str
) -> None:
    customers.go_to_next(1, 1)
    await customers.onboard(entity_id)
    await _refuse(customers, "invoices", times=2)

    payload = await customers.change(entity_id, tier="TEAM")

    assert (payload["operation"]["status"], payload["userErrors"]) == ("SUCCEEDED", [])
    attempts = models.ProviderEffect.filter(operation_id=payload["operation"]["id"], step="metronome_invoice")
    states = [each.state async for each in attempts.order_by("attempt")]
    assert states == [models.EffectState.REFUSED, models.EffectState.REFUSED, models.EffectState.DONE]
    assert await charged(customers.service, entity_id) == [2000, 900]
    assert await _bills(customers, entity_id) == [("PAID", 2000), ("PAID", 900)]
    await customers.agree(entity_id)


async def test_a_paid_period_that_no_invoice_stands_for_is_found(customers: Customers, entity_id: str) -> None:
    await _followed_unbilled(customers, entity_id)
    lost = await models.Invoice.get(customer__entity_id=entity_id, status="DRAFT")
    await models.InvoiceLine.filter(invoice_id=lost.id).delete()
    await lost.delete()

    found = await _differences(customers, entity_id)

    owed = f"29.00 USD for {lost.period_start} to {lost.period_end}"
    assert found == [("subscription.invoice", owed, Severity.HIGH)]


async def test_a_refused_allowance_is_told_and_does_not_hold_up_the_invoice(
    customers: Customers, entity_id: str
) -> None:
    customers.go_to_next(1, 1)
    await customers.onboard(entity_id)
    await customers.change(entity_id, tier="TEAM", effective="AT_PERIOD_END")
    customers.go_to_next(2, 1)
    await _refuse(customers, "credits", times=None)

    await customers.hear(entity_id)
    await customers.service.metronome.clear_faults()

    ended = await models.Operation.get(customer__entity_id=entity_id, kind=models.OperationKind.END)
    assert [each["code"] for each in ended.warnings] == ["PROVIDER_REJECTED"]
    assert str(ended.warnings[0]["message"]).startswith("The allowance was not granted, metronome refused: ")
    assert await _bills(customers, entity_id) == [("PAID", 2900), ("PAID", 900)]
