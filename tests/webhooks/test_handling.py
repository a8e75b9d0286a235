"""What becomes of events: the unknown, the early, the unhandled, and the ones that change something."""

from datetime import timedelta

from tests.service import Service
from tests.webhooks.bodies import metronome_event, stripe_event
from tests.webhooks.customers import FAILING_CARD, authenticate, payer, standing
from tests.webhooks.customers import SECURE_CARD as SECURE
from tests.webhooks.delivery import (
    Json,
    Sent,
    all_handled,
    deliver,
    deliver_all,
    events_of,
    handled,
    stored,
    until,
)
from tests.webhooks.providers import metronome_call

MINUTES = timedelta(minutes=6)


async def test_the_echoes_of_a_plain_onboarding_change_nothing(service: Service, entity_id: str) -> None:
    customer = await payer(service, entity_id)
    before = await standing(service, entity_id)

    events = await events_of(service, *customer.ids)
    await deliver_all(service, events)

    assert await all_handled(service, events) == dict.fromkeys((sent.name for sent in events), "DONE")
    assert len(events) == 12
    assert await standing(service, entity_id) == before


async def test_the_echoes_of_a_declined_onboarding_change_nothing(service: Service, entity_id: str) -> None:
    customer = await payer(service, entity_id, FAILING_CARD)
    before = await standing(service, entity_id)
    assert before["customer"]["subscription"]["status"] == "PAST_DUE"

    events = await events_of(service, *customer.ids)
    await deliver_all(service, events)

    assert set((await all_handled(service, events)).values()) == {"DONE"}
    assert await standing(service, entity_id) == before


async def test_an_event_names_the_customer_it_was_found_to_be_of(service: Service, entity_id: str) -> None:
    customer = await payer(service, entity_id)
    sent = (await events_of(service, customer.stripe_id))[0]

    await deliver(service, sent)

    assert (await handled(service, sent.id))["entityId"] == entity_id


async def test_a_type_that_nobody_handles_is_ignored_with_the_reason(service: Service) -> None:
    sent = Sent("stripe", stripe_event(type="radar.early_fraud_warning.created"))

    await deliver(service, sent)

    event = await handled(service, sent.id)
    assert event["state"] == "IGNORED"
    assert event["lastError"] == "Events of the type radar.early_fraud_warning.created are not handled."


async def test_an_event_of_an_unknown_customer_waits_for_a_while_and_is_then_parked(service: Service) -> None:
    sent = Sent("stripe", stripe_event(type="payment_method.attached", data={"object": CARD_OF_NOBODY}))
    await deliver(service, sent)
    waiting = await until(lambda: tried(service, sent), what="a first attempt")
    assert waiting["state"] == "PENDING"
    assert waiting["lastError"] == "No customer here is cus_nobody at Stripe."
    assert waiting["nextAttemptAt"] > waiting["receivedAt"]

    service.clock.advance(MINUTES)

    event = await handled(service, sent.id)
    assert (event["state"], event["lastError"]) == ("PARKED", "No customer here is cus_nobody at Stripe.")


async def test_a_payload_that_is_not_what_its_type_promises_is_parked(service: Service) -> None:
    sent = Sent("stripe", stripe_event(type="payment_method.attached", data={"object": {"id": "x", "customer": "c"}}))

    await deliver(service, sent)

    event = await handled(service, sent.id)
    assert (event["state"], event["lastError"]) == ("PARKED", "data.object.object is not text")


async def test_an_invoice_paid_by_other_means_is_paid_here(service: Service, entity_id: str) -> None:
    customer = await payer(service, entity_id, FAILING_CARD)
    assert (await standing(service, entity_id))["customer"]["subscription"]["status"] == "PAST_DUE"
    created = await last_of(service, customer.metronome_id, "invoice.created")
    await metronome_call(
        service, "POST", f"invoices/{created.event['data']['id']}/pay", {"external_payment_id": "wire"}
    )

    sent = await last_of(service, customer.metronome_id, "invoice.paid")
    await deliver(service, sent)
    assert (await handled(service, sent.id))["state"] == "DONE"

    after = (await standing(service, entity_id))["customer"]
    assert [invoice["status"] for invoice in after["invoices"]] == ["PAID"]
    assert after["subscription"]["status"] == "ACTIVE"


async def test_a_contract_cancelled_at_metronome_ends_the_subscription(service: Service, entity_id: str) -> None:
    customer = await payer(service, entity_id)
    created = await last_of(service, customer.metronome_id, "contract.created")
    await metronome_call(service, "POST", f"contracts/{created.event['data']['id']}/cancel", {})

    events = await events_of(service, customer.metronome_id)
    await deliver_all(service, reversed(events))

    assert set((await all_handled(service, events)).values()) == {"DONE"}
    after = await standing(service, entity_id)
    assert after["customer"]["subscription"]["status"] == "CANCELLED"
    assert after["customer"]["credits"] == {"balance": 0}
    assert after["creditLedger"]["nodes"] == [
        {"kind": "EXPIRY", "amount": -10_000},
        {"kind": "GRANT", "amount": 10_000},
    ]


async def test_what_expires_enters_the_ledger_once_and_what_was_spent_is_told_apart(
    service: Service, entity_id: str
) -> None:
    customer = await payer(service, entity_id)
    used = await service.metronome.http.post("/_mock/usage", json={"customer_id": customer.metronome_id, "amount": 700})
    assert used.is_success
    created = await last_of(service, customer.metronome_id, "contract.created")
    await metronome_call(service, "POST", f"contracts/{created.event['data']['id']}/cancel", {})

    for name in ("credit.expired", "contract.cancelled"):
        sent = await last_of(service, customer.metronome_id, name)
        await deliver(service, sent)
        await handled(service, sent.id)
        await replay(service, sent)

    async def ended() -> bool:
        return bool((await standing(service, entity_id))["customer"]["subscription"]["status"] == "CANCELLED")

    await until(ended, what="the subscription ended")
    after = await standing(service, entity_id)
    assert after["customer"]["credits"] == {"balance": 0}
    ledger = sorted((entry["kind"], entry["amount"]) for entry in after["creditLedger"]["nodes"])
    assert ledger == [("EXPIRY", -9_300), ("GRANT", 10_000), ("USAGE", -700)]


async def test_credits_granted_at_metronome_are_granted_here(service: Service, entity_id: str) -> None:
    customer = await payer(service, entity_id)
    given = {"customer_id": customer.metronome_id, "amount": 250, "reason": "A gift", "uniqueness_key": entity_id}
    await metronome_call(service, "POST", "credits", given)

    sent = await last_of(service, customer.metronome_id, "credit.applied")
    await deliver(service, sent)
    await handled(service, sent.id)
    await replay(service, sent)

    assert (await standing(service, entity_id))["customer"]["credits"] == {"balance": 10_250}


async def test_a_renewal_told_backwards_is_a_renewal(service: Service, entity_id: str) -> None:
    customer = await payer(service, entity_id)
    service.clock.advance(timedelta(days=32))
    await service.metronome.http.post("/_mock/clock", json={"advance_seconds": 1})

    events = await events_of(service, customer.metronome_id)
    await deliver_all(service, reversed(events))

    assert set((await all_handled(service, events)).values()) == {"DONE"}
    after = await until(lambda: with_two_paid_invoices(service, entity_id), what="the renewal's invoice paid")
    assert after["customer"]["subscription"]["status"] == "ACTIVE"
    assert after["customer"]["credits"] == {"balance": 10_000}
    assert sorted((entry["kind"], entry["amount"]) for entry in after["creditLedger"]["nodes"]) == [
        ("EXPIRY", -10_000),
        ("GRANT", 10_000),
        ("GRANT", 10_000),
    ]


async def test_when_stripe_is_away_the_event_waits_and_is_handled_when_it_is_back(
    service: Service, entity_id: str
) -> None:
    customer = await payer(service, entity_id, SECURE)
    await authenticate(service, customer, outcome="failure")
    sent = await last_of(service, customer.stripe_id, "payment_intent.payment_failed")
    await service.stripe.fault(method="GET", path="/v1/payment_intents/", kind="status_before", status=500, times=None)

    await deliver(service, sent)
    waiting = await until(lambda: tried(service, sent), what="a first attempt")
    await service.stripe.clear_faults()

    assert waiting["state"] == "PENDING"
    assert "stripe get_payment_intent" in waiting["lastError"]
    service.clock.advance(MINUTES)
    assert (await handled(service, sent.id))["state"] == "DONE"
    assert (await standing(service, entity_id))["customer"]["subscription"]["status"] == "PAST_DUE"


async def test_an_event_that_names_nobody_is_ignored(service: Service) -> None:
    data = {"object": {**CARD_OF_NOBODY, "customer": None}}
    sent = Sent("stripe", stripe_event(type="payment_method.attached", data=data))

    await deliver(service, sent)

    assert (await handled(service, sent.id))["lastError"] == "The event names no customer."


async def test_an_invoice_of_ours_that_we_do_not_know_is_parked(service: Service, entity_id: str) -> None:
    customer = await payer(service, entity_id)
    invoice = (await last_of(service, customer.metronome_id, "invoice.created")).event["data"]
    unknown = {**invoice, "id": "00000000-0000-4000-8000-000000000001", "uniqueness_key": None}
    sent = Sent("metronome", metronome_event(type="invoice.paid", customer_id=customer.metronome_id, data=unknown))
    await deliver(service, sent)
    await until(lambda: tried(service, sent), what="a first attempt")

    service.clock.advance(MINUTES)

    event = await handled(service, sent.id)
    assert event["state"] == "PARKED"
    assert event["lastError"] == "Invoice 00000000-0000-4000-8000-000000000001 was not made here."


CARD_OF_NOBODY: Json = {"id": "pm_nobody", "object": "payment_method", "type": "card", "customer": "cus_nobody"}


async def tried(service: Service, sent: Sent) -> Json | None:
    event = await stored(service, sent.id)
    return event if event and event["lastError"] else None


async def last_of(service: Service, customer_id: str, kind: str) -> Sent:
    return [sent for sent in await events_of(service, customer_id) if sent.event["type"] == kind][-1]


async def with_two_paid_invoices(service: Service, entity_id: str) -> Json | None:
    service.clock.advance(timedelta(seconds=1))  # what waits for its next attempt gets it
    found = await standing(service, entity_id)
    return found if [each["status"] for each in found["customer"]["invoices"]] == ["PAID", "PAID"] else None


async def replay(service: Service, sent: Sent) -> Json:
    event = await handled(service, sent.id)
    mutation = "mutation($id: ID!) { replayWebhookEvent(input: {id: $id}) { event { state } userErrors { code } } }"
    answer = await service.graphql(mutation, id=event["id"])
    assert answer["replayWebhookEvent"] == {"event": {"state": "PENDING"}, "userErrors": []}
    return await handled(service, sent.id)
