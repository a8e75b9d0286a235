"""What each subscription tells, where it starts, when it completes, and what it refuses."""

import base64

import orjson
import pytest

from tests.live.serving import Server
from tests.live.watching import (
    ACTIVITY,
    CUSTOMER,
    OPERATION,
    Completed,
    Refused,
    cursors,
    kinds,
    server_sent,
    socket,
    watching,
)


async def test_a_customer_is_shown_as_it_stands_and_then_whatever_happens_to_it(server: Server, entity_id: str) -> None:
    await server.onboard(entity_id, tier="FREE")
    async with watching(server.address, CUSTOMER, entityId=entity_id) as watcher:
        present = await watcher.next()
    assert present["kind"] == "present"
    assert (present["entityId"], present["operationId"], present["operation"]) == (entity_id, None, None)
    assert present["customer"]["subscription"] == {"status": "ACTIVE"}
    assert present["customer"]["credits"] == {"balance": 1000}


async def test_one_customer_hears_nothing_of_another(server: Server, entity_id: str) -> None:
    await server.onboard(entity_id, tier="FREE")
    async with socket(server.address) as opened:
        mine = await opened.subscribe(CUSTOMER, name="mine", entityId=entity_id)
        everything = await opened.subscribe(ACTIVITY, name="everything")
        start = await mine.next()
        await everything.next()
        await server.onboard(f"{entity_id}_other")
        heard = await everything.until("operation.succeeded")
        again = await opened.subscribe(CUSTOMER, name="other", entityId=f"{entity_id}_other", after=start["cursor"])
        assert cursors(await again.until("operation.succeeded")) == cursors(heard)
        await opened.send({"id": "mine", "type": "complete"})
        await opened.subscribe("{ tiers { tier } }", name="last")
        await opened.receive("last")
        assert opened.heard_of("mine") == []


async def test_an_operation_is_shown_step_by_step_and_completes_with_its_end(server: Server, entity_id: str) -> None:
    async with watching(server.address, ACTIVITY) as everything:
        start = await everything.next()
        payload = await server.onboard(entity_id)
    async with watching(server.address, OPERATION, id=payload["operation"]["id"], after=start["cursor"]) as watcher:
        events = await watcher.rest()
    assert kinds(events)[-1] == "operation.succeeded"
    assert kinds(events).count("operation.step_done") == len(events[-1]["operation"]["steps"])
    assert {each["state"] for each in events[-1]["operation"]["steps"]} == {"DONE"}
    assert {each["operationId"] for each in events} == {payload["operation"]["id"]}


async def test_an_operation_that_ended_is_shown_once(server: Server, entity_id: str) -> None:
    operation_id = (await server.onboard(entity_id))["operation"]["id"]
    async with watching(server.address, OPERATION, id=operation_id) as watcher:
        [present] = await watcher.rest()
    assert present["kind"] == "present"
    assert present["operation"]["status"] == "SUCCEEDED"


async def test_who_has_seen_the_end_of_an_operation_is_told_nothing_more(server: Server, entity_id: str) -> None:
    async with watching(server.address, ACTIVITY) as everything:
        await everything.next()
        operation_id = (await server.onboard(entity_id))["operation"]["id"]
        seen = await everything.until("operation.succeeded")
    async with watching(server.address, OPERATION, id=operation_id, after=seen[-1]["cursor"]) as watcher:
        with pytest.raises(Completed):
            await watcher.next()
    async with watching(server.address, OPERATION, id=operation_id, after=seen[-2]["cursor"]) as watcher:
        assert cursors(await watcher.rest()) == cursors(seen[-1:])


async def test_a_running_operation_is_followed_to_its_end(server: Server, entity_id: str) -> None:
    async with socket(server.address) as opened:
        everything = await opened.subscribe(ACTIVITY, name="everything")
        await everything.next()
        await opened.subscribe(
            "mutation ($input: OnboardInput!) { onboard(input: $input) { operation { id } } }",
            name="onboard",
            input={
                "entity": {"id": entity_id, "type": "USER", "name": "Ada", "email": "ada@example.com"},
                "tier": "PRO",
                "paymentMethodId": "pm_card_visa",
            },
        )
        first = await everything.next()
        progress = await opened.subscribe(OPERATION, name="progress", id=first["operationId"])
        events = await progress.rest()
    assert events[0]["kind"] == "present"
    assert events[0]["operation"]["status"] in ("RUNNING", "SUCCEEDED")
    assert events[-1]["operation"]["status"] == "SUCCEEDED"


async def test_a_refused_step_is_told_as_refused(server: Server, entity_id: str) -> None:
    async with watching(server.address, ACTIVITY) as everything:
        await everything.next()
        await server.onboard(entity_id, paymentMethodId="pm_card_chargeCustomerFail")
        events = await everything.until("operation.succeeded")
    [refused] = [each for each in events if each["kind"] == "operation.step_refused"]
    assert refused["summary"] == "Payment 1 refused: card_declined"


async def test_every_event_shows_what_stands_when_it_is_sent(server: Server, entity_id: str) -> None:
    """A loader that remembered the first event would show its operation for ever."""
    await server.onboard(entity_id, tier="FREE")
    async with watching(server.address, ACTIVITY) as everything:
        await everything.next()
        await server.onboard(f"{entity_id}_other")
        events = await everything.until("operation.succeeded")
    assert events[0]["operation"]["status"] == "RUNNING"
    assert events[0]["customer"]["operations"] == [{"status": "RUNNING"}]
    assert events[-1]["customer"]["operations"] == [{"status": "SUCCEEDED"}]
    assert len(events[0]["operation"]["steps"]) < len(events[-1]["operation"]["steps"])


async def test_server_sent_events_tell_the_same_and_go_on_after_a_cursor(server: Server, entity_id: str) -> None:
    async with watching(server.address, ACTIVITY) as everything:
        start = await everything.next()
        operation_id = (await server.onboard(entity_id))["operation"]["id"]
        over_socket = await everything.until("operation.succeeded")
    async with server_sent(server.address, OPERATION, id=operation_id, after=start["cursor"]) as stream:
        first = [await anext(stream), await anext(stream)]
    async with server_sent(server.address, OPERATION, id=operation_id, after=first[-1]["cursor"]) as stream:
        rest = [event async for event in stream]
    assert cursors(first + rest) == cursors(over_socket)


@pytest.mark.parametrize(
    ("query", "variables"),
    [(CUSTOMER, {"entityId": "nobody"}), (OPERATION, {"id": "op_nothing"}), (CUSTOMER, {"entityId": "\x00"})],
)
async def test_what_does_not_exist_cannot_be_watched(server: Server, query: str, variables: dict[str, str]) -> None:
    async with watching(server.address, query, **variables) as watcher:
        with pytest.raises(Refused) as refusal:
            await watcher.next()
    assert refusal.value.code == "BAD_USER_INPUT"


def cursor_of(value: object) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "garbage",
        "é",
        "\x00",
        cursor_of(["activity"]),
        cursor_of(["activity", "1"]),
        cursor_of(["activity", True]),
        cursor_of(["activity", -1]),
        cursor_of(["activity", 2**63]),
        cursor_of(["activity", 1.0]),
        cursor_of(["created_at", "2028-01-31T00:00:00+00:00", "cus_1"]),
        cursor_of(["activity", 2**62]),
        "x" * 5000,
    ],
)
async def test_what_is_no_cursor_of_ours_is_refused(server: Server, cursor: str) -> None:
    async with watching(server.address, ACTIVITY, after=cursor) as watcher:
        with pytest.raises(Refused) as refusal:
            await watcher.next()
    assert refusal.value.code == "BAD_USER_INPUT"
    async with server_sent(server.address, ACTIVITY, after=cursor) as stream:
        with pytest.raises(Refused, match="after"):
            await anext(stream)
