"""An upgrade that waits for its payer: taken up when they have acted, when somebody asks, and when time is over."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from tortoise.transactions import in_transaction

import models
from operations.parked import expire_parked
from operations.steps.payments import record_intent
from tests.api.onboarding import Footprint, everything_of, onboard
from tests.api.paying import authenticate, charged, codes, engine_of, send, until_idle
from tests.service import Service

ASKING = "pm_card_authenticationRequired"
PATIENCE = timedelta(hours=1)


async def test_a_confirmed_payment_takes_up_the_operation_that_waits(service: Service, entity_id: str) -> None:
    upgrade = await _parked(service, entity_id)
    await authenticate(service, await _intent_id(upgrade))

    payload = await send(service, "confirmPayment", paymentId=upgrade["payment"]["id"])

    assert payload["userErrors"] == []
    assert (payload["operation"]["id"], payload["operation"]["kind"], payload["operation"]["status"]) == (
        upgrade["operation"]["id"],
        "CHANGE_TIER",
        "SUCCEEDED",
    )
    assert payload["payment"]["status"] == "SUCCEEDED"
    assert await _tier(entity_id) == ("TEAM", "ACTIVE")
    assert len(await charged(service, entity_id)) == 2


async def test_a_failed_confirmation_calls_the_upgrade_off(service: Service, entity_id: str) -> None:
    upgrade = await _parked(service, entity_id)
    intent_id = await _intent_id(upgrade)
    await authenticate(service, intent_id, "failure")

    payload = await send(service, "confirmPayment", paymentId=upgrade["payment"]["id"])

    assert codes(payload) == [("PAYMENT_DECLINED", "paymentMethodId")]
    assert payload["operation"]["id"] == upgrade["operation"]["id"]
    assert await _tier(entity_id) == ("PRO", "ACTIVE")
    # Else the payer could still pay for it, with another card, and get nothing.
    assert await _intent_status(service, intent_id) == "canceled"
    assert len(await charged(service, entity_id)) == 1


@pytest.mark.parametrize("name", ["confirmPayment", "resumeOperation"])
async def test_as_long_as_the_payer_did_nothing_it_goes_on_waiting(service: Service, entity_id: str, name: str) -> None:
    upgrade = await _parked(service, entity_id)
    before = await models.Operation.get(id=upgrade["operation"]["id"]).values()

    payload = await send(service, name, **_named(name, upgrade))

    assert payload["userErrors"] == []
    assert (payload["operation"]["id"], payload["operation"]["status"]) == (
        upgrade["operation"]["id"],
        "REQUIRES_ACTION",
    )
    assert await models.Operation.get(id=upgrade["operation"]["id"]).values() == before
    assert await _tier(entity_id) == ("PRO", "ACTIVE")


async def test_resuming_finds_out_that_the_payer_has_acted(service: Service, entity_id: str) -> None:
    upgrade = await _parked(service, entity_id)
    await authenticate(service, await _intent_id(upgrade))

    payload = await send(service, "resumeOperation", operationId=upgrade["operation"]["id"])

    assert (payload["userErrors"], payload["operation"]["status"]) == ([], "SUCCEEDED")
    assert await _tier(entity_id) == ("TEAM", "ACTIVE")


async def test_the_audit_log_tells_what_became_of_a_request_to_resume(service: Service, entity_id: str) -> None:
    upgrade = await _parked(service, entity_id)
    asked = {"operationId": upgrade["operation"]["id"]}
    await service.stripe.fault(method="GET", path="/v1/payment_intents/", kind="status_before", status=503, times=None)
    await send(service, "resumeOperation", **asked)
    await service.stripe.clear_faults()
    await send(service, "resumeOperation", **asked)
    await authenticate(service, await _intent_id(upgrade))
    await send(service, "resumeOperation", **asked)

    entries = await models.AuditEntry.filter(action="resumeOperation").order_by("-at", "-id").limit(3)

    assert [(each.outcome, each.error_code, each.after) for each in reversed(entries)] == [
        ("REFUSED", "PROVIDER_UNAVAILABLE", None),
        ("SUCCEEDED", None, {"status": "REQUIRES_ACTION"}),
        ("SUCCEEDED", None, {"status": "RUNNING"}),
    ]


async def test_resuming_with_a_key_looks_once_and_keeps_the_key_for_that_operation(
    service: Service, entity_id: str
) -> None:
    upgrade = await _parked(service, entity_id)
    asked = {"operationId": upgrade["operation"]["id"], "idempotencyKey": f"resume {entity_id}"}
    first = await send(service, "resumeOperation", **asked)
    await authenticate(service, await _intent_id(upgrade))

    again = await send(service, "resumeOperation", **asked)
    other = await send(service, "resumeOperation", **{**asked, "operationId": "op_other"})
    anew = await send(service, "resumeOperation", operationId=asked["operationId"])

    assert [each["operation"]["status"] for each in (first, again, anew)] == [
        "REQUIRES_ACTION",
        "REQUIRES_ACTION",
        "SUCCEEDED",
    ]
    assert codes(other) == [("IDEMPOTENCY_CONFLICT", "idempotencyKey")]


async def test_stripe_being_away_is_told_and_nothing_has_changed(service: Service, entity_id: str) -> None:
    upgrade = await _parked(service, entity_id)
    await authenticate(service, await _intent_id(upgrade))
    before = await Footprint.of(service)
    await service.stripe.fault(method="GET", path="/v1/payment_intents/", kind="status_before", status=503, times=None)

    payloads = [await send(service, name, **_named(name, upgrade)) for name in ("confirmPayment", "resumeOperation")]

    await service.stripe.clear_faults()
    assert [codes(each) for each in payloads] == [[("PROVIDER_UNAVAILABLE", None)]] * 2
    assert all(each["userErrors"][0]["retryable"] for each in payloads)
    assert await Footprint.of(service) == before
    assert (await send(service, "confirmPayment", **_named("confirmPayment", upgrade)))["operation"]["status"] == (
        "SUCCEEDED"
    )


async def test_a_key_stands_for_the_operation_that_waited(service: Service, entity_id: str) -> None:
    upgrade = await _parked(service, entity_id)
    await authenticate(service, await _intent_id(upgrade))
    given = {"paymentId": upgrade["payment"]["id"], "idempotencyKey": f"{entity_id}:back"}

    payloads = await asyncio.gather(*(send(service, "confirmPayment", **given) for _ in range(8)))
    again = await send(service, "confirmPayment", **given)

    assert {each["operation"]["id"] for each in [*payloads, again]} == {upgrade["operation"]["id"]}
    assert again["operation"]["status"] == "SUCCEEDED"
    assert len(await charged(service, entity_id)) == 2


async def test_after_its_time_the_payment_is_cancelled_and_all_is_as_before(service: Service, entity_id: str) -> None:
    upgrade = await _parked(service, entity_id)
    intent_id = await _intent_id(upgrade)
    service.clock.advance(PATIENCE - timedelta(minutes=1))
    await _expire(service, entity_id)
    assert (await models.Operation.get(id=upgrade["operation"]["id"])).status == "REQUIRES_ACTION"

    service.clock.advance(timedelta(minutes=2))
    await _expire(service, entity_id)

    operation = await models.Operation.get(id=upgrade["operation"]["id"])
    assert (operation.status, operation.error_code) == ("FAILED", "PAYMENT_DECLINED")
    assert await _intent_status(service, intent_id) == "canceled"
    payment = await models.Payment.get(id=upgrade["payment"]["id"])
    assert (payment.status, payment.client_secret) == ("CANCELLED", None)
    assert (await models.Invoice.get(id=payment.invoice_id)).status == "VOID"
    assert await _tier(entity_id) == ("PRO", "ACTIVE")
    assert len(await charged(service, entity_id)) == 1
    assert [each["status"] for each in (await everything_of(service, entity_id)).contracts] == ["active"]


async def test_after_its_time_a_payment_that_succeeded_after_all_counts(service: Service, entity_id: str) -> None:
    upgrade = await _parked(service, entity_id)
    await authenticate(service, await _intent_id(upgrade))
    service.clock.advance(PATIENCE + timedelta(minutes=1))

    await _expire(service, entity_id)

    assert (await models.Operation.get(id=upgrade["operation"]["id"])).status == "SUCCEEDED"
    assert await _tier(entity_id) == ("TEAM", "ACTIVE")
    assert len(await charged(service, entity_id)) == 2


async def test_what_was_decided_and_not_taken_up_is_taken_up_by_the_worker(service: Service, entity_id: str) -> None:
    """Whoever wrote the payment's outcome down died before it could go on."""
    upgrade = await _parked(service, entity_id)
    intent_id = await _intent_id(upgrade)
    await authenticate(service, intent_id)
    intent = await service.app.state.tools.stripe.get_payment_intent(payment_intent_id=intent_id)
    async with in_transaction():
        await record_intent(upgrade["payment"]["id"], intent, service.clock.now())

    await _expire(service, entity_id)

    assert await _tier(entity_id) == ("TEAM", "ACTIVE")


async def test_the_end_of_time_and_the_payer_at_the_same_moment(service: Service, entity_id: str) -> None:
    upgrade = await _parked(service, entity_id)
    intent_id = await _intent_id(upgrade)
    service.clock.advance(PATIENCE + timedelta(minutes=1))

    await asyncio.gather(
        _expire(service, entity_id),
        service.stripe.http.post("/_mock/authenticate", json={"payment_intent": intent_id, "outcome": "success"}),
        send(service, "confirmPayment", paymentId=upgrade["payment"]["id"]),
        _expire(service, entity_id),
    )
    await until_idle(service, entity_id)

    operation = await models.Operation.get(id=upgrade["operation"]["id"])
    paid = await _intent_status(service, intent_id) == "succeeded"
    assert operation.status == ("SUCCEEDED" if paid else "FAILED")
    assert await _tier(entity_id) == ("TEAM" if paid else "PRO", "ACTIVE")
    assert len(await charged(service, entity_id)) == (2 if paid else 1)


async def _parked(service: Service, entity_id: str) -> dict[str, Any]:
    """On Pro, paid; an upgrade to Team waits for the payer of another card."""
    await onboard(service, entity_id, tier="PRO", paymentMethodId="pm_card_visa")
    await send(service, "attachPaymentMethod", entityId=entity_id, paymentMethodId=ASKING)
    upgrade = await send(service, "changeTier", entityId=entity_id, tier="TEAM")
    assert upgrade["operation"]["status"] == "REQUIRES_ACTION", upgrade
    if upgrade["payment"] is None:
        payment = await models.Payment.get(operation_id=upgrade["operation"]["id"])
        upgrade["payment"] = {"id": payment.id}
    return upgrade


def _named(name: str, upgrade: dict[str, Any]) -> dict[str, str]:
    if name == "confirmPayment":
        return {"paymentId": upgrade["payment"]["id"]}
    return {"operationId": upgrade["operation"]["id"]}


async def _expire(service: Service, entity_id: str) -> None:
    """What the worker does from time to time."""
    await expire_parked(engine_of(service), service.clock.now)
    await until_idle(service, entity_id)


async def _tier(entity_id: str) -> tuple[str, str]:
    subscription = await models.Subscription.get(customer__entity_id=entity_id, is_current=True)
    return subscription.tier.value, subscription.status.value


async def _intent_id(upgrade: dict[str, Any]) -> str:
    return str((await models.Payment.get(id=upgrade["payment"]["id"])).stripe_payment_intent_id)


async def _intent_status(service: Service, intent_id: str) -> str:
    intent = await service.app.state.tools.stripe.get_payment_intent(payment_intent_id=intent_id)
    return str(intent.status)
