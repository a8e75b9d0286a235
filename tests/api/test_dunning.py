"""What was not paid is tried again, on the days it should be; then it is over, here and at both providers."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import models
from operations.collect_invoice import collect_due
from operations.reconcile import Difference, Severity, compare
from tests.api.onboarding import everything_of, metronome_list
from tests.api.paying import (
    charged,
    codes,
    engine_of,
    in_days,
    invoices_of,
    new_card,
    send,
    until_idle,
    with_open_invoice,
)
from tests.service import Service

DECLINING = "pm_card_chargeCustomerFail"
RETRY_DAYS = (1, 3, 5, 7)


async def test_a_failed_invoice_is_tried_again_after_1_3_5_and_7_days(service: Service, entity_id: str) -> None:
    await with_open_invoice(service, entity_id, paymentMethodId=DECLINING)
    first = await _first_failure(entity_id)
    seen = [await _dunning(service, entity_id)]

    for days in RETRY_DAYS[:-1]:
        _move_to(service, first + timedelta(days=days))
        await _round(service, entity_id)
        seen.append(await _dunning(service, entity_id))

    assert seen == [(count + 1, first + timedelta(days=days)) for count, days in enumerate(RETRY_DAYS)]
    charges = (await everything_of(service, entity_id)).charges
    assert [charge["status"] for charge in charges] == ["failed"] * 4


async def test_nothing_is_tried_before_its_time(service: Service, entity_id: str) -> None:
    await with_open_invoice(service, entity_id, paymentMethodId=DECLINING)
    first = await _first_failure(entity_id)

    _move_to(service, first + timedelta(days=1) - timedelta(minutes=1))
    await _round(service, entity_id)

    assert len((await everything_of(service, entity_id)).charges) == 1


async def test_retries_are_made_without_the_payer(service: Service, entity_id: str) -> None:
    await with_open_invoice(service, entity_id, paymentMethodId="pm_card_chargeCustomerFail")
    await send(service, "attachPaymentMethod", entityId=entity_id, paymentMethodId="pm_card_authenticationRequired")
    await until_idle(service, entity_id)

    payment = await models.Payment.filter(customer__entity_id=entity_id).order_by("-attempt").first()

    assert payment is not None
    assert (payment.status, payment.error_code) == ("FAILED", "authentication_required")
    assert await charged(service, entity_id) == []


async def test_after_the_last_failure_the_subscription_is_over_everywhere(service: Service, entity_id: str) -> None:
    invoice_id = await with_open_invoice(service, entity_id, paymentMethodId=DECLINING)
    await _exhaust(service, entity_id)

    [invoice] = await invoices_of(service, entity_id)
    assert (invoice["status"], invoice["failedAttempts"], invoice["nextAttemptAt"]) == ("UNCOLLECTIBLE", 5, None)
    subscription = await models.Subscription.get(customer__entity_id=entity_id)
    assert (subscription.status, bool(subscription.ended_at)) == ("EXPIRED", True)
    customer = await models.Customer.get(entity_id=entity_id)
    assert customer.credit_balance == 0
    entries = await models.CreditEntry.filter(customer_id=customer.id).order_by("at", "id")
    assert [(entry.kind, entry.amount) for entry in entries] == [("GRANT", 10_000), ("EXPIRY", -10_000)]
    found = await everything_of(service, entity_id)
    assert [each["status"] for each in found.invoices] == ["uncollectible"]
    assert [each["status"] for each in found.contracts] == ["cancelled"]
    assert [each["balance"] for each in found.grants] == [0]
    assert [each["status"] for each in found.charges] == ["failed"] * 5
    told = await _told_failures(service, invoice_id)
    assert len(told) == 1 + len(RETRY_DAYS)


async def test_when_metronome_refuses_to_hear_of_it_the_invoice_is_given_up_here_and_the_difference_told(
    service: Service, entity_id: str
) -> None:
    invoice_id = await with_open_invoice(service, entity_id, paymentMethodId=DECLINING)
    path = "/api/v1/invoices/[^/]+/uncollectible$"
    await service.metronome.fault(method="POST", path=path, kind="status_before", status=400, times=None)

    await _exhaust(service, entity_id)

    await service.metronome.clear_faults()
    [invoice] = await invoices_of(service, entity_id)
    assert (invoice["status"], invoice["nextAttemptAt"]) == ("UNCOLLECTIBLE", None)
    customer = await models.Customer.get(entity_id=entity_id)
    last = await models.Operation.filter(customer_id=customer.id, kind="COLLECT").order_by("-created_at").first()
    assert last is not None
    assert [warning["code"] for warning in last.warnings] == ["PROVIDER_REJECTED"]
    [difference] = await compare(customer, service.app.state.tools)
    assert difference == Difference("invoice.status", invoice_id, "UNCOLLECTIBLE", "OPEN", Severity.HIGH)


async def test_what_was_spent_is_usage_when_the_allowance_ends(service: Service, entity_id: str) -> None:
    await with_open_invoice(service, entity_id, paymentMethodId=DECLINING)
    customer = await models.Customer.get(entity_id=entity_id)
    used = {"customer_id": customer.metronome_customer_id, "amount": 4_000}
    assert (await service.metronome.http.post("/_mock/usage", json=used)).is_success

    await _exhaust(service, entity_id)

    entries = await models.CreditEntry.filter(customer_id=customer.id).order_by("at", "id")
    assert sorted((entry.kind, entry.amount) for entry in entries) == [
        ("EXPIRY", -6_000),
        ("GRANT", 10_000),
        ("USAGE", -4_000),
    ]


async def test_credits_by_hand_outlive_an_unpaid_subscription(service: Service, entity_id: str) -> None:
    await with_open_invoice(service, entity_id, paymentMethodId=DECLINING)
    await send(service, "grantCredits", entityId=entity_id, amount=250)

    await _exhaust(service, entity_id)

    assert (await models.Customer.get(entity_id=entity_id)).credit_balance == 250
    [grants] = [await _grants(service, entity_id)]
    assert sorted(each["balance"] for each in grants) == [0, 250]


async def test_an_uncollectible_invoice_can_still_be_paid_and_brings_nothing_back(
    service: Service, entity_id: str
) -> None:
    invoice_id = await with_open_invoice(service, entity_id, paymentMethodId=DECLINING)
    await _exhaust(service, entity_id)
    card = await send(
        service, "attachPaymentMethod", entityId=entity_id, paymentMethodId="pm_card_visa", makeDefault=False
    )

    payload = await send(service, "payInvoice", invoiceId=invoice_id, paymentMethodId=card["paymentMethod"]["id"])

    assert (payload["invoice"]["status"], payload["subscription"]["status"]) == ("PAID", "EXPIRED")
    assert [each["status"] for each in (await everything_of(service, entity_id)).invoices] == ["paid"]
    assert await charged(service, entity_id) == [900]


async def test_paying_by_hand_ends_the_dunning(service: Service, entity_id: str) -> None:
    invoice_id = await with_open_invoice(service, entity_id, paymentMethodId=DECLINING)
    first = await _first_failure(entity_id)
    card = await send(
        service, "attachPaymentMethod", entityId=entity_id, paymentMethodId="pm_card_visa", makeDefault=False
    )

    payload = await send(service, "payInvoice", invoiceId=invoice_id, paymentMethodId=card["paymentMethod"]["id"])
    _move_to(service, first + timedelta(days=8))
    await _round(service, entity_id)

    assert payload["subscription"]["status"] == "ACTIVE"
    assert (payload["invoice"]["status"], payload["invoice"]["nextAttemptAt"]) == ("PAID", None)
    assert await charged(service, entity_id) == [900]
    assert len((await everything_of(service, entity_id)).charges) == 2


async def test_a_new_default_card_is_tried_at_once(service: Service, entity_id: str) -> None:
    await with_open_invoice(service, entity_id, paymentMethodId=DECLINING)

    await send(service, "attachPaymentMethod", entityId=entity_id, paymentMethodId="pm_card_visa")
    await until_idle(service, entity_id)

    [invoice] = await invoices_of(service, entity_id)
    assert (invoice["status"], invoice["nextAttemptAt"]) == ("PAID", None)
    assert (await models.Subscription.get(customer__entity_id=entity_id)).status == "ACTIVE"
    assert await charged(service, entity_id) == [900]


async def test_a_card_on_file_made_the_default_is_tried_at_once(service: Service, entity_id: str) -> None:
    await with_open_invoice(service, entity_id, paymentMethodId=DECLINING)
    card = await send(
        service, "attachPaymentMethod", entityId=entity_id, paymentMethodId="pm_card_visa", makeDefault=False
    )
    assert await charged(service, entity_id) == []

    await send(service, "setDefaultPaymentMethod", entityId=entity_id, paymentMethodId=card["paymentMethod"]["id"])
    await until_idle(service, entity_id)

    assert [each["status"] for each in await invoices_of(service, entity_id)] == ["PAID"]


async def test_tries_before_their_time_use_up_none_of_the_schedule(service: Service, entity_id: str) -> None:
    invoice_id = await with_open_invoice(service, entity_id, paymentMethodId=DECLINING)
    first = await _first_failure(entity_id)

    for _ in range(6):
        assert codes(await send(service, "payInvoice", invoiceId=invoice_id)) == [
            ("PAYMENT_DECLINED", "paymentMethodId")
        ]
    card = await new_card(service, DECLINING)
    await send(service, "attachPaymentMethod", entityId=entity_id, paymentMethodId=card)
    await until_idle(service, entity_id)

    assert await _dunning(service, entity_id) == (1, first + timedelta(days=1))
    assert len((await everything_of(service, entity_id)).charges) == 8


async def test_after_an_outage_missed_retries_are_not_made_up_for_at_once(service: Service, entity_id: str) -> None:
    await with_open_invoice(service, entity_id, paymentMethodId=DECLINING)
    first = await _first_failure(entity_id)
    _move_to(service, first + timedelta(days=20))

    for _ in range(3):
        await _round(service, entity_id)

    failed, next_at = await _dunning(service, entity_id)
    assert failed == 2
    assert next_at is not None
    assert timedelta(hours=23) < next_at - service.clock.now() <= timedelta(days=1)
    assert len((await everything_of(service, entity_id)).charges) == 2


async def test_without_any_card_left_the_schedule_goes_on_to_its_end(service: Service, entity_id: str) -> None:
    invoice_id = await with_open_invoice(service, entity_id, paymentMethodId=DECLINING)
    card = await models.PaymentMethod.get(customer__entity_id=entity_id)
    await send(service, "detachPaymentMethod", entityId=entity_id, paymentMethodId=card.id)

    await _exhaust(service, entity_id)

    [invoice] = await invoices_of(service, entity_id)
    assert (invoice["status"], invoice["failedAttempts"], len(invoice["payments"])) == ("UNCOLLECTIBLE", 5, 1)
    last = await models.Operation.filter(customer__entity_id=entity_id, kind="COLLECT").order_by("-created_at").first()
    assert last is not None
    assert (last.status, last.error_code) == ("FAILED", "PAYMENT_METHOD_NOT_FOUND")
    told = await _told_failures(service, invoice_id)
    assert [each["body"]["reason"] for each in told] == ["generic_decline", *["no payment method"] * 4]


async def test_an_invoice_that_was_never_tried_is_collected_when_it_is_due(service: Service, entity_id: str) -> None:
    await with_open_invoice(service, entity_id)
    await send(service, "attachPaymentMethod", entityId=entity_id, paymentMethodId="pm_card_visa")
    await _round(service, entity_id)
    assert [each["status"] for each in await invoices_of(service, entity_id)] == ["OPEN"]

    in_days(service, 30)
    await _round(service, entity_id)

    assert [each["status"] for each in await invoices_of(service, entity_id)] == ["PAID"]
    assert await charged(service, entity_id) == [900]


async def test_who_is_busy_is_left_for_the_next_round(service: Service, entity_id: str) -> None:
    await with_open_invoice(service, entity_id, paymentMethodId=DECLINING)
    _move_to(service, await _first_failure(entity_id) + timedelta(days=1))
    customer = await models.Customer.get(entity_id=entity_id)
    busy = await models.Operation.create(
        kind=models.OperationKind.CHANGE_TIER,
        customer_id=customer.id,
        input={},
        input_hash="",
        status=models.OperationStatus.REQUIRES_ACTION,
        created_at=service.clock.now(),
        updated_at=service.clock.now(),
    )

    await _round(service, entity_id)
    charges_meanwhile = len((await everything_of(service, entity_id)).charges)
    await busy.delete()
    await _round(service, entity_id)

    assert charges_meanwhile == 1
    assert len((await everything_of(service, entity_id)).charges) == 2


async def test_two_workers_try_an_invoice_once(service: Service, entity_id: str) -> None:
    await with_open_invoice(service, entity_id, paymentMethodId=DECLINING)
    _move_to(service, await _first_failure(entity_id) + timedelta(days=1))

    await _round(service, entity_id, workers=5)

    assert len((await everything_of(service, entity_id)).charges) == 2
    failed, _ = await _dunning(service, entity_id)
    assert failed == 2


async def test_an_invoice_that_cannot_be_tried_does_not_keep_the_others_from_it(
    service: Service, entity_id: str
) -> None:
    broken, sound = await _overdue_in_order(service, entity_id)
    await models.Subscription.filter(customer_id=broken).update(is_current=False)

    started = await collect_due(engine_of(service), service.clock.now)

    await models.Subscription.filter(customer_id=broken).update(is_current=True)
    tried = models.Operation.filter(kind=models.OperationKind.COLLECT)
    assert started >= 1
    assert (await tried.filter(customer_id=broken).count(), await tried.filter(customer_id=sound).count()) == (0, 1)


async def _overdue_in_order(service: Service, entity_id: str) -> list[str]:
    """Two customers, in the order in which their invoices are tried."""
    people = [f"{entity_id}.a", f"{entity_id}.b"]
    for person in people:
        await with_open_invoice(service, person, paymentMethodId=DECLINING)
    in_days(service, 1)
    overdue = models.Invoice.filter(customer__entity_id__in=people).order_by("id")
    return [invoice.customer_id async for invoice in overdue]


async def test_stripe_being_away_is_no_failed_payment(service: Service, entity_id: str) -> None:
    await with_open_invoice(service, entity_id, paymentMethodId=DECLINING)
    _move_to(service, await _first_failure(entity_id) + timedelta(days=1))
    await service.stripe.fault(method="POST", path="/v1/payment_intents$", kind="status_before", status=503, times=4)

    await _round(service, entity_id)

    assert (await _dunning(service, entity_id))[0] == 2
    assert len((await everything_of(service, entity_id)).charges) == 2


async def _round(service: Service, entity_id: str, *, workers: int = 1) -> None:
    """What the worker does from time to time, until the customer's part of it has ended."""

    await asyncio.gather(*(collect_due(engine_of(service), service.clock.now) for _ in range(workers)))
    await until_idle(service, entity_id)


async def _exhaust(service: Service, entity_id: str) -> None:
    first = await _first_failure(entity_id)
    for days in RETRY_DAYS:
        _move_to(service, first + timedelta(days=days))
        await _round(service, entity_id)


async def _first_failure(entity_id: str) -> datetime:
    at: datetime | None = (await models.Invoice.get(customer__entity_id=entity_id)).first_failed_at
    assert at is not None
    return at


def _move_to(service: Service, instant: datetime) -> None:
    service.clock.advance_to(instant)


async def _dunning(service: Service, entity_id: str) -> tuple[int, datetime | None]:
    """As a client sees it."""
    [invoice] = await invoices_of(service, entity_id)
    next_at = invoice["nextAttemptAt"]
    return invoice["failedAttempts"], datetime.fromisoformat(next_at) if next_at else None


async def _told_failures(service: Service, invoice_id: str) -> list[dict[str, Any]]:
    row = await models.Invoice.get(id=invoice_id)
    return await service.metronome.requests("POST", f"/api/v1/invoices/{row.metronome_invoice_id}/fail")


async def _grants(service: Service, entity_id: str) -> list[dict[str, Any]]:
    customer = await models.Customer.get(entity_id=entity_id)
    return await metronome_list(service.metronome, "credits", customer_id=str(customer.metronome_customer_id))
