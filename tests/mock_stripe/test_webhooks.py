import pytest
import stripe

from tests.mock_stripe.conftest import RECEIVER, World, code, refusal

LIFE = [
    "payment_intent.created",
    "charge.succeeded",
    "payment_intent.succeeded",
    "charge.updated",
]


async def drain(world: World) -> dict[str, object]:
    outcome = await world.control("POST", "webhooks/drain", {})
    assert outcome["drained"] is True
    return outcome


async def test_events_arrive_in_order_signed_and_as_the_api_shows_them(world: World) -> None:
    await world.listen("whsec_1")
    await world.pay(None, "pm_card_visa", key="k1")
    await drain(world)
    assert world.receiver.types(secret="whsec_1") == LIFE
    (shown,) = (await world.v1.events.list_async({"type": "charge.succeeded"})).data
    sent = world.receiver.events()[1]
    assert sent["pending_webhooks"] == 1
    assert shown.to_dict() | {"pending_webhooks": 1} == sent
    assert sent["api_version"] == stripe.api_version
    assert sent["request"]["idempotency_key"] == "k1"
    assert sent["request"]["id"].startswith("req_")


async def test_a_signature_of_another_secret_does_not_verify(world: World) -> None:
    await world.listen("whsec_1")
    await world.customer()
    await drain(world)
    with pytest.raises(stripe.SignatureVerificationError):
        world.receiver.events(secret="whsec_2")


async def test_the_signature_is_made_with_the_sandbox_s_time(world: World) -> None:
    await world.listen("whsec_1")
    await world.customer()
    await drain(world)
    ((_, header),) = world.receiver.got
    assert header.startswith("t=1803902400,v1=")


async def test_a_refused_delivery_is_sent_again_and_signed_again(world: World) -> None:
    await world.listen()
    world.receiver.answer(500, 302)
    await world.customer()
    await drain(world)
    assert len(set(world.receiver.ids())) == 1
    deliveries = (await world.control("GET", "state"))["deliveries"]
    assert [(one["attempt"], one["status"]) for one in deliveries] == [(1, 500), (2, 302), (3, 200)]


async def test_undelivered_events_can_be_found_and_sent_again(world: World) -> None:
    await world.listen()
    await world.customer()
    await drain(world)
    world.receiver.answer(500, 500, 500, 500)
    customer_id = await world.customer()
    await drain(world)

    (missed,) = (await world.v1.events.list_async({"delivery_success": False})).data
    assert (missed.data.object["id"], missed.pending_webhooks) == (customer_id, 1)
    await world.control("POST", "webhooks/resend", {"event_id": missed.id})
    await drain(world)

    assert world.receiver.ids()[-1] == missed.id
    assert (await world.v1.events.list_async({"delivery_success": False})).data == []


async def test_an_event_can_be_sent_more_than_once(world: World) -> None:
    await world.listen()
    await world.control("POST", "webhooks/duplicate", {"times": 3, "next": 1})
    await world.customer()
    await world.customer()
    await drain(world)
    first, *again, second = world.receiver.ids()
    assert again == [first, first]
    assert second != first


async def test_held_events_can_be_released_in_reverse(world: World) -> None:
    await world.listen()
    await world.control("POST", "webhooks/hold", {})
    await world.pay(None, "pm_card_visa")
    assert world.receiver.got == []
    await world.control("POST", "webhooks/release", {"order": "reversed"})
    await drain(world)
    assert world.receiver.types() == LIFE[::-1]


async def test_an_endpoint_of_the_api_gets_its_types_only_and_tells_its_secret_once(world: World) -> None:
    v1 = world.v1.webhook_endpoints
    endpoint = await v1.create_async({"url": RECEIVER, "enabled_events": ["charge.succeeded", "charge.updated"]})
    assert endpoint.secret is not None
    await world.pay(None, "pm_card_visa")
    await drain(world)
    assert world.receiver.types(secret=endpoint.secret) == ["charge.succeeded", "charge.updated"]
    assert "secret" not in (await v1.retrieve_async(endpoint.id)).to_dict()


async def test_a_changed_disabled_or_deleted_endpoint_gets_what_it_should(world: World) -> None:
    v1 = world.v1.webhook_endpoints
    endpoint = await v1.create_async({"url": RECEIVER, "enabled_events": ["charge.succeeded"]})
    await v1.update_async(endpoint.id, {"enabled_events": ["customer.created"]})
    await world.customer()
    await v1.update_async(endpoint.id, {"disabled": True})
    await world.customer()
    await v1.update_async(endpoint.id, {"disabled": False})
    await world.customer()
    await drain(world)
    await v1.delete_async(endpoint.id)
    await world.customer()
    await drain(world)
    assert len(world.receiver.got) == 2
    assert code(await refusal(v1.retrieve_async(endpoint.id))) == "resource_missing"


async def test_while_a_secret_is_rolled_both_verify(world: World) -> None:
    endpoint_id = await world.listen("whsec_old")
    await world.control("POST", "webhooks/roll", {"endpoint_id": endpoint_id, "secret": "whsec_new"})
    await world.customer()
    await drain(world)
    assert world.receiver.types(secret="whsec_old") == world.receiver.types(secret="whsec_new") == ["customer.created"]

    await world.control("POST", "webhooks/roll", {"endpoint_id": endpoint_id, "secret": "whsec_new", "keep_old": False})
    world.receiver.got.clear()
    await world.customer()
    await drain(world)
    assert world.receiver.types(secret="whsec_new") == ["customer.created"]
    with pytest.raises(stripe.SignatureVerificationError):
        world.receiver.events(secret="whsec_old")


async def test_a_replayed_answer_sends_no_second_event(world: World) -> None:
    await world.listen()
    await world.pay(None, "pm_card_visa", key="k1")
    await world.pay(None, "pm_card_visa", key="k1")
    await drain(world)
    assert world.receiver.types() == LIFE


async def test_updates_tell_what_they_changed(world: World) -> None:
    customer = await world.v1.customers.create_async({"name": "Ada", "metadata": {"a": "1", "b": "2"}})
    await world.v1.customers.update_async(customer.id, {"name": "Bob", "metadata": {"a": "3", "c": "4"}})
    await world.v1.customers.update_async(customer.id, {"name": "Bob"})
    (event,) = (await world.v1.events.list_async({"type": "customer.updated"})).data
    assert event.data.previous_attributes is not None
    assert event.data.previous_attributes.to_dict() == {"metadata": {"a": "1", "c": None}, "name": "Ada"}


async def test_an_event_keeps_the_object_as_it_was(world: World) -> None:
    customer = await world.v1.customers.create_async({"name": "Ada"})
    await world.v1.customers.update_async(customer.id, {"name": "Bob"})
    (event,) = (await world.v1.events.list_async({"type": "customer.created"})).data
    assert event.data.object["name"] == "Ada"
