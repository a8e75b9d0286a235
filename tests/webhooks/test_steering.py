"""Looking at events and handling them again."""

from datetime import timedelta

from tests.service import Service
from tests.webhooks.customers import payer
from tests.webhooks.delivery import EVENTS, deliver, deliver_all, events_of, handled, stored
from tests.webhooks.ended import a_dead_event, an_ignored_event

SETTINGS = {"webhook_max_attempts": 2}

REPLAY = """
mutation Replay($input: ReplayWebhookEventInput!) {
  replayWebhookEvent(input: $input) { event { id state attempts lastError } userErrors { code field } }
}
"""


async def test_an_event_attempted_too_often_is_dead_and_all_the_dead_can_be_replayed(service: Service) -> None:
    sent = await a_dead_event(service)

    answer = await service.graphql("mutation { replayDeadWebhookEvents { replayed } }")

    assert answer == {"replayDeadWebhookEvents": {"replayed": 1}}
    service.clock.advance(timedelta(minutes=6))
    event = await handled(service, sent.id)
    assert (event["state"], event["lastError"]) == ("PARKED", "No customer here is cus_nobody at Stripe.")


async def test_an_event_shows_all_that_is_known_of_it(service: Service, entity_id: str) -> None:
    customer = await payer(service, entity_id, card=None)
    sent = (await events_of(service, customer.stripe_id))[0]
    await deliver(service, sent)

    event = await handled(service, sent.id)

    assert (event["provider"], event["type"], event["entityId"]) == ("STRIPE", "customer.created", entity_id)
    assert (event["state"], event["attempts"], event["lastError"]) == ("DONE", 1, None)
    assert event["receivedAt"] <= event["handledAt"]
    assert event["nextAttemptAt"] is None
    assert f'"id": "{sent.id}"' in event["payload"]


async def test_events_are_listed_newest_first_and_page_by_page(service: Service, entity_id: str) -> None:
    customer = await payer(service, entity_id)
    events = await events_of(service, *customer.ids)
    await deliver_all(service, events)
    for sent in events:
        await handled(service, sent.id)

    found, after = [], None
    while True:
        page = (await service.graphql(EVENTS, first=5, after=after, filter={"entityId": entity_id}))["webhookEvents"]
        assert page["totalCount"] == len(events)
        found += [node["eventId"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break

    assert found == [sent.id for sent in reversed(events)]


async def test_a_filter_leaves_only_what_fits_all_of_it(service: Service, entity_id: str) -> None:
    customer = await payer(service, entity_id)
    events = await events_of(service, *customer.ids)
    await deliver_all(service, events)
    for sent in events:
        await handled(service, sent.id)
    wanted = {"entityId": entity_id, "provider": "METRONOME", "state": "DONE", "type": "credit.applied"}

    nodes = (await service.graphql(EVENTS, first=50, filter=wanted))["webhookEvents"]["nodes"]

    assert [(node["provider"], node["type"]) for node in nodes] == [("METRONOME", "credit.applied")]


async def test_a_replay_under_the_same_key_is_one_replay(service: Service) -> None:
    event = await an_ignored_event(service)
    given = {"id": event["id"], "idempotencyKey": f"again {event['id']}"}
    first = (await service.graphql(REPLAY, input=given))["replayWebhookEvent"]
    await handled(service, event["eventId"])

    second = (await service.graphql(REPLAY, input=given))["replayWebhookEvent"]

    assert first["event"] == {"id": event["id"], "state": "PENDING", "attempts": 0, "lastError": None}
    assert second["event"]["state"] == "IGNORED"


async def test_a_replay_key_of_another_event_is_refused(service: Service) -> None:
    one, other = await an_ignored_event(service), await an_ignored_event(service)
    key = f"once {one['id']}"
    await service.graphql(REPLAY, input={"id": one["id"], "idempotencyKey": key})

    refused = (await service.graphql(REPLAY, input={"id": other["id"], "idempotencyKey": key}))["replayWebhookEvent"]

    assert refused == {"event": None, "userErrors": [{"code": "IDEMPOTENCY_CONFLICT", "field": "idempotencyKey"}]}
    assert await stored(service, other["eventId"]) == other


async def test_an_id_that_names_nothing_is_not_replayed(service: Service) -> None:
    refused = (await service.graphql(REPLAY, input={"id": "whe_none"}))["replayWebhookEvent"]

    assert refused == {"event": None, "userErrors": [{"code": "WEBHOOK_EVENT_NOT_FOUND", "field": "eventId"}]}
