"""The middleware around a small application."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import structlog
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from structlog.testing import capture_logs

from app.middleware import BodyLimit, Limits, MaskFaults, RequestId, RequestLimits, SecurityHeaders
from tests.app.graphql_sample import served

LIMITS = Limits(
    body=BodyLimit(size_bytes=10),
    body_by_prefix={
        "/large": BodyLimit(size_bytes=100),
        "/large/not": BodyLimit(size_bytes=5),
        "/impatient": BodyLimit(size_bytes=10, seconds=0.05),
    },
)


async def size(request: Request) -> Response:
    return JSONResponse({"bytes": len(await request.body()), "log": structlog.contextvars.get_contextvars()})


SECRET = "the password of the database is hunter2"


async def broken(_: Request) -> Response:
    raise RuntimeError(SECRET)


async def breaks_off(_: Request) -> Response:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"begun"
        raise RuntimeError(SECRET)

    return StreamingResponse(chunks())


async def page(_: Request) -> Response:
    return PlainTextResponse("", headers={"content-security-policy": "default-src 'self'", "cache-control": "no-cache"})


def app(limits: Limits = LIMITS) -> Starlette:
    return Starlette(
        routes=[
            Route("/api/page", page),
            Route("/api/broken", broken),
            Route("/api/breaks-off", breaks_off),
            Route("/{path:path}", size, methods=["GET", "POST"]),
        ],
        middleware=[
            Middleware(RequestId),
            Middleware(SecurityHeaders, api_prefixes=["/api"]),
            Middleware(MaskFaults),
            Middleware(RequestLimits, limits=limits),
        ],
    )


def client(limits: Limits = LIMITS) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app(limits)), base_url="http://service")


def error_code(response: httpx.Response) -> Any:
    return response.json()["error"]["code"]


async def chunks(*sizes: int) -> AsyncIterator[bytes]:
    for each in sizes:
        yield b"x" * each


@pytest.mark.parametrize(("path", "limit"), [("/api", 10), ("/large", 100), ("/large/file", 100), ("/large/not", 5)])
async def test_a_body_may_reach_the_limit_of_its_path_and_not_pass_it(path: str, limit: int) -> None:
    async with client() as http:
        allowed = await http.post(path, content=b"x" * limit)
        declared = await http.post(path, content=b"x" * (limit + 1))
        undeclared = await http.post(path, content=chunks(limit, 1))
    assert allowed.json()["bytes"] == limit
    for refused in (declared, undeclared):
        assert (refused.status_code, error_code(refused)) == (413, "BODY_TOO_LARGE")
        assert refused.headers["connection"] == "close"
        assert refused.headers["x-content-type-options"] == "nosniff"


async def test_the_default_limit_is_64_kib() -> None:
    async with client(Limits()) as http:
        assert (await http.post("/", content=b"x" * 65_536)).json()["bytes"] == 65_536
        assert (await http.post("/", content=b"x" * 65_537)).status_code == 413


async def test_a_body_that_does_not_arrive_is_408_and_the_connection_ends() -> None:
    async with served(app()) as address:
        host, _, port = address.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST /impatient HTTP/1.1\r\nhost: service\r\ncontent-length: 5\r\n\r\nx")
        answer = await reader.read()
        writer.close()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"BODY_TOO_SLOW"' in answer


async def test_headers_beyond_16_kib_are_431() -> None:
    async with client() as http:
        refused = await http.get("/", headers={"x-large": "x" * 16_384})
        allowed = await http.get("/", headers={"x-large": "x" * 16_000})
    assert (refused.status_code, error_code(refused)) == (431, "HEADERS_TOO_LARGE")
    assert allowed.status_code == 200


async def test_a_client_that_leaves_before_its_body_is_complete_never_reaches_the_application() -> None:
    sent: list[Any] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    async def application(*_: Any) -> None:
        pytest.fail("the application must not be called")

    await RequestLimits(application)({"type": "http", "path": "/", "headers": []}, receive, send)
    assert sent == []


async def test_a_streaming_answer_still_learns_that_its_client_left() -> None:
    ended = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        try:
            yield b"first"
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def stream(_: Request) -> Response:
        return StreamingResponse(endless())

    streaming = Starlette(routes=[Route("/", stream, methods=["POST"])], middleware=[Middleware(RequestLimits)])
    async with served(streaming) as address:
        url = f"http://{address}/"
        async with httpx.AsyncClient(timeout=60) as http, http.stream("POST", url, content=b"x") as response:
            assert await anext(response.aiter_bytes()) == b"first"
        await asyncio.wait_for(ended.wait(), timeout=60)


async def test_api_answers_carry_the_strict_headers() -> None:
    async with client() as http:
        response = await http.get("/api/thing")
    assert {name: response.headers[name] for name in response.headers if name not in VARYING} == {
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
        "cache-control": "no-store",
    }


VARYING = {"content-length", "content-type", "x-request-id"}


async def test_a_page_keeps_its_own_content_policy_and_caching() -> None:
    async with client() as http:
        response = await http.get("/api/page")
    assert response.headers["content-security-policy"] == "default-src 'self'"
    assert response.headers["cache-control"] == "no-cache"
    assert response.headers["x-frame-options"] == "DENY"


async def test_files_outside_of_the_api_may_be_cached() -> None:
    async with client() as http:
        assert "cache-control" not in (await http.get("/favicon.ico")).headers


@pytest.mark.parametrize("given", ["abc-123", "A.b_c", "x" * 64])
async def test_a_sane_request_id_is_kept_returned_and_bound_to_the_log(given: str) -> None:
    async with client() as http:
        response = await http.get("/", headers={"x-request-id": given})
    assert response.headers["x-request-id"] == given
    assert response.json()["log"] == {"request_id": given}


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "a;b", 'a"b', "{}"])
async def test_any_other_request_id_is_replaced(given: str) -> None:
    async with client() as http:
        response = await http.get("/", headers={"x-request-id": given})
    made = response.headers["x-request-id"]
    assert made != given
    assert len(made) == 32
    assert response.json()["log"] == {"request_id": made}


async def test_request_ids_do_not_outlive_their_request() -> None:
    async with client() as http:
        await http.get("/", headers={"x-request-id": "first"})
    assert structlog.contextvars.get_contextvars() == {}


async def test_refused_requests_have_an_id_too() -> None:
    async with client() as http:
        response = await http.post("/", content=b"x" * 11, headers={"x-request-id": "mine"})
    assert response.headers["x-request-id"] == "mine"


async def test_a_fault_is_masked_under_an_id_that_the_log_has_and_keeps_every_header() -> None:
    with capture_logs() as logs:
        async with client() as http:
            response = await http.get("/api/broken")
    (line,) = [each for each in logs if each["log_level"] == "error"]
    assert response.status_code == 500
    assert response.json() == {
        "error": {"code": "INTERNAL", "message": "Unexpected error.", "correlationId": line["correlation_id"]}
    }
    assert str(line["exc_info"]) == SECRET
    assert response.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-request-id"]


async def test_a_fault_in_the_middle_of_an_answer_ends_it() -> None:
    async with client() as http:
        with pytest.raises(RuntimeError, match=SECRET):  # what a server takes as the reason to cut the connection
            await http.get("/api/breaks-off")


async def test_graphql_clients_find_a_refusal_where_they_look_for_it() -> None:
    async with client() as http:
        response = await http.post("/graphql", content=b"x" * 11)
    assert response.status_code == 413
    assert response.json() == {
        "errors": [{"message": "The request body exceeds 10 bytes.", "extensions": {"code": "BODY_TOO_LARGE"}}]
    }
