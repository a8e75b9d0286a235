"""An upgrade takes effect only when its payment succeeds; else everything is as it was."""

import json
from datetime import timedelta
from typing import Any

import pytest

import models
from integrations.stripe.types import PaymentIntentStatus
from operations.reconcile import compare
from tests.api.changing import ASKING, DECLINING, Customers, codes
from tests.api.onboarding import ended, everything_of
from tests.api.paying import authenticate, charged
from tests.webhooks.delivery import Sent, deliver_all, stripe_events, until

UPGRADE = {"tier": "TEAM"}


async def _on_pro(customers: Customers, entity_id: str, card: str) -> None:
    """Paid with a good card; `card` is the one that the upgrade will meet."""
    customers.go_to_next(1, 1)
    await customers.onboard(entity_id)
    await customers.attach(entity_id, card)
    customers.pass_days(15)


async def _asked(customers: Customers, entity_id: str) -> dict[str, Any]:
    """The payload of an upgrade whose payer has to confirm it."""
    await _on_pro(customers, entity_id, ASKING)
    payload = await customers.change(entity_id, **UPGRADE)
    assert payload["userErrors"] == []
    assert payload["operation"]["status"] == "REQUIRES_ACTION"
    return payload


async def _hear_of_payment(customers: Customers, payload: dict[str, Any]) -> None:
    """Stripe's news of the payment, delivered."""
    intent_id = payload["payment"]["stripePaymentIntentId"]
    events = [sent for sent in await stripe_events(customers.service) if intent_id in json.dumps(sent.event)]
    await deliver_all(customers.service, [Sent("stripe", sent.event) for sent in events])


async def _invoices(entity_id: str) -> list[str]:
    return [
        each.status.value async for each in models.Invoice.filter(customer__entity_id=entity_id).order_by("issued_at")
    ]


async def test_a_decline_leaves_everything_as_it_was(customers: Customers, entity_id: str) -> None:
    await _on_pro(customers, entity_id, DECLINING)
    await customers.change(entity_id, tier="FREE", effective="AT_PERIOD_END")
    before = await customers.standing(entity_id)

    payload = await customers.change(entity_id, **UPGRADE)

    assert payload["userErrors"] == [
        {
            "code": "PAYMENT_DECLINED",
            "field": "paymentMethodId",
            "message": "the payment was declined: generic_decline",
            "retryable": False,
        }
    ]
    assert (payload["payment"]["status"], payload["payment"]["declineCode"]) == ("FAILED", "generic_decline")
    assert (payload["operation"]["status"], payload["invoice"]["status"]) == ("FAILED", "VOID")
    after = await customers.standing(entity_id)
    assert after["ours"]["invoices"][0]["status"] == "VOID"
    after["ours"]["invoices"] = after["ours"]["invoices"][1:]
    assert after == before
    intent = await customers.tools.stripe.get_payment_intent(
        payment_intent_id=payload["payment"]["stripePaymentIntentId"]
    )
    assert intent.status is PaymentIntentStatus.CANCELED
    await customers.agree(entity_id)


async def test_a_declined_upgrade_succeeds_with_another_card(customers: Customers, entity_id: str) -> None:
    await _on_pro(customers, entity_id, DECLINING)
    await customers.change(entity_id, **UPGRADE)
    await customers.attach(entity_id, "pm_card_mastercard")

    payload = await customers.change(entity_id, **UPGRADE)

    assert payload["userErrors"] == []
    assert payload["subscription"]["tier"] == "TEAM"
    assert await charged(customers.service, entity_id) == [1032, 900]
    await customers.agree(entity_id)


async def test_3d_secure_asks_first_and_changes_nothing(customers: Customers, entity_id: str) -> None:
    await _on_pro(customers, entity_id, ASKING)
    before = await customers.standing(entity_id)

    payload = await customers.change(entity_id, **UPGRADE)

    assert payload["operation"]["status"] == "REQUIRES_ACTION"
    assert payload["payment"]["status"] == "REQUIRES_ACTION"
    assert payload["payment"]["clientSecret"].startswith(payload["payment"]["stripePaymentIntentId"])
    after = await customers.standing(entity_id)
    assert after["ours"]["invoices"][0]["status"] == "DRAFT"
    after["ours"]["invoices"] = after["ours"]["invoices"][1:]
    assert after == before
    busy = await customers.cancel(entity_id)
    assert [(error["code"], error["retryable"]) for error in busy["userErrors"]] == [("CUSTOMER_BUSY", True)]


async def test_a_confirmed_payment_lets_the_upgrade_take_effect_by_its_webhook(
    customers: Customers, entity_id: str
) -> None:
    payload = await _asked(customers, entity_id)
    await authenticate(customers.service, payload["payment"]["stripePaymentIntentId"])

    await _hear_of_payment(customers, payload)

    operation_id = payload["operation"]["id"]

    async def done() -> bool:
        return await models.Operation.exists(id=operation_id, status=models.OperationStatus.SUCCEEDED)

    await until(done, what="the upgrade")
    customer = await customers.customer(entity_id)
    assert customer["subscription"]["tier"] == "TEAM"
    assert customer["credits"]["balance"] == 10_000 + 20_645
    assert await charged(customers.service, entity_id) == [1032, 900]
    await customers.agree(entity_id)


async def test_a_confirmed_payment_lets_the_upgrade_take_effect_when_asked(
    customers: Customers, entity_id: str
) -> None:
    payload = await _asked(customers, entity_id)
    await authenticate(customers.service, payload["payment"]["stripePaymentIntentId"])

    confirmed = await customers.do("confirmPayment", paymentId=payload["payment"]["id"])

    assert confirmed["userErrors"] == []
    assert confirmed["operation"] == {**payload["operation"], "status": "SUCCEEDED"}
    assert (confirmed["subscription"]["tier"], confirmed["invoice"]["status"]) == ("TEAM", "PAID")
    assert await charged(customers.service, entity_id) == [1032, 900]
    await customers.agree(entity_id)


@pytest.mark.parametrize("told", ["by webhook", "when asked"])
async def test_a_failed_authentication_is_a_decline(customers: Customers, entity_id: str, told: str) -> None:
    payload = await _asked(customers, entity_id)
    await authenticate(customers.service, payload["payment"]["stripePaymentIntentId"], "failure")

    if told == "by webhook":
        await _hear_of_payment(customers, payload)
    else:
        await customers.do("confirmPayment", paymentId=payload["payment"]["id"])

    operation_id = payload["operation"]["id"]

    async def failed() -> bool:
        return await models.Operation.exists(id=operation_id, status=models.OperationStatus.FAILED)

    await until(failed, what="the upgrade called off")
    operation = await ended(customers.service, operation_id)
    assert operation["error"]["code"] == "PAYMENT_DECLINED"
    customer = await customers.customer(entity_id)
    assert (customer["subscription"]["tier"], customer["subscription"]["status"]) == ("PRO", "ACTIVE")
    assert customer["credits"]["balance"] == 10_000
    assert await _invoices(entity_id) == ["PAID", "VOID"]
    assert await charged(customers.service, entity_id) == [900]
    await customers.agree(entity_id)


async def test_a_payer_who_never_comes_leaves_everything_as_it_was(customers: Customers, entity_id: str) -> None:
    await _on_pro(customers, entity_id, ASKING)
    before = await customers.standing(entity_id)
    payload = await customers.change(entity_id, **UPGRADE)
    intent_id = payload["payment"]["stripePaymentIntentId"]

    customers.service.clock.advance(timedelta(hours=1))
    resumed = await customers.do("resumeOperation", operationId=payload["operation"]["id"])

    assert codes(resumed) == [("PAYMENT_DECLINED", "paymentMethodId")]
    intent = await customers.tools.stripe.get_payment_intent(payment_intent_id=intent_id)
    assert intent.status is PaymentIntentStatus.CANCELED
    after = await customers.standing(entity_id)
    assert after["ours"]["invoices"][0]["status"] == "VOID"
    after["ours"]["invoices"] = after["ours"]["invoices"][1:]
    assert after == before
    assert await charged(customers.service, entity_id) == [900]
    await customers.agree(entity_id)


async def test_a_refund_made_meanwhile_at_stripe_counts_when_the_upgrade_has_taken_effect(
    customers: Customers, entity_id: str
) -> None:
    """Else the upgrade, which was decided before, would write what was paid as if nothing had been given back."""
    payload = await _asked(customers, entity_id)
    first = await models.Payment.get(customer__entity_id=entity_id, status="SUCCEEDED")
    refunded = await customers.service.stripe.http.post(
        "/v1/refunds",
        data={"payment_intent": str(first.stripe_payment_intent_id), "amount": "250"},
        headers={"authorization": "Bearer sk_test_sandbox"},
    )
    assert refunded.is_success
    events = [
        sent for sent in await stripe_events(customers.service) if refunded.json()["id"] in json.dumps(sent.event)
    ]
    await deliver_all(customers.service, events)

    async def waiting() -> bool:
        return await models.WebhookEvent.exists(event_id=events[0].id, last_error__endswith="waits for its payer.")

    await until(waiting, what="the refund's news waiting")
    await authenticate(customers.service, payload["payment"]["stripePaymentIntentId"])
    await customers.do("confirmPayment", paymentId=payload["payment"]["id"])
    await customers.hear_of_payments(entity_id)

    subscription = await models.Subscription.get(customer__entity_id=entity_id, is_current=True)
    assert (subscription.tier, subscription.paid_minor) == ("TEAM", 900 - 465 + 1497 - 250)
    await customers.agree(entity_id)


async def test_a_payer_who_comes_after_the_period_has_ended_gets_the_money_back(
    customers: Customers, entity_id: str
) -> None:
    """The old plan is renewed by then; the change that was paid for can no longer be made."""
    payload = await _asked(customers, entity_id)
    await authenticate(customers.service, payload["payment"]["stripePaymentIntentId"])
    customers.go_to_next(2, 1)

    late = await customers.do("resumeOperation", operationId=payload["operation"]["id"])

    assert [(each["code"], each["retryable"]) for each in late["userErrors"]] == [("CUSTOMER_BUSY", True)]
    assert late["invoice"]["status"] == "VOID"
    charges = (await everything_of(customers.service, entity_id)).charges
    assert [(each["amount"], each["amount_refunded"]) for each in charges] == [(1032, 1032), (900, 0)]
    await customers.hear(entity_id)
    customer = await customers.customer(entity_id)
    assert customer["subscription"]["tier"] == "PRO"
    assert customer["subscription"]["currentPeriod"]["start"] == customers.today.isoformat()
    await customers.agree(entity_id)


async def test_a_contract_that_metronome_refuses_gives_the_money_back(customers: Customers, entity_id: str) -> None:
    await _on_pro(customers, entity_id, "pm_card_mastercard")
    before = await customers.standing(entity_id)
    await customers.service.metronome.fault(method="POST", path="/api/v1/contracts$", kind="status_before", status=409)

    payload = await customers.change(entity_id, **UPGRADE)

    assert codes(payload) == [("PROVIDER_REJECTED", None)]
    charges = (await everything_of(customers.service, entity_id)).charges
    assert [(each["amount"], each["amount_refunded"]) for each in charges] == [(1032, 1032), (900, 0)]
    after = await customers.standing(entity_id)
    assert after["ours"]["invoices"][0]["status"] == "VOID"
    after["ours"]["invoices"] = after["ours"]["invoices"][1:]
    assert after == before
    await customers.agree(entity_id)


async def test_money_that_stripe_will_not_give_back_is_credited(customers: Customers, entity_id: str) -> None:
    await _on_pro(customers, entity_id, "pm_card_mastercard")
    for mock, path in ((customers.service.metronome, "/contracts$"), (customers.service.stripe, "/v1/refunds$")):
        await mock.fault(method="POST", path=path, kind="status_before", status=400)

    payload = await customers.change(entity_id, **UPGRADE)

    assert codes(payload) == [("PROVIDER_REJECTED", None)]
    assert payload["subscription"]["tier"] == "PRO"
    assert payload["customer"]["accountBalance"]["minorUnits"] == 1032


async def test_credits_that_metronome_refuses_twice_are_told_as_a_warning(customers: Customers, entity_id: str) -> None:
    await _on_pro(customers, entity_id, "pm_card_mastercard")
    await customers.service.metronome.fault(
        method="POST", path="/api/v1/credits$", kind="status_before", status=409, times=2
    )

    payload = await customers.change(entity_id, **UPGRADE)

    assert [warning["code"] for warning in payload["warnings"]] == ["PROVIDER_REJECTED"]
    assert payload["subscription"]["tier"] == "TEAM"
    assert payload["customer"]["credits"]["balance"] == await customers.credits_left(entity_id) == 10_000
    await customers.agree(entity_id)


async def test_a_payment_that_metronome_refuses_to_hear_of_is_told_as_a_warning(
    customers: Customers, entity_id: str
) -> None:
    await _on_pro(customers, entity_id, "pm_card_mastercard")
    path = "/api/v1/invoices/[^/]+/pay$"
    await customers.service.metronome.fault(method="POST", path=path, kind="status_before", status=400)

    payload = await customers.change(entity_id, **UPGRADE)

    assert [warning["code"] for warning in payload["warnings"]] == ["PROVIDER_REJECTED"]
    assert (payload["subscription"]["tier"], payload["invoice"]["status"]) == ("TEAM", "PAID")
    found = await compare(await models.Customer.get(entity_id=entity_id), customers.tools)
    assert [(each.what, each.ours, each.theirs) for each in found] == [("invoice.status", "PAID", "OPEN")]


@pytest.mark.parametrize("kind", ["timeout_after", "drop_after", "status_after", "html_after"])
async def test_answers_that_are_lost_on_the_way_change_nothing_twice(
    customers: Customers, entity_id: str, kind: str
) -> None:
    await _on_pro(customers, entity_id, "pm_card_mastercard")
    lost = {"method": "POST", "kind": kind, "delay_ms": 1} | ({"status": 502} if kind == "status_after" else {})
    await customers.service.stripe.fault(path="/v1/payment_intents$", **lost)
    for noun in ("contracts", "credits", "invoices"):
        await customers.service.metronome.fault(path=f"/api/v1/{noun}$", **lost)

    payload = await customers.change(entity_id, **UPGRADE)
    operation = await ended(customers.service, payload["operation"]["id"])

    assert operation["status"] == "SUCCEEDED"
    assert await charged(customers.service, entity_id) == [1032, 900]
    theirs = await everything_of(customers.service, entity_id)
    assert [contract["status"] for contract in theirs.contracts] == ["cancelled", "active"]
    assert [(invoice["amount"], invoice["status"]) for invoice in theirs.invoices] == [(900, "paid"), (1032, "paid")]
    assert await customers.credits_left(entity_id) == 10_000 + 20_645
    await customers.agree(entity_id)
