"""Cards on file: what is shown of them, what refuses them, and what follows from each change."""

import asyncio
import json

import pytest

import models
from tests.api.onboarding import Footprint, everything_of, onboard, stripe_list
from tests.api.paying import codes, new_card, send
from tests.service import Service

SHOWN = {"id", "stripePaymentMethodId", "brand", "last4", "expMonth", "expYear", "isDefault"}


async def test_a_card_is_attached_and_becomes_the_default(service: Service, entity_id: str) -> None:
    await onboard(service, entity_id, tier="PRO", paymentMethodId="pm_card_visa")
    card = await new_card(service)

    payload = await send(service, "attachPaymentMethod", entityId=entity_id, paymentMethodId=card)

    assert payload["userErrors"] == []
    assert payload["paymentMethod"]["stripePaymentMethodId"] == card
    shown = payload["customer"]["paymentMethods"]
    assert [(each["stripePaymentMethodId"] == card, each["isDefault"]) for each in shown] == [
        (True, True),
        (False, False),
    ]
    assert await _default_at_stripe(service, entity_id) == card


async def test_no_more_is_shown_of_a_card_than_may_be(service: Service, entity_id: str) -> None:
    await onboard(service, entity_id)

    payload = await send(service, "attachPaymentMethod", entityId=entity_id, paymentMethodId=await new_card(service))

    method = payload["paymentMethod"]
    assert set(method) == SHOWN
    assert (method["brand"], method["last4"], method["expMonth"]) == ("visa", "4242", 12)
    rows = await models.PaymentMethod.filter(customer__entity_id=entity_id).values()
    assert "4242424242424242" not in str(rows)


async def test_a_card_can_be_put_on_file_without_being_the_default(service: Service, entity_id: str) -> None:
    await onboard(service, entity_id, tier="PRO", paymentMethodId="pm_card_visa")
    before = await _default_at_stripe(service, entity_id)

    payload = await send(
        service, "attachPaymentMethod", entityId=entity_id, paymentMethodId="pm_card_mastercard", makeDefault=False
    )

    assert payload["paymentMethod"]["isDefault"] is False
    assert await _default_at_stripe(service, entity_id) == before


async def test_attaching_again_changes_nothing(service: Service, entity_id: str) -> None:
    await onboard(service, entity_id)
    card = await new_card(service)
    first = await send(service, "attachPaymentMethod", entityId=entity_id, paymentMethodId=card)

    again = await send(service, "attachPaymentMethod", entityId=entity_id, paymentMethodId=card)

    assert again["userErrors"] == []
    assert again["customer"]["paymentMethods"] == first["customer"]["paymentMethods"]


@pytest.mark.parametrize("card", ["pm_card_chargeDeclined", "pm_card_chargeDeclinedExpiredCard"])
async def test_a_card_that_is_not_accepted_leaves_all_as_it_was(service: Service, entity_id: str, card: str) -> None:
    await onboard(service, entity_id, tier="PRO", paymentMethodId="pm_card_visa")
    before = await _cards(service, entity_id)

    payload = await send(service, "attachPaymentMethod", entityId=entity_id, paymentMethodId=card)

    assert codes(payload) == [("PAYMENT_METHOD_REJECTED", "paymentMethodId")]
    assert payload["operation"]["status"] == "FAILED"
    assert payload["paymentMethod"] is None
    assert await _cards(service, entity_id) == before


async def test_somebody_elses_card_is_not_accepted(service: Service, entity_id: str) -> None:
    card = await new_card(service)
    for entity in (entity_id, f"{entity_id}:b"):
        await onboard(service, entity)
    await send(service, "attachPaymentMethod", entityId=entity_id, paymentMethodId=card)

    payload = await send(service, "attachPaymentMethod", entityId=f"{entity_id}:b", paymentMethodId=card)

    assert codes(payload) == [("PAYMENT_METHOD_REJECTED", "paymentMethodId")]
    assert payload["customer"]["paymentMethods"] == []


async def test_another_card_on_file_becomes_the_default(service: Service, entity_id: str) -> None:
    await onboard(service, entity_id, tier="PRO", paymentMethodId="pm_card_visa")
    first = await models.PaymentMethod.get(customer__entity_id=entity_id)
    await send(service, "attachPaymentMethod", entityId=entity_id, paymentMethodId=await new_card(service))

    for name in (first.id, first.stripe_payment_method_id):
        payload = await send(service, "setDefaultPaymentMethod", entityId=entity_id, paymentMethodId=name)
        assert payload["userErrors"] == []
        assert payload["paymentMethod"] == {"id": first.id, "isDefault": True}
    assert await _default_at_stripe(service, entity_id) == first.stripe_payment_method_id
    assert await models.PaymentMethod.filter(customer__entity_id=entity_id, is_default=True).count() == 1


async def test_a_detached_card_is_gone_at_stripe_too(service: Service, entity_id: str) -> None:
    await onboard(service, entity_id)
    card = (await send(service, "attachPaymentMethod", entityId=entity_id, paymentMethodId="pm_card_visa"))[
        "paymentMethod"
    ]

    payload = await send(service, "detachPaymentMethod", entityId=entity_id, paymentMethodId=card["id"])

    assert payload["warnings"] == []
    assert payload["paymentMethod"] == {"id": card["id"], "isDefault": False}
    assert payload["customer"]["paymentMethods"] == []
    assert (await everything_of(service, entity_id)).payment_methods == []
    again = await send(service, "detachPaymentMethod", entityId=entity_id, paymentMethodId=card["id"])
    assert codes(again) == [("PAYMENT_METHOD_NOT_FOUND", "paymentMethodId")]


async def test_the_last_card_of_a_paid_plan_leaves_with_a_warning(service: Service, entity_id: str) -> None:
    await onboard(service, entity_id, tier="PRO", paymentMethodId="pm_card_visa")
    card = await models.PaymentMethod.get(customer__entity_id=entity_id)

    payload = await send(service, "detachPaymentMethod", entityId=entity_id, paymentMethodId=card.id)

    assert payload["operation"]["status"] == "SUCCEEDED"
    assert payload["warnings"] == [
        {
            "code": "PAYMENT_METHOD_NOT_FOUND",
            "field": "paymentMethodId",
            "message": "No default payment method is left: the next invoice of PRO cannot be collected.",
        }
    ]


async def test_a_card_that_was_detached_at_stripe_itself_is_detached_here(service: Service, entity_id: str) -> None:
    await onboard(service, entity_id, tier="PRO", paymentMethodId="pm_card_visa")
    card = await models.PaymentMethod.get(customer__entity_id=entity_id)
    gone = await service.stripe.http.post(
        f"/v1/payment_methods/{card.stripe_payment_method_id}/detach",
        headers={"authorization": "Bearer sk_test_sandbox"},
    )
    assert gone.is_success

    payload = await send(service, "detachPaymentMethod", entityId=entity_id, paymentMethodId=card.id)

    assert payload["userErrors"] == []
    assert payload["customer"]["paymentMethods"] == []


async def test_a_browser_gets_a_secret_of_its_own(service: Service, entity_id: str) -> None:
    await onboard(service, entity_id)

    payload = await send(service, "createSetupIntent", entityId=entity_id)

    assert payload["userErrors"] == []
    intent_id, _, secret = payload["clientSecret"].partition("_secret_")
    assert secret
    [customer] = (await everything_of(service, entity_id)).stripe_customers
    found = await stripe_list(service.stripe, "setup_intents", customer=customer["id"])
    assert [(each["id"], each["usage"]) for each in found] == [(intent_id, "off_session")]


async def test_the_same_key_gets_the_same_secret(service: Service, entity_id: str) -> None:
    await onboard(service, entity_id)
    given = {"entityId": entity_id, "idempotencyKey": f"{entity_id}:browser"}

    payloads = await asyncio.gather(*(send(service, "createSetupIntent", **given) for _ in range(5)))

    assert len({payload["clientSecret"] for payload in payloads}) == 1


async def test_a_browsers_secret_is_written_nowhere(service: Service, entity_id: str) -> None:
    await onboard(service, entity_id)

    payload = await send(service, "createSetupIntent", entityId=entity_id)

    operation = await models.Operation.get(id=payload["operation"]["id"])
    assert list(operation.result) == ["setup_intent_id"]
    assert payload["clientSecret"] not in json.dumps([operation.input, operation.result])


async def test_a_browsers_secret_that_cannot_be_read_is_there_for_the_same_request_later(
    service: Service, entity_id: str
) -> None:
    await onboard(service, entity_id)
    given = {"entityId": entity_id, "idempotencyKey": f"{entity_id}:browser"}
    await service.stripe.fault(method="GET", path="/v1/setup_intents/", kind="status_before", status=503, times=None)

    first = await send(service, "createSetupIntent", **given)
    await service.stripe.clear_faults()
    again = await send(service, "createSetupIntent", **given)

    assert (codes(first), first["clientSecret"]) == ([("PROVIDER_UNAVAILABLE", None)], None)
    assert again["clientSecret"].startswith("seti_")
    assert again["operation"]["id"] == first["operation"]["id"]


@pytest.mark.parametrize(
    "name", ["attachPaymentMethod", "setDefaultPaymentMethod", "detachPaymentMethod", "createSetupIntent"]
)
async def test_refused_input_names_its_field_and_changes_nothing(service: Service, entity_id: str, name: str) -> None:
    await onboard(service, entity_id, tier="PRO", paymentMethodId="pm_card_visa")
    await onboard(service, f"{entity_id}:b", paymentMethodId="pm_card_visa")
    strangers = await models.PaymentMethod.get(customer__entity_id=f"{entity_id}:b")
    takes_card = name != "createSetupIntent"
    card = {"paymentMethodId": await new_card(service)} if takes_card else {}
    before = await Footprint.of(service)

    refused = [
        ({"entityId": "nobody", **card}, ("CUSTOMER_NOT_FOUND", "entityId")),
        ({"entityId": "\x00", **card}, ("CUSTOMER_NOT_FOUND", "entityId")),
        ({"entityId": "x" * 5_000, **card}, ("CUSTOMER_NOT_FOUND", "entityId")),
        ({"entityId": entity_id, **card, "idempotencyKey": "x" * 256}, ("INVALID_INPUT", "idempotencyKey")),
    ]
    unknown = ["pm_none"] if takes_card else []
    if name in ("setDefaultPaymentMethod", "detachPaymentMethod"):
        unknown += ["", "\x00", "pmt_none", "x" * 5_000, strangers.id, strangers.stripe_payment_method_id]
    refused += [
        ({"entityId": entity_id, "paymentMethodId": each}, ("PAYMENT_METHOD_NOT_FOUND", "paymentMethodId"))
        for each in unknown
    ]
    if name == "attachPaymentMethod":
        refused += [
            ({"entityId": entity_id, "paymentMethodId": each}, ("INVALID_INPUT", "paymentMethodId"))
            for each in ("", "card_1", "pm_1/../../customers", "pm_\x00", "pm_é", "pm_" + "x" * 62, "pmt_1?x=1")
        ]
    for given, expected in refused:
        payload = await send(service, name, **given)
        assert codes(payload) == [expected], given
        assert payload["operation"] is None
    assert await Footprint.of(service) == before


@pytest.mark.parametrize("kind", ["drop_after", "html_after"])
@pytest.mark.parametrize("card", ["pm_card_visa", None])
async def test_an_answer_that_is_lost_attaches_one_card(
    service: Service, entity_id: str, kind: str, card: str | None
) -> None:
    await onboard(service, entity_id)
    given = card or await new_card(service)
    await service.stripe.fault(method="POST", path="/attach$", kind=kind, times=3)

    payload = await send(service, "attachPaymentMethod", entityId=entity_id, paymentMethodId=given)

    [shown] = payload["customer"]["paymentMethods"]
    [attached] = (await everything_of(service, entity_id)).payment_methods
    assert (shown["stripePaymentMethodId"], shown["isDefault"]) == (attached["id"], True)


async def test_of_two_defaults_at_once_one_is(service: Service, entity_id: str) -> None:
    await onboard(service, entity_id)
    cards = [
        (await send(service, "attachPaymentMethod", entityId=entity_id, paymentMethodId=await new_card(service)))[
            "paymentMethod"
        ]["id"]
        for _ in range(2)
    ]

    payloads = await asyncio.gather(
        *(send(service, "setDefaultPaymentMethod", entityId=entity_id, paymentMethodId=each) for each in cards * 3)
    )

    assert {code for payload in payloads for code, _ in codes(payload)} <= {"CUSTOMER_BUSY"}
    default = await models.PaymentMethod.get(customer__entity_id=entity_id, is_default=True)
    assert await _default_at_stripe(service, entity_id) == default.stripe_payment_method_id


async def _default_at_stripe(service: Service, entity_id: str) -> str | None:
    [customer] = (await everything_of(service, entity_id)).stripe_customers
    default: str | None = customer["invoice_settings"]["default_payment_method"]
    return default


async def _cards(service: Service, entity_id: str) -> tuple[list[tuple[str, bool]], list[str], str | None]:
    ours = await models.PaymentMethod.filter(customer__entity_id=entity_id, detached_at=None)
    theirs = (await everything_of(service, entity_id)).payment_methods
    return (
        [(each.stripe_payment_method_id, each.is_default) for each in ours],
        [each["id"] for each in theirs],
        await _default_at_stripe(service, entity_id),
    )
