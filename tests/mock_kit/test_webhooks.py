import httpx
import pytest

from mock_kit.courier import RetrySchedule
from tests.mock_kit.tally import RECEIVER, Receiver, create_app, in_process, told


async def subscribe(client: httpx.AsyncClient, url: str = RECEIVER) -> str:
    return str((await told(client, "/_mock/webhooks/endpoints", url=url, secret="s"))["id"])


async def raise_tally(client: httpx.AsyncClient, times: int) -> None:
    for _ in range(times):
        await client.post("/tally")


async def test_events_are_delivered_in_order_signed_for_their_endpoint() -> None:
    receiver = Receiver()
    async with in_process(create_app(receiver)) as client:
        await subscribe(client)
        await raise_tally(client, 3)
        drained = await told(client, "/_mock/webhooks/drain")

    assert receiver.bodies == ["1", "2", "3"]
    assert receiver.headers[2]["x-signed"] == "s event-3 12:00:00"
    assert drained == {"drained": True, "delivered": 3, "failed": 0, "pending": 0, "held": 0}


@pytest.mark.parametrize("status", [500, 404, 302, 199])
async def test_a_delivery_is_repeated_until_it_is_answered_2xx(status: int) -> None:
    receiver = Receiver(status, status, 204)
    async with in_process(create_app(receiver)) as client:
        endpoint = await subscribe(client)
        await raise_tally(client, 1)
        drained = await told(client, "/_mock/webhooks/drain")
        log = (await client.get("/_mock/state")).json()["deliveries"]

    assert receiver.bodies == ["1", "1", "1"]
    assert (drained["delivered"], drained["failed"]) == (1, 2)
    assert [(entry["attempt"], entry["status"]) for entry in log] == [(1, status), (2, status), (3, 204)]
    assert log[0] == {
        "event_id": "event-1",
        "type": "tally.raised",
        "endpoint": endpoint,
        "attempt": 1,
        "status": status,
        "error": None,
        "at": "2028-02-28T12:00:00Z",
    }


async def test_every_attempt_is_signed_afresh() -> None:
    receiver = Receiver(500)
    async with in_process(create_app(receiver, schedule=RetrySchedule(first_seconds=60))) as client:
        await subscribe(client)
        await raise_tally(client, 1)
        await receiver.arrived.wait()
        await told(client, "/_mock/webhooks/drain", timeout_ms=1)
        await told(client, "/_mock/clock", advance_seconds=30)
        await told(client, "/_mock/webhooks/hold")
        await told(client, "/_mock/webhooks/release")
        await told(client, "/_mock/webhooks/drain")

    assert [headers["x-signed"] for headers in receiver.headers] == ["s event-1 12:00:00", "s event-1 12:00:30"]


async def test_a_delivery_is_given_up_after_the_last_attempt() -> None:
    receiver = Receiver(*[500] * 20)
    async with in_process(create_app(receiver)) as client:
        await subscribe(client)
        await raise_tally(client, 1)
        drained = await told(client, "/_mock/webhooks/drain")

    assert (len(receiver.bodies), drained["failed"], drained["pending"]) == (6, 6, 0)


def test_pauses_double_up_to_the_longest() -> None:
    schedule = RetrySchedule(first_seconds=1, longest_seconds=6, attempts=5)

    pauses = [schedule.pause_seconds(after_attempt=attempt) for attempt in range(1, 6)]

    assert pauses == [1, 2, 4, 6, None]


async def test_a_receiver_that_fails_to_answer_does_not_hold_up_requests() -> None:
    async with in_process(create_app()) as client:
        await subscribe(client, "http://receiver:notaport/")
        answer = await client.post("/tally")
        await told(client, "/_mock/webhooks/drain")
        log = (await client.get("/_mock/state")).json()["deliveries"]

    assert answer.json() == {"count": 1}
    assert (log[0]["status"], log[0]["error"].split(":")[0]) == (None, "InvalidURL")


@pytest.mark.parametrize(("order", "bodies"), [("kept", ["1", "2", "3"]), ("reversed", ["3", "2", "1"])])
async def test_held_events_are_released_in_the_order_asked_for(order: str, bodies: list[str]) -> None:
    receiver = Receiver()
    async with in_process(create_app(receiver)) as client:
        await subscribe(client)
        await told(client, "/_mock/webhooks/hold")
        await raise_tally(client, 3)
        assert (await told(client, "/_mock/webhooks/drain"))["held"] == 3
        assert receiver.bodies == []

        assert (await told(client, "/_mock/webhooks/release", order=order))["released"] == 3
        await told(client, "/_mock/webhooks/drain")

    assert receiver.bodies == bodies


async def test_a_shuffle_is_repeated_by_its_seed() -> None:
    orders = []
    for _ in range(2):
        receiver = Receiver()
        async with in_process(create_app(receiver)) as client:
            await subscribe(client)
            await told(client, "/_mock/webhooks/hold")
            await raise_tally(client, 8)
            await told(client, "/_mock/webhooks/release", order="shuffled", seed=3)
            await told(client, "/_mock/webhooks/drain")
        orders.append(receiver.bodies)

    assert orders[0] == orders[1]
    assert orders[0] != sorted(orders[0])
    assert sorted(orders[0]) == [str(number) for number in range(1, 9)]


async def test_the_next_events_are_duplicated_as_often_as_asked() -> None:
    receiver = Receiver()
    async with in_process(create_app(receiver)) as client:
        await subscribe(client)
        await told(client, "/_mock/webhooks/duplicate", times=3, next=2)
        await raise_tally(client, 3)
        await told(client, "/_mock/webhooks/drain")

    assert receiver.bodies == ["1", "1", "1", "2", "2", "2", "3"]


async def test_an_event_is_sent_again_on_request() -> None:
    receiver = Receiver()
    async with in_process(create_app(receiver)) as client:
        await subscribe(client)
        await raise_tally(client, 2)
        await told(client, "/_mock/webhooks/resend", event_id="event-1")
        await told(client, "/_mock/webhooks/drain")

        assert receiver.bodies == ["1", "2", "1"]
        assert (await client.post("/_mock/webhooks/resend", json={"event_id": "event-9"})).status_code == 404


async def test_a_removed_endpoint_gets_nothing_more() -> None:
    receiver = Receiver()
    async with in_process(create_app(receiver)) as client:
        endpoint = await subscribe(client)
        await told(client, "/_mock/webhooks/hold")
        await raise_tally(client, 1)
        assert (await client.delete(f"/_mock/webhooks/endpoints/{endpoint}")).status_code == 200
        assert (await client.delete(f"/_mock/webhooks/endpoints/{endpoint}")).status_code == 404
        assert (await told(client, "/_mock/webhooks/release"))["released"] == 0

    assert receiver.bodies == []


async def test_each_endpoint_gets_each_event() -> None:
    receiver = Receiver()
    async with in_process(create_app(receiver)) as client:
        await subscribe(client)
        await subscribe(client, "http://receiver/second")
        await raise_tally(client, 1)
        await told(client, "/_mock/webhooks/drain")

    assert receiver.bodies == ["1", "1"]


async def test_the_queue_is_bounded_and_counts_what_it_dropped() -> None:
    async with in_process(create_app(capacity=2)) as client:
        await subscribe(client)
        await told(client, "/_mock/webhooks/hold")
        await raise_tally(client, 3)
        seen = (await client.get("/_mock/webhooks")).json()

    assert ([held["event_id"] for held in seen["held"]], seen["dropped"]) == (["event-1", "event-2"], 1)


@pytest.mark.parametrize(
    ("body", "field"),
    [({"url": "ftp://x/", "secret": "s"}, "url"), ({"url": "http://x/"}, "secret"), ({"secret": "s"}, "url")],
)
async def test_an_endpoint_needs_a_web_address_and_a_secret(body: dict[str, object], field: str) -> None:
    async with in_process(create_app()) as client:
        answer = await client.post("/_mock/webhooks/endpoints", json=body)

    assert (answer.status_code, answer.json()["field"]) == (400, field)


async def test_secrets_are_not_shown() -> None:
    async with in_process(create_app()) as client:
        await told(client, "/_mock/webhooks/endpoints", url=RECEIVER, secret="very-secret")

        assert "very-secret" not in (await client.get("/_mock/webhooks")).text
