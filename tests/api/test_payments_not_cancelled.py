"""Stripe does not let a payment be cancelled, as while a bank has it in hand: it may succeed, so it is waited for."""

from datetime import timedelta
from typing import Any

import models
from app.settings import SANDBOX_STRIPE_KEY
from operations.collect_invoice import collect_due
from operations.parked import expire_parked
from tests.api.changing import ASKING, Customers
from tests.api.paying import authenticate, charged, engine_of, invoices_of, send, until_idle
from tests.service import Service

HOUR = timedelta(hours=1)


async def test_an_upgrade_whose_payment_cannot_be_cancelled_waits_on_and_takes_effect_when_it_is_paid(
    customers: Customers, entity_id: str
) -> None:
    upgrade = await _waiting_for_a_payment_that_stays(customers, entity_id)

    await _pay_with_another_card(customers.service, upgrade)
    await customers.hear_of_payments(entity_id)

    operation = await models.Operation.get(id=upgrade["operation"]["id"])
    assert (operation.status, operation.error_code) == ("SUCCEEDED", None)
    customer = await customers.customer(entity_id)
    assert customer["subscription"]["tier"] == "TEAM"
    assert [invoice["status"] for invoice in customer["invoices"]] == ["PAID", "PAID"]
    assert await charged(customers.service, entity_id) == [1032, 900]
    await customers.agree(entity_id)


async def test_an_upgrade_whose_payment_can_be_cancelled_later_is_called_off_then(
    customers: Customers, entity_id: str
) -> None:
    upgrade = await _waiting_for_a_payment_that_stays(customers, entity_id)
    await customers.service.stripe.clear_faults()

    customers.service.clock.advance(HOUR)
    assert await _round(customers, entity_id) == 1

    operation = await models.Operation.get(id=upgrade["operation"]["id"])
    assert (operation.status, operation.error_code) == ("FAILED", "PAYMENT_DECLINED")
    customer = await customers.customer(entity_id)
    assert customer["subscription"]["tier"] == "PRO"
    assert [(invoice["status"], invoice["payments"][0]["status"]) for invoice in customer["invoices"]] == [
        ("VOID", "CANCELLED"),
        ("PAID", "SUCCEEDED"),
    ]
    assert await charged(customers.service, entity_id) == [900]
    await customers.agree(entity_id)


async def test_what_can_never_be_cancelled_is_looked_at_once_an_hour(customers: Customers, entity_id: str) -> None:
    upgrade = await _waiting_for_a_payment_that_stays(customers, entity_id)
    operation_id = upgrade["operation"]["id"]
    before = await models.Activity.filter(operation_id=operation_id).count()

    customers.service.clock.advance(HOUR)
    taken_up = [await _round(customers, entity_id) for _ in range(3)]

    assert taken_up == [1, 0, 0]
    # Taken up, refused, waiting again.
    assert await models.Activity.filter(operation_id=operation_id).count() == before + 3
    operation = await models.Operation.get(id=operation_id)
    assert (operation.status, operation.action_expires_at) == ("REQUIRES_ACTION", operation.updated_at + HOUR)
    assert [each["status"] for each in (await customers.customer(entity_id))["invoices"]] == ["DRAFT", "PAID"]
    await customers.service.stripe.clear_faults()


async def test_after_the_period_end_it_is_still_waited_for_from_hour_to_hour(
    customers: Customers, entity_id: str
) -> None:
    upgrade = await _waiting_for_a_payment_that_stays(customers, entity_id)

    customers.go_to_next(2, 1)
    assert [await _round(customers, entity_id) for _ in range(2)] == [1, 0]

    operation = await models.Operation.get(id=upgrade["operation"]["id"])
    assert operation.action_expires_at == operation.updated_at + HOUR
    await customers.service.stripe.clear_faults()


async def test_an_invoice_is_not_charged_beside_a_payment_that_cannot_be_cancelled(
    customers: Customers, entity_id: str
) -> None:
    service = customers.service
    onboarded = await customers.begin_onboarding(entity_id, "PRO", ASKING)
    await customers.attach(entity_id, "pm_card_visa")
    await _refuse_to_cancel(service)
    [invoice] = await invoices_of(service, entity_id)

    paid = await send(service, "payInvoice", invoiceId=invoice["id"])

    assert (paid["operation"]["status"], paid["payment"]["id"]) == ("SUCCEEDED", onboarded["payment"]["id"])
    assert (paid["invoice"]["status"], paid["payment"]["status"]) == ("OPEN", "REQUIRES_ACTION")
    assert await charged(service, entity_id) == []
    await authenticate(service, str((await models.Payment.get(id=onboarded["payment"]["id"])).stripe_payment_intent_id))
    await customers.hear_of_payments(entity_id)
    assert await charged(service, entity_id) == [900]
    await customers.agree(entity_id)
    await service.stripe.clear_faults()


async def test_an_invoice_that_is_due_waits_a_day_for_a_payment_that_cannot_be_cancelled(
    customers: Customers, entity_id: str
) -> None:
    service = customers.service
    await customers.begin_onboarding(entity_id, "PRO", ASKING)
    await _refuse_to_cancel(service)
    customers.pass_days(30)
    customer = await models.Customer.get(entity_id=entity_id)

    started = []
    for _ in range(2):
        started.append(await collect_due(engine_of(service), service.clock.now, customer_id=customer.id))
        await until_idle(service, entity_id)

    assert started == [1, 0]
    invoice = await models.Invoice.get(customer_id=customer.id)
    assert (invoice.status, invoice.next_attempt_at) == ("OPEN", invoice.updated_at + timedelta(days=1))
    await service.stripe.clear_faults()


async def _waiting_for_a_payment_that_stays(customers: Customers, entity_id: str) -> dict[str, Any]:
    """An upgrade whose payer failed to confirm; Stripe refuses to cancel the intent, which can still be paid."""
    customers.go_to_next(1, 1)
    await customers.onboard(entity_id)
    await customers.attach(entity_id, ASKING)
    customers.pass_days(15)
    upgrade = await customers.change(entity_id, tier="TEAM")
    await authenticate(customers.service, upgrade["payment"]["stripePaymentIntentId"], "failure")
    await _refuse_to_cancel(customers.service)

    resumed = await customers.do("resumeOperation", operationId=upgrade["operation"]["id"])

    assert resumed["userErrors"] == []
    assert [resumed[each]["status"] for each in ("operation", "invoice", "payment")] == [
        "REQUIRES_ACTION",
        "DRAFT",
        "PROCESSING",
    ]
    return upgrade


async def _refuse_to_cancel(service: Service) -> None:
    path = "/v1/payment_intents/[^/]+/cancel$"
    await service.stripe.fault(method="POST", path=path, kind="status_before", status=400, times=None)


async def _pay_with_another_card(service: Service, upgrade: dict[str, Any]) -> None:
    """As a browser that still has the client secret can."""
    answer = await service.stripe.http.post(
        f"/v1/payment_intents/{upgrade['payment']['stripePaymentIntentId']}/confirm",
        data={"payment_method": "pm_card_visa"},
        headers={"authorization": f"Bearer {SANDBOX_STRIPE_KEY.get_secret_value()}"},
    )
    assert (answer.status_code, answer.json()["status"]) == (200, "succeeded")


async def _round(customers: Customers, entity_id: str) -> int:
    """One of the worker's rounds: how often it took up the customer's upgrade."""
    upgrade = models.Operation.get(customer__entity_id=entity_id, kind="CHANGE_TIER")
    before = (await upgrade).leg
    await expire_parked(engine_of(customers.service), customers.service.clock.now)
    await until_idle(customers.service, entity_id)
    return (await upgrade).leg - before
