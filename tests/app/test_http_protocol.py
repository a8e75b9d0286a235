"""What surrounds the body of a request, on real sockets under the server we run."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from app.http_protocol import HEAD_SECONDS, BoundedHttp
from app.serving import server_config
from tests.app.graphql_sample import served, service, serving
from tests.service import settings_for

GET = b"GET /graphql?query=%7Bhello%7D HTTP/1.1\r\nhost: service\r\n"


class Impatient(BoundedHttp):
    head_seconds = 0.05


class Brisk(BoundedHttp):
    head_seconds = 0.5


class Patient(BoundedHttp):
    head_seconds = 60


@asynccontextmanager
async def connection(
    protocol: type[asyncio.Protocol] = Patient,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    async with served(service(), http=protocol) as address:
        host, _, port = address.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            yield reader, writer
        finally:
            writer.close()


async def pour(writer: asyncio.StreamWriter, piece: bytes, *, times: int) -> None:
    """As much as the server takes."""
    try:
        for _ in range(times):
            writer.write(piece)
            await writer.drain()
    except ConnectionError:
        pass


async def rest(reader: asyncio.StreamReader) -> bytes:
    """Until the end, be it an orderly one or not."""
    try:
        return await reader.read()
    except ConnectionError:
        return b""


@pytest.mark.parametrize(
    ("beginning", "piece"),
    [(b"GET /", b"x" * 8_192), (GET + b"x-long: ", b"x" * 8_192), (GET, b"x-many: " + b"x" * 8_182 + b"\r\n")],
    ids=["target", "one header", "many headers"],
)
async def test_a_head_without_end_is_cut_off(beginning: bytes, piece: bytes) -> None:
    async with connection() as (reader, writer):
        writer.write(beginning)
        pouring = asyncio.create_task(pour(writer, piece, times=1_000))
        answer = await reader.readline()
        await pouring
    assert answer == b"HTTP/1.1 431 Request Header Fields Too Large\r\n"


async def test_trailers_without_end_are_cut_off() -> None:
    """At once: the middleware would wait for the end of the body, and then answer 408."""
    async with connection() as (reader, writer):
        writer.write(b"POST /graphql HTTP/1.1\r\nhost: service\r\ntransfer-encoding: chunked\r\n\r\n0\r\n")
        await pour(writer, b"x-many: " + b"x" * 8_182 + b"\r\n", times=100)
        assert await rest(reader) == b""


async def test_a_head_that_does_not_arrive_is_408() -> None:
    async with connection(Impatient) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nhost:")
        assert (await reader.read()).startswith(b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\n")


async def test_a_connection_that_nothing_comes_through_is_closed_without_a_word() -> None:
    async with connection(Impatient) as (reader, _):
        assert await reader.read() == b""


async def test_the_time_for_a_head_does_not_end_what_comes_after_it() -> None:
    async with served(service(), http=Brisk) as address:
        host, _, port = address.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST /graphql HTTP/1.1\r\nhost: service\r\ncontent-type: application/json\r\n")
        writer.write(b"content-length: 19\r\n\r\n")
        silent, other = await asyncio.open_connection(host, int(port))
        assert await silent.read() == b""  # by now the time is over
        writer.write(b'{"query":"{hello}"}')
        assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
        other.close()
        writer.close()


async def test_many_requests_on_one_connection_do_not_add_up() -> None:
    async with connection() as (reader, writer):
        for _ in range(20):
            writer.write(GET + b"x-long: " + b"x" * 8_000 + b"\r\n\r\n")
            assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
            await reader.readuntil(b"}}}")


async def test_an_idle_connection_is_kept_for_as_long_as_the_setting_says(tmp_path: Path) -> None:
    config = server_config(service(), settings_for("", tmp_path, keep_alive_seconds=1))
    async with serving(config) as address:
        host, _, port = address.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(GET + b"\r\n")
        assert (await reader.readuntil(b"}}}")).startswith(b"HTTP/1.1 200 OK\r\n")
        assert await reader.read() == b""
        writer.close()
    assert config.timeout_keep_alive == 1


async def test_beyond_the_connections_there_may_be_a_request_is_503_until_one_ends(tmp_path: Path) -> None:
    """With the very settings that the service is served with."""
    config = server_config(service(), settings_for("", tmp_path, max_connections=10))
    async with serving(config) as address, httpx.AsyncClient(base_url=f"http://{address}", timeout=60) as http:
        host, _, port = address.partition(":")
        others = [await asyncio.open_connection(host, int(port)) for _ in range(9)]
        assert (await http.get("/graphql", params={"query": "{ hello }"})).status_code == 503
        _, writer = others[0]
        writer.close()
        async with asyncio.timeout(60):
            while (await http.get("/graphql", params={"query": "{ hello }"})).status_code == 503:
                pass
        for _, writer in others:
            writer.close()
    assert config.http_protocol_class is BoundedHttp
    assert BoundedHttp.head_seconds == HEAD_SECONDS == 10
