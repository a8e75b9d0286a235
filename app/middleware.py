"""Pure ASGI middleware: limits on what comes in, headers on what goes out, an id for both.

Order, outermost first: `RequestId`, `SecurityHeaders`, `MaskFaults`, `RequestLimits`.
"""

import asyncio
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import orjson
import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from schema.extensions import FAULT, masked
from schema.request_errors import RequestErrorCode

log = structlog.get_logger("http")

KIB = 1024
SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
API_CONTENT_POLICY = "default-src 'none'; frame-ancestors 'none'"
GRAPHQL_PATH = "/graphql"


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyLimit:
    """`size_bytes` at most, all of it within `seconds`."""

    size_bytes: int = 64 * KIB
    seconds: float = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    header_bytes: int = 16 * KIB
    body: BodyLimit = BodyLimit()
    body_by_prefix: Mapping[str, BodyLimit] = field(default_factory=dict)

    def body_of(self, path: str) -> BodyLimit:
        """The longest matching prefix decides."""
        matching = [prefix for prefix in self.body_by_prefix if path.startswith(prefix)]
        return self.body_by_prefix[max(matching, key=len)] if matching else self.body


class RequestLimits:
    """Reads the whole body, within its limits, before the application sees the request."""

    def __init__(self, app: ASGIApp, *, limits: Limits | None = None) -> None:
        self.app = app
        self.limits = limits or Limits()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            body = await self._body(scope, receive)
        except _Refused as refused:
            log.info("http.refused", status=refused.status, code=refused.code)
            await refused.response(scope["path"])(scope, receive, send)
        except _Gone:
            log.info("http.client_gone")
        else:
            await self.app(scope, _replayed(body, receive), send)

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        headers = Headers(scope=scope)
        if sum(len(name) + len(value) for name, value in headers.raw) > self.limits.header_bytes:
            raise _Refused(431, RequestErrorCode.HEADERS_TOO_LARGE, "The request headers are too large.")
        limit = self.limits.body_of(scope["path"])
        if _declared_length(headers) > limit.size_bytes:
            raise _too_large(limit.size_bytes)
        try:
            async with asyncio.timeout(limit.seconds):
                return await _read(receive, limit.size_bytes)
        except TimeoutError:
            raise _Refused(408, RequestErrorCode.BODY_TOO_SLOW, "The request body did not arrive in time.") from None


class _Gone(Exception):  # noqa: N818  named for what happened, as all our errors
    """The client left before its request was complete."""


class _Refused(Exception):  # noqa: N818  as above
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def response(self, path: str) -> Response:
        """Closes the connection: the rest of the request is not worth reading."""
        response = error_response(path, status=self.status, code=self.code, message=self.message)
        response.headers["connection"] = "close"
        return response


def error_response(path: str, *, status: int, code: str, message: str, **facts: str) -> Response:
    """An error in the shape that the clients of this path read."""
    if path == GRAPHQL_PATH:
        body: dict[str, object] = {"errors": [{"message": message, "extensions": {"code": code, **facts}}]}
    else:
        body = {"error": {"code": code, "message": message, **facts}}
    return Response(orjson.dumps(body), status_code=status, media_type="application/json")


def _too_large(limit: int) -> _Refused:
    return _Refused(413, RequestErrorCode.BODY_TOO_LARGE, f"The request body exceeds {limit} bytes.")


def _declared_length(headers: Headers) -> int:
    """A length that is not a number is left to the server, which refuses it."""
    declared = headers.get("content-length", "")
    return int(declared) if declared.isdecimal() and len(declared) < 20 else 0


async def _read(receive: Receive, limit: int) -> bytes:
    chunks = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        chunks += message.get("body", b"")
        more = message.get("more_body", False)
        if len(chunks) > limit:
            raise _too_large(limit)
    return bytes(chunks)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """The body once, then whatever the server says: streaming answers wait for the disconnect there."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return pending.pop() if pending else await receive()

    return replay


class MaskFaults:
    """Answers for an application that raised. Starlette's own answer would come from outside of every middleware:
    without our headers, and without an id to quote."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def send_noting(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, send_noting)
        except Exception as fault:
            if started:
                raise
            error = masked(fault)
            facts = {"correlationId": str((error.extensions or {})["correlationId"])}
            response = error_response(scope["path"], status=500, code=FAULT, message=error.message, **facts)
            await response(scope, receive, send)


class SecurityHeaders:
    """Headers an answer lacks; one that set its own content policy or caching keeps it.

    Caching is forbidden under `api_prefixes`. The content policy allows nothing: a page must bring its own.
    """

    def __init__(self, app: ASGIApp, *, api_prefixes: Sequence[str]) -> None:
        self.app = app
        self.api_prefixes = tuple(api_prefixes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        is_api = scope["path"].startswith(self.api_prefixes)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("x-content-type-options", "nosniff")
                headers.setdefault("x-frame-options", "DENY")
                headers.setdefault("referrer-policy", "no-referrer")
                headers.setdefault("content-security-policy", API_CONTENT_POLICY)
                if is_api:
                    headers.setdefault("cache-control", "no-store")
            await send(message)

        await self.app(scope, receive, send_with_headers)


class RequestId:
    """Takes a sane `X-Request-Id`, else makes one; bound to every log line and returned."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if SANE_REQUEST_ID.fullmatch(given) else uuid.uuid4().hex

        async def send_with_id(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.accept"):
                message.setdefault("headers", [])
                MutableHeaders(scope=message)["x-request-id"] = request_id
            await send(message)

        scope.setdefault("state", {})["request_id"] = request_id
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self.app(scope, receive, send_with_id)
