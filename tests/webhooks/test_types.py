"""Every type of event that the service promises to understand, and what those do that no other test follows."""

import pytest

from tests.service import Service
from tests.webhooks.bodies import metronome_event, stripe_event
from tests.webhooks.customers import SECURE_CARD, payer, standing
from tests.webhooks.delivery import Sent, deliver, deliver_all, events_of, handled
from tests.webhooks.providers import metronome_call, stripe_call
from tests.webhooks.timeline import timeline

STRIPE_TYPES = [
    "charge.failed",
    "charge.refunded",
    "charge.succeeded",
    "customer.created",
    "customer.deleted",
    "customer.updated",
    "payment_intent.canceled",
    "payment_intent.payment_failed",
    "payment_intent.requires_action",
    "payment_intent.succeeded",
    "payment_method.attached",
    "payment_method.detached",
    "refund.created",
    "refund.failed",
    "refund.updated",
    "setup_intent.succeeded",
]
METRONOME_TYPES = [
    "contract.cancelled",
    "contract.created",
    "contract.updated",
    "credit.applied",
    "credit.expired",
    "customer.created",
    "customer.updated",
    "invoice.created",
    "invoice.failed",
    "invoice.paid",
]
PROMISED = [
    *(Sent("stripe", stripe_event(type=each, data={"object": {"id": "x"}})) for each in STRIPE_TYPES),
    *(Sent("metronome", metronome_event(type=each, data={"id": "x"})) for each in METRONOME_TYPES),
]


@pytest.mark.parametrize("sent", PROMISED, ids=lambda sent: sent.name)
async def test_each_promised_type_is_read_and_none_is_waved_through(service: Service, sent: Sent) -> None:
    """An object that is not what the type promises is looked at by a person; a type nobody knows would be ignored."""
    await deliver(service, sent)

    event = await handled(service, sent.id)
    assert (event["state"], event["attempts"]) == ("PARKED", 1)
    assert "data" in event["lastError"]


async def test_a_payment_cancelled_in_stripes_dashboard_is_cancelled_here_and_its_invoice_waits_on(
    service: Service, entity_id: str
) -> None:
    customer = await payer(service, entity_id, SECURE_CARD)
    intent_id = customer.onboarded["payment"]["clientSecret"].partition("_secret_")[0]
    await stripe_call(service, "POST", f"payment_intents/{intent_id}/cancel")

    (cancelled,) = [
        sent for sent in await events_of(service, customer.stripe_id) if sent.event["type"] == "payment_intent.canceled"
    ]
    await deliver(service, cancelled)

    assert (await handled(service, cancelled.id))["state"] == "DONE"
    after = (await standing(service, entity_id))["customer"]
    assert [(each["status"], each["payments"][0]["status"]) for each in after["invoices"]] == [("OPEN", "CANCELLED")]
    assert after["invoices"][0]["payments"][0]["clientSecret"] is None
    assert after["subscription"]["status"] == "ACTIVE"


async def test_an_invoice_that_failed_at_metronome_starts_dunning_once(service: Service, entity_id: str) -> None:
    customer = await payer(service, entity_id, card=None)
    (created,) = [
        sent for sent in await events_of(service, customer.metronome_id) if sent.event["type"] == "invoice.created"
    ]
    for _ in range(2):
        await metronome_call(service, "POST", f"invoices/{created.event['data']['id']}/fail", {"reason": "no funds"})
    failed = [
        sent for sent in await events_of(service, customer.metronome_id) if sent.event["type"] == "invoice.failed"
    ]
    assert len(failed) == 2

    await deliver_all(service, failed)

    assert [(await handled(service, sent.id))["state"] for sent in failed] == ["DONE", "DONE"]
    query = """query($id: String!) {
      customer(entityId: $id) { subscription { status } invoices { status failedAttempts nextAttemptAt } }
    }"""
    after = (await service.graphql(query, id=entity_id))["customer"]
    assert after["subscription"]["status"] == "PAST_DUE"
    assert [(each["status"], each["failedAttempts"]) for each in after["invoices"]] == [("OPEN", 1)]
    assert after["invoices"][0]["nextAttemptAt"] is not None
    assert await timeline(entity_id, "invoice.") == [
        ("invoice.failed", "Collecting 9.00 USD failed, as told by Metronome")
    ]
