"""GraphQL over WebSocket (`graphql-transport-ws`), on real sockets."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from structlog.testing import capture_logs
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from tests.app.graphql_sample import SECRET, served, service

PROTOCOL = Subprotocol("graphql-transport-ws")
COUNT = {"id": "1", "type": "subscribe", "payload": {"query": "subscription { count(upto: 1) }"}}
ONE = {"extensions": {"cost": {"estimate": 1, "limit": 5000}}}
FOREVER = {"type": "subscribe", "payload": {"query": "subscription { forever }"}}


@asynccontextmanager
async def raw_socket(
    *, protocol: Subprotocol = PROTOCOL, headers: dict[str, str] | None = None, **settings: Any
) -> AsyncIterator[ClientConnection]:
    async with (
        served(service(**settings)) as address,
        connect(f"ws://{address}/graphql", subprotocols=[protocol], additional_headers=headers) as connection,
    ):
        yield connection


@asynccontextmanager
async def socket(payload: object = None, **settings: Any) -> AsyncIterator[ClientConnection]:
    """A connection that was initialised and acknowledged."""
    async with raw_socket(**settings) as connection:
        await send(connection, {"type": "connection_init", "payload": payload})
        assert await receive(connection) == {"type": "connection_ack"}
        yield connection


async def send(connection: ClientConnection, message: object) -> None:
    await connection.send(orjson.dumps(message).decode())


async def receive(connection: ClientConnection) -> Any:
    frame = await connection.recv()
    assert isinstance(frame, str)
    return orjson.loads(frame)


async def closed(connection: ClientConnection) -> tuple[int, str]:
    with pytest.raises(ConnectionClosed) as closing:
        await connection.recv()
    assert closing.value.rcvd is not None
    return closing.value.rcvd.code, closing.value.rcvd.reason


async def test_a_subscription_runs_to_its_end() -> None:
    async with socket() as connection:
        await send(connection, COUNT)
        assert [await receive(connection) for _ in range(2)] == [
            {"id": "1", "type": "next", "payload": {"data": {"count": 1}, **ONE}},
            {"id": "1", "type": "complete"},
        ]


async def test_ping_is_answered_before_the_connection_is_initialised() -> None:
    async with raw_socket() as connection:
        await send(connection, {"type": "ping", "payload": {"a": 1}})
        assert await receive(connection) == {"type": "pong"}


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "{",
        "[]",
        "1",
        "null",
        '"x"',
        "NaN",
        "{}",
        '{"type":1}',
        '{"type":["ping"]}',
        '{"type":"start"}',
        '{"type":"' + "x" * 500 + '"}',
        '{"type":"ping","payload":1}',
        '{"type":"connection_init","payload":[]}',
        '{"type":"complete"}',
        '{"type":"complete","id":{}}',
        '{"type":"subscribe"}',
        '{"type":"subscribe","id":"1"}',
        '{"type":"subscribe","id":{},"payload":{"query":"{hello}"}}',
        '{"type":"subscribe","id":"","payload":{"query":"{hello}"}}',
        '{"type":"subscribe","id":"1","payload":null}',
        '{"type":"subscribe","id":"1","payload":{}}',
        '{"type":"subscribe","id":"1","payload":{"query":1}}',
        '{"type":"subscribe","id":"1","payload":{"query":"{hello}","variables":[]}}',
        '{"type":"subscribe","id":"1","payload":{"query":"{hello}","extensions":1}}',
        '{"type":"subscribe","id":"1","payload":{"query":"{hello}","operationName":{}}}',
        b"{}",
        b"\xff",
    ],
)
async def test_a_frame_that_is_no_message_closes_with_4400(frame: str | bytes) -> None:
    async with socket() as connection:
        await connection.send(frame)
        code, reason = await closed(connection)
        assert code == 4400
        assert reason


async def test_a_subscription_before_the_initialisation_closes_with_4401() -> None:
    async with raw_socket() as connection:
        await send(connection, COUNT)
        assert await closed(connection) == (4401, "Unauthorized")


async def test_a_second_initialisation_closes_with_4429() -> None:
    async with socket() as connection:
        await send(connection, {"type": "connection_init"})
        assert await closed(connection) == (4429, "Too many initialisation requests")


async def test_an_id_in_use_closes_with_4409_within_the_size_of_a_close_frame() -> None:
    async with socket() as connection:
        await send(connection, {"id": "ü" * 300, **FOREVER})
        await receive(connection)
        await send(connection, {"id": "ü" * 300, **FOREVER})
        code, reason = await closed(connection)
    assert code == 4409
    assert reason == "Subscriber for " + "ü" * 54


async def test_silence_instead_of_an_initialisation_closes_with_4408() -> None:
    async with raw_socket(init_timeout_seconds=0.01) as connection:
        assert await closed(connection) == (4408, "Connection initialisation timeout")


async def test_the_older_protocol_is_not_spoken() -> None:
    async with raw_socket(protocol=Subprotocol("graphql-ws")) as connection:
        assert await closed(connection) == (4406, "Subprotocol not acceptable")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ " + "hello " * 21 + "}", "QUERY_TOO_COMPLEX"),
        ("fragment a on Query { hello }", "BAD_REQUEST"),
        ("", "BAD_REQUEST"),
        ("query ($t: String!) { echo(text: $t) }", "BAD_USER_INPUT"),
    ],
)
async def test_a_bad_document_ends_its_operation_and_no_other(query: str, code: str) -> None:
    async with socket() as connection:
        await send(connection, {"id": "other", **FOREVER})
        assert (await receive(connection))["payload"]["data"] == {"forever": 0}
        await send(connection, {"id": "bad", "type": "subscribe", "payload": {"query": query}})
        answer = await receive(connection)
        (error,) = answer["payload"] if answer["type"] == "error" else answer["payload"]["errors"]
        assert (answer["id"], error["extensions"]["code"]) == ("bad", code)
        await send(connection, {"id": "third", **FOREVER})
        while (answer := await receive(connection))["id"] != "third":
            assert answer == {"id": "bad", "type": "complete"}
        assert answer["payload"]["data"] == {"forever": 0}


async def test_a_fault_is_masked_over_the_socket_too() -> None:
    async with socket() as connection:
        with capture_logs() as logs:
            await send(connection, {"id": "1", "type": "subscribe", "payload": {"query": "subscription { breaking }"}})
            await receive(connection)
            answer = await receive(connection)
        (error,) = answer["payload"]["errors"]
    assert error["message"] == "Unexpected error."
    assert [line["correlation_id"] for line in logs if line["event"] == "graphql.fault"] == [
        error["extensions"]["correlationId"]
    ]
    assert SECRET not in str(answer)


async def test_one_connection_runs_a_limited_number_of_operations() -> None:
    async with socket(max_subscriptions_per_connection=2) as connection:
        for name in ("1", "2"):
            await send(connection, {"id": name, **FOREVER})
            await receive(connection)
        await send(connection, {"id": "3", **FOREVER})
        answer = await receive(connection)
        assert (answer["id"], answer["type"]) == ("3", "error")
        assert answer["payload"][0]["extensions"] == {"code": "TOO_MANY_SUBSCRIPTIONS"}
        await send(connection, {"id": "1", "type": "complete"})
        await send(connection, {"id": "4", **FOREVER})
        assert (await receive(connection))["id"] == "4"


async def test_an_operation_that_takes_too_long_ends_alone_and_subscriptions_have_no_deadline() -> None:
    async with socket(seconds=0.5) as connection:
        for name, query in (("gate", "subscription { gate }"), ("slow", "{ slow }"), ("key", "mutation { openGate }")):
            await send(connection, {"id": name, "type": "subscribe", "payload": {"query": query}})
            answer = await receive(connection)
            if name == "slow":
                assert (answer["id"], answer["type"]) == ("slow", "error")
                assert [error["extensions"]["code"] for error in answer["payload"]] == ["TIMEOUT"]
        answers = [answer, *[await receive(connection) for _ in range(3)]]
    assert {"id": "gate", "type": "next", "payload": {"data": {"gate": "open"}}} in answers


async def test_a_message_beyond_64_kib_closes_with_1009() -> None:
    async with socket() as connection:
        await send(connection, {"type": "ping", "payload": {"text": "x" * 65_000}})
        assert await receive(connection) == {"type": "pong"}
        await send(connection, {"type": "ping", "payload": {"text": "x" * 66_000}})
        code, _ = await closed(connection)
        assert code == 1009


def caller_query(name: str) -> dict[str, object]:
    return {"id": name, "type": "subscribe", "payload": {"query": "{ caller }"}}


async def test_the_initialisation_payload_reaches_the_context() -> None:
    async with socket({"caller": "ada"}) as connection:
        await send(connection, caller_query("1"))
        assert (await receive(connection))["payload"]["data"] == {"caller": "ada"}


async def test_a_context_that_cannot_be_made_ends_the_operation() -> None:
    async with socket({"caller": "breaks"}) as connection:
        for name in ("1", "2"):
            await send(connection, caller_query(name))
            answer = await receive(connection)
            assert (answer["id"], answer["type"]) == (name, "error")
            assert answer["payload"][0]["extensions"]["code"] == "INTERNAL"
            assert SECRET not in str(answer)


async def test_a_stranger_is_sent_away_at_once() -> None:
    async with raw_socket() as connection:
        await send(connection, {"type": "connection_init", "payload": {"caller": "stranger"}})
        assert await closed(connection) == (4403, "Who are you?")


async def test_a_page_of_another_origin_cannot_connect_unless_it_is_allowed() -> None:
    origin = {"origin": "https://elsewhere.example"}
    with pytest.raises(InvalidStatus) as refused:
        async with raw_socket(headers=origin):
            pytest.fail("the handshake must be refused")
    assert refused.value.response.status_code == 403
    async with socket(headers=origin, allowed_origins=["https://elsewhere.example"]) as connection:
        await send(connection, COUNT)
        assert (await receive(connection))["type"] == "next"


async def test_a_client_that_leaves_in_the_middle_leaves_no_fault_behind() -> None:
    with capture_logs() as logs:
        async with socket() as connection:
            await send(connection, {"id": "1", **FOREVER})
            await receive(connection)
    assert logs == []
