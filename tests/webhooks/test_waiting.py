"""Events that wait for an operation of their customer: as long as it takes, whatever the number of attempts."""

from datetime import datetime, timedelta

from tests.api.changing import Customers
from tests.service import Service
from tests.webhooks.customers import SECURE_CARD, authenticate, payer, settled, standing
from tests.webhooks.delivery import Json, Sent, deliver_all, events_of, handled, stored, until

MOST_ATTEMPTS = 2
SETTINGS = {"webhook_max_attempts": MOST_ATTEMPTS}


async def test_a_payment_that_succeeds_while_another_operation_waits_for_its_payer_is_worked_in_when_it_has_ended(
    service: Service, entity_id: str
) -> None:
    customer = await payer(service, entity_id, SECURE_CARD)
    upgrade = await asking_upgrade(service, entity_id)
    await authenticate(service, customer, outcome="success")
    paid = [
        sent
        for sent in await events_of(service, customer.stripe_id)
        if sent.event["type"] == "payment_intent.succeeded"
    ]
    await deliver_all(service, paid)
    for _ in range(MOST_ATTEMPTS + 1):
        waiting = await tried(service, paid[0])
        assert waiting["state"] == "PENDING"
        assert waiting["lastError"] == f"Operation {upgrade['operation']['id']} of {entity_id} waits for its payer."

    await give_up(service, upgrade)

    assert (await eventually(service, paid[0]))["state"] == "DONE"
    await until(lambda: settled(service, entity_id), what="Metronome told of the payment")
    invoices = (await standing(service, entity_id))["customer"]["invoices"]
    assert [(each["status"], each["amount"]["minorUnits"]) for each in invoices if each["status"] != "VOID"] == [
        ("PAID", 900)
    ]


async def asking_upgrade(service: Service, entity_id: str) -> Json:
    """One that waits for its payer."""
    customers = Customers(service)
    payload = await customers.change(entity_id, tier="TEAM")
    assert payload["userErrors"] == []
    assert payload["operation"]["status"] == "REQUIRES_ACTION"
    return payload


async def give_up(service: Service, upgrade: Json) -> None:
    intent_id = upgrade["payment"]["stripePaymentIntentId"]
    answer = await service.stripe.http.post(
        "/_mock/authenticate", json={"payment_intent": intent_id, "outcome": "failure"}
    )
    assert answer.is_success, answer.text
    mutation = (
        "mutation($id: ID!) { resumeOperation(input: {operationId: $id}) { operation { status } userErrors { code } } }"
    )
    await service.graphql(mutation, id=upgrade["operation"]["id"])


async def tried(service: Service, sent: Sent) -> Json:
    """The event after one more attempt, for which the time has come."""
    before = await stored(service, sent.id)
    if before and before["lastError"]:
        service.clock.advance(max(datetime.fromisoformat(before["nextAttemptAt"]) - service.clock.now(), timedelta(0)))
        service.app.state.worker.wake()

    async def again() -> Json | None:
        event = await stored(service, sent.id)
        assert event is not None
        is_news = before is None or event["nextAttemptAt"] != before["nextAttemptAt"]
        return event if event["lastError"] and is_news else None

    return await until(again, what="another attempt")


async def eventually(service: Service, sent: Sent) -> Json:
    service.clock.advance(timedelta(minutes=6))
    return await handled(service, sent.id)
