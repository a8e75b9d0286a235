import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest

from mock_kit.courier import Endpoint, Event
from mock_metronome.events import sign
from tests.mock_kit.tally import RECEIVER, Receiver
from tests.mock_metronome.billing_client import UNKNOWN, BillingClient, billing_client, text

SECRET = "whsec_metronome"


@pytest.fixture
def receiver() -> Receiver:
    return Receiver(500)


@pytest.fixture
async def subscribed(receiver: Receiver) -> AsyncIterator[BillingClient]:
    """A sandbox that delivers to the receiver, which refuses the first attempt."""
    deliverer = httpx.AsyncClient(transport=httpx.ASGITransport(receiver))
    async with billing_client(webhook_client=deliverer) as client:
        await client.control("webhooks/endpoints", url=RECEIVER, secret=SECRET)
        yield client


async def test_every_attempt_carries_headers_that_a_receiver_can_verify(
    subscribed: BillingClient, receiver: Receiver
) -> None:
    await subscribed.customer()
    await subscribed.control("webhooks/drain")

    assert len(receiver.bodies) == 2
    for body, headers in zip(receiver.bodies, receiver.headers, strict=True):
        message = f"{headers['x-metronome-date']}\n{body}".encode()
        assert headers["metronome-webhook-signature"] == hmac.new(SECRET.encode(), message, hashlib.sha256).hexdigest()
        assert headers["x-metronome-date"] == headers["date"] == "Sun, 31 Jan 2027 10:00:00 GMT"
        assert (headers["content-type"], headers["user-agent"]) == ("application/json", "Metronome")


async def test_what_is_delivered_is_what_is_listed(subscribed: BillingClient, receiver: Receiver) -> None:
    await subscribed.customer()
    await subscribed.control("webhooks/drain")

    (event,) = await subscribed.all("webhooks/events")
    assert [json.loads(body) for body in receiver.bodies] == [event, event]
    assert (event["type"], event["timestamp"]) == ("customer.created", "2027-01-31T10:00:00Z")
    data = event["data"]
    assert isinstance(data, dict)
    assert event["customer_id"] == data["id"]


def test_the_published_example_has_the_published_signature() -> None:
    """The example of Metronome's guide to webhooks."""
    body = b"""{
  "id": "b2c9e307-624e-4e7d-a5a4-1b74107d78c4",
  "type": "widget_created",
  "properties": {
    "customer_id": "5f794d50-085a-4db6-8d15-286e518b7225",
    "widget_id": "0891458d-b6f0-4fdd-a41e-380aae1a1e38"
  }
}"""
    endpoint = Endpoint(id="e", url=RECEIVER, secrets=("correct-horse-battery-staple",))
    event = Event(id="b2c9e307-624e-4e7d-a5a4-1b74107d78c4", type="widget_created", body=body)

    headers = sign(endpoint, event, datetime(2006, 1, 2, 22, 4, 5, tzinfo=UTC))

    assert headers["X-Metronome-Date"] == "Mon, 02 Jan 2006 22:04:05 GMT"
    assert headers["Metronome-Webhook-Signature"] == "b82652fa2246cf1d8a27e591f155c865f68b46c19b9213fd9c052f2419b4742b"


async def test_a_refused_request_sends_nothing(subscribed: BillingClient, receiver: Receiver) -> None:
    await subscribed.post("customers", {}, status=400)
    await subscribed.control("webhooks/drain")

    assert receiver.bodies == []


async def test_the_engine_delivers_while_the_clock_moves(subscribed: BillingClient, receiver: Receiver) -> None:
    await subscribed.contract(await subscribed.customer())
    await subscribed.control("webhooks/drain")
    receiver.bodies.clear()
    await subscribed.control("clock", advance_to="2027-02-28T00:00:00Z")
    await subscribed.control("webhooks/drain")

    assert [json.loads(body)["type"] for body in receiver.bodies] == [
        "contract.updated",
        "invoice.created",
        "credit.applied",
    ]


async def test_events_can_be_read_from_one_on(client: BillingClient) -> None:
    ada, bob = await client.customer("ada"), await client.customer("bob")
    await client.contract(bob)
    first, second, third = await client.all("webhooks/events")

    assert await client.get("webhooks/events", after=text(first, "id")) == {"data": [second, third], "total": 2}
    assert await client.get("webhooks/events", after=text(first, "id"), limit="1") == {"data": [second], "total": 2}
    assert await client.get("webhooks/events", after=text(third, "id")) == {"data": [], "total": 0}
    assert await client.all("webhooks/events", customer_id=ada) == [first]
    assert await client.all("webhooks/events", type="contract.created") == [third]


async def test_events_after_an_unknown_one_are_not_found(client: BillingClient) -> None:
    assert (await client.get("webhooks/events", status=404, after=UNKNOWN))["field"] == "after"
    assert (await client.get("webhooks/events", status=400, type="invoice.voided"))["field"] == "type"
