"""Small HTTP servers to stand where a provider stands, each saying exactly what it was told to say."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from integrations.http import provider_http_client

METHODS = ["GET", "POST", "PATCH", "DELETE"]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class ManualClock:
    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Pauses:
    """Where the clients sleep between attempts: takes no time, remembers how long it should have been."""

    seconds: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


@dataclass(frozen=True)
class Answer:
    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)


class Silence:
    """In place of an answer: the request is taken and never answered."""


@dataclass(frozen=True)
class Seen:
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


def answer(body: object, status: int = 200, **headers: str) -> Answer:
    return Answer(status, json.dumps(body).encode(), {name.replace("_", "-"): value for name, value in headers.items()})


HTML = Answer(200, b"<html>Bad gateway</html>", {"Content-Type": "text/html"})


class Remote:
    """Answers in the given order; the last answer is given again to every further request."""

    def __init__(self, *answers: Answer | Silence) -> None:
        self.answers = list(answers)
        self.seen: list[Seen] = []
        self.app = Starlette(routes=[Route("/{path:path}", self._answer, methods=METHODS)])

    async def _answer(self, request: Request) -> Response:
        self.seen.append(await _seen(request))
        return await _respond(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])


class MetronomeRemote(Remote):
    """The same behind bearer tokens: `POST /oauth/token` hands out token-1, token-2, ..., all others need one."""

    def __init__(self, *answers: Answer | Silence) -> None:
        super().__init__(*answers)
        self.token_requests: list[Seen] = []
        self.token_answer: Answer | None = None
        self.accepted: set[str] = set()
        self.lifetime_seconds = 3600

    def revoke_tokens(self) -> None:
        self.accepted.clear()

    async def _answer(self, request: Request) -> Response:
        if request.url.path == "/oauth/token":
            return await self._token(request)
        if request.headers.get("authorization") not in self.accepted:
            return Response(status_code=401)
        return await super()._answer(request)

    async def _token(self, request: Request) -> Response:
        self.token_requests.append(await _seen(request))
        await asyncio.sleep(0)  # let the other callers arrive
        if self.token_answer is not None:
            return await _respond(self.token_answer)
        token = f"token-{len(self.token_requests)}"
        self.accepted.add(f"Bearer {token}")
        granted = {"access_token": token, "token_type": "Bearer", "expires_in": self.lifetime_seconds, "scope": "s"}
        return await _respond(answer(granted))


async def _seen(request: Request) -> Seen:
    return Seen(
        method=request.method,
        path=request.url.path,
        query=dict(request.query_params),
        headers=dict(request.headers),
        body=await request.body(),
    )


async def _respond(told: Answer | Silence) -> Response:
    if isinstance(told, Silence):
        await asyncio.Event().wait()
    assert isinstance(told, Answer)
    headers = {"Content-Type": "application/json", **told.headers}
    return Response(told.body, status_code=told.status, headers=headers)


@asynccontextmanager
async def connected(remote: Remote) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=remote.app)
    async with provider_http_client("http://127.0.0.1:1", transport=transport) as http:
        yield http


@asynccontextmanager
async def hanging_up() -> AsyncIterator[str]:
    """A server on a real socket that closes every connection as soon as something was said."""

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
