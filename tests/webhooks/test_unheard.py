"""A payment that went through at Stripe while we were told that it had not: its event puts it right."""

from typing import Any

import models
from tests.api.changing import Customers
from tests.service import Service
from tests.webhooks.customers import payer, settled, standing
from tests.webhooks.delivery import deliver, events_of, handled, until


async def test_an_intent_we_never_heard_of_settles_its_invoice(service: Service, entity_id: str) -> None:
    await service.stripe.fault(method="POST", path="/v1/payment_intents$", kind="status_after", status=400)
    customer = await payer(service, entity_id)
    payment = await models.Payment.get(customer__entity_id=entity_id)
    assert (payment.status, payment.stripe_payment_intent_id) == ("FAILED", None)
    assert shown(await standing(service, entity_id)) == ("PAST_DUE", [("OPEN", ["FAILED"])])
    [succeeded] = [
        sent
        for sent in await events_of(service, customer.stripe_id)
        if sent.event["type"] == "payment_intent.succeeded"
    ]

    await deliver(service, succeeded)

    assert (await handled(service, succeeded.id))["state"] == "DONE"
    await until(lambda: settled(service, entity_id), what="Metronome told of the payment")
    assert shown(await standing(service, entity_id)) == ("ACTIVE", [("PAID", ["SUCCEEDED"])])
    payment = await models.Payment.get(customer__entity_id=entity_id)
    assert payment.stripe_payment_intent_id == succeeded.event["data"]["object"]["id"]
    await Customers(service).agree(entity_id)


def shown(after: dict[str, Any]) -> tuple[str, list[tuple[str, list[str]]]]:
    invoices = after["customer"]["invoices"]
    return after["customer"]["subscription"]["status"], [
        (invoice["status"], [payment["status"] for payment in invoice["payments"]]) for invoice in invoices
    ]
