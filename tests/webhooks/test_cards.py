"""Cards that were stored, detached or made the default elsewhere: in a browser, or at Stripe itself."""

from datetime import timedelta

import models
from tests.api.onboarding import stripe_list
from tests.api.paying import send
from tests.service import Service
from tests.webhooks.customers import FAILING_CARD, Payer, payer, standing
from tests.webhooks.delivery import Json, Sent, all_handled, deliver, deliver_all, events_of, handled, until

STRIPE_KEY = {"authorization": "Bearer sk_test_sandbox"}


async def test_a_card_detached_at_stripe_is_no_longer_the_default(service: Service, entity_id: str) -> None:
    customer = await payer(service, entity_id)
    cards = await service.stripe.http.get(f"/v1/customers/{customer.stripe_id}/payment_methods", headers=STRIPE_KEY)
    card = cards.json()["data"][0]["id"]
    assert (await service.stripe.http.post(f"/v1/payment_methods/{card}/detach", headers=STRIPE_KEY)).is_success

    events = await events_of(service, customer.stripe_id)
    await deliver_all(service, events)
    await all_handled(service, events)

    assert await cards_of(service, entity_id) == []


async def test_a_card_stored_by_the_browser_is_put_on_file(service: Service, entity_id: str) -> None:
    customer = await payer(service, entity_id, card=None)
    attached = await service.stripe.http.post(
        "/v1/payment_methods/pm_card_mastercard/attach", data={"customer": customer.stripe_id}, headers=STRIPE_KEY
    )
    assert attached.is_success, attached.text

    sent = await last_of(service, customer.stripe_id, "payment_method.attached")
    await deliver(service, sent)
    await handled(service, sent.id)

    assert await cards_of(service, entity_id) == [{"brand": "mastercard", "last4": "4444", "isDefault": False}]


async def test_the_default_card_follows_stripe(service: Service, entity_id: str) -> None:
    customer = await payer(service, entity_id, card=None)
    attached = await service.stripe.http.post(
        "/v1/payment_methods/pm_card_visa/attach", data={"customer": customer.stripe_id}, headers=STRIPE_KEY
    )
    await service.stripe.http.post(
        f"/v1/customers/{customer.stripe_id}",
        data={"invoice_settings[default_payment_method]": attached.json()["id"]},
        headers=STRIPE_KEY,
    )

    events = await events_of(service, customer.stripe_id)
    await deliver_all(service, reversed(events))
    await until(lambda: has_default(service, entity_id), what="a default card")

    assert await cards_of(service, entity_id) == [{"brand": "visa", "last4": "4242", "isDefault": True}]


async def test_the_first_card_stored_by_the_browser_is_the_default(service: Service, entity_id: str) -> None:
    customer = await payer(service, entity_id, card=None)
    await store_by_browser(service, customer, "pm_card_mastercard")

    for _ in range(2):
        await deliver_all(service, reversed(await events_of(service, customer.stripe_id)))
        await until(lambda: has_default(service, entity_id), what="a default card")

    assert await cards_of(service, entity_id) == [{"brand": "mastercard", "last4": "4444", "isDefault": True}]
    [there] = await stripe_list(service.stripe, "customers", email="ada@example.com", limit="1")
    assert there["invoice_settings"]["default_payment_method"] is not None


async def test_another_card_stored_by_the_browser_leaves_the_default_alone(service: Service, entity_id: str) -> None:
    customer = await payer(service, entity_id)
    await store_by_browser(service, customer, "pm_card_mastercard")

    events = await events_of(service, customer.stripe_id)
    await deliver_all(service, events)
    await all_handled(service, events)

    cards = await cards_of(service, entity_id)
    assert {card["brand"]: card["isDefault"] for card in cards} == {"visa": True, "mastercard": False}


async def test_a_default_card_set_at_stripe_is_tried_on_what_is_overdue(service: Service, entity_id: str) -> None:
    customer = await payer(service, entity_id, card=FAILING_CARD)
    invoice = await models.Invoice.get(customer__entity_id=entity_id)
    assert invoice.next_attempt_at is not None
    assert invoice.next_attempt_at > service.clock.now()
    attached = await service.stripe.http.post(
        "/v1/payment_methods/pm_card_visa/attach", data={"customer": customer.stripe_id}, headers=STRIPE_KEY
    )
    await service.stripe.http.post(
        f"/v1/customers/{customer.stripe_id}",
        data={"invoice_settings[default_payment_method]": attached.json()["id"]},
        headers=STRIPE_KEY,
    )

    events = await events_of(service, customer.stripe_id)
    await deliver_all(service, events)
    await all_handled(service, events)

    again = await models.Invoice.get(id=invoice.id)
    assert again.next_attempt_at is not None
    assert again.next_attempt_at <= service.clock.now()


async def cards_of(service: Service, entity_id: str) -> list[Json]:
    cards: list[Json] = (await standing(service, entity_id))["customer"]["paymentMethods"]
    return cards


async def has_default(service: Service, entity_id: str) -> bool:
    service.clock.advance(timedelta(seconds=1))
    return any(card["isDefault"] for card in await cards_of(service, entity_id))


async def store_by_browser(service: Service, customer: Payer, card: str) -> None:
    """What Stripe's own elements do with the client secret."""
    payload = await send(service, "createSetupIntent", entityId=customer.entity_id)
    intent_id = payload["clientSecret"].partition("_secret_")[0]
    confirmed = await service.stripe.http.post(
        f"/v1/setup_intents/{intent_id}/confirm", data={"payment_method": card}, headers=STRIPE_KEY
    )
    assert confirmed.json()["status"] == "succeeded", confirmed.text


async def last_of(service: Service, customer_id: str, kind: str) -> Sent:
    return [sent for sent in await events_of(service, customer_id) if sent.event["type"] == kind][-1]
