"""What events change stands on the customer's timeline, once, and what they only repeat does not."""

from datetime import timedelta

from tests.service import Service
from tests.webhooks.customers import FAILING_CARD, Payer, payer
from tests.webhooks.delivery import all_handled, deliver_all, events_of
from tests.webhooks.providers import metronome_call, stripe_call
from tests.webhooks.timeline import timeline

EVERYTHING = ""
A_MONTH = timedelta(days=32)


async def test_echoes_are_not_told(service: Service, entity_id: str) -> None:
    customer = await payer(service, entity_id)
    before = await timeline(entity_id, EVERYTHING)

    await hear(service, customer)

    assert await timeline(entity_id, EVERYTHING) == before


async def test_what_becomes_of_cards_at_stripe_is_told(service: Service, entity_id: str) -> None:
    customer = await payer(service, entity_id, card=None)
    card = await stripe_call(service, "POST", "payment_methods/pm_card_mastercard/attach", customer=customer.stripe_id)
    default = {"invoice_settings[default_payment_method]": card["id"]}
    await stripe_call(service, "POST", f"customers/{customer.stripe_id}", **default)
    await hear(service, customer)
    await stripe_call(service, "POST", f"payment_methods/{card['id']}/detach")

    await hear(service, customer)
    await hear(service, customer)

    assert sorted(await timeline(entity_id, "payment_method.")) == [
        ("payment_method.attached", "Card mastercard ending in 4444 attached at Stripe"),
        ("payment_method.detached", "Card mastercard ending in 4444 detached at Stripe"),
        ("payment_method.made_default", "Card mastercard ending in 4444 made default at Stripe"),
    ]


async def test_credits_granted_used_and_expired_at_metronome_are_told(service: Service, entity_id: str) -> None:
    customer = await payer(service, entity_id, card=None, tier="FREE")
    service.clock.advance(A_MONTH)
    await service.metronome.http.post("/_mock/usage", json={"customer_id": customer.metronome_id, "amount": 300})
    service.clock.advance(A_MONTH)
    await service.metronome.http.post("/_mock/clock", json={"advance_seconds": 1})

    await hear(service, customer)
    await hear(service, customer)

    assert sorted(summary for _, summary in await timeline(entity_id, "credits.")) == [
        "1000 credits expired at Metronome",
        "1000 credits granted at Metronome",
        "1000 credits granted at Metronome",
        "300 credits used at Metronome",
        "700 credits expired at Metronome",
    ]


async def test_an_invoice_paid_by_other_means_is_told(service: Service, entity_id: str) -> None:
    customer = await payer(service, entity_id, FAILING_CARD)
    (created,) = [
        sent for sent in await events_of(service, customer.metronome_id) if sent.event["type"] == "invoice.created"
    ]
    await metronome_call(
        service, "POST", f"invoices/{created.event['data']['id']}/pay", {"external_payment_id": "wire"}
    )

    await hear(service, customer)

    assert await timeline(entity_id, "invoice.") == [
        ("invoice.paid", "Invoice of 9.00 USD paid by other means, as told by Metronome")
    ]


async def hear(service: Service, customer: Payer) -> None:
    """All there is to tell of the customer, again and again, and handled."""
    events = await events_of(service, *customer.ids)
    await deliver_all(service, events)
    assert set((await all_handled(service, events)).values()) == {"DONE"}
