"""The provider sandboxes on real sockets, and a receiver for their webhooks."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from integrations.http import provider_http_client
from mock_kit.sandbox import Sandbox
from mock_kit.serve import KEEP_ALIVE_SECONDS

RECEIVER = "http://receiver.test/hook"


@dataclass
class Hooks:
    """Keeps every webhook as it came."""

    got: list[tuple[bytes, list[tuple[bytes, bytes]]]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        self.got.append((await request.body(), list(request.headers.raw)))
        await Response()(scope, receive, send)


@dataclass
class World:
    http: httpx.AsyncClient
    hooks: Hooks

    async def control(self, path: str, body: dict[str, object]) -> dict[str, object]:
        response = await self.http.post(f"/_mock/{path}", json=body)
        assert response.is_success, response.text
        return dict(response.json())

    async def fail(self, path: str, kind: str, **more: object) -> None:
        """The next POST to a path like this goes wrong in this way."""
        await self.control("faults", {"method": "POST", "path": path, "kind": kind, **more})

    async def count(self, noun: str) -> int:
        state = (await self.http.get("/_mock/state?requests=false")).json()
        return int(state["objects"][noun])

    async def listen(self, secret: str) -> None:
        await self.control("webhooks/endpoints", {"url": RECEIVER, "secret": secret})

    async def delivered(self) -> list[tuple[bytes, list[tuple[bytes, bytes]]]]:
        await self.control("webhooks/drain", {})
        return self.hooks.got


@asynccontextmanager
async def running(create_app: Callable[[httpx.AsyncClient], Sandbox]) -> AsyncIterator[World]:
    """`create_app` is given the client that delivers webhooks."""
    hooks = Hooks()
    async with (
        httpx.AsyncClient(transport=httpx.ASGITransport(app=hooks)) as courier,
        _served(create_app(courier)) as url,
        provider_http_client(url) as http,
    ):
        yield World(http, hooks)


@asynccontextmanager
async def _served(app: Sandbox) -> AsyncIterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            log_level="critical",
            access_log=False,
            ws="none",
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=1,
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving
