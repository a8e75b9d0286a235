"""Connections that stay open: none is kept for a client that stopped reading, and all end when the server stops."""

import asyncio
import socket
from collections.abc import Callable

import structlog
import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger("http")

STALLED_SECONDS = 30.0


class CutOffStalled:
    """Middleware: gives up on a client that has taken nothing of what is being sent to it for so long.

    The server waits for it else, for ever: neither a WebSocket's unanswered ping nor TCP ends a connection whose peer
    is there and does not read.
    """

    def __init__(self, app: ASGIApp, *, seconds: float = STALLED_SECONDS) -> None:
        self.app = app
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(None) as patience:
                await self.app(scope, receive, self._watched(send, patience))
        except TimeoutError:
            if not patience.expired():
                raise
            log.info("http.client_stalled", path=scope["path"])

    def _watched(self, send: Send, patience: asyncio.Timeout) -> Send:
        under_way = 0

        def wait_anew() -> None:
            if not patience.expired():
                now = asyncio.get_running_loop().time()
                patience.reschedule(now + self.seconds if under_way else None)

        async def send_in_time(message: Message) -> None:
            nonlocal under_way
            under_way += 1
            wait_anew()
            try:
                await send(message)
            finally:
                under_way -= 1
                wait_anew()

        return send_in_time


class LiveServer(uvicorn.Server):
    """uvicorn waits for streamed answers to end by themselves. Here they are ended; sockets are told 1012 before."""

    def __init__(self, config: uvicorn.Config, end_streams: Callable[[], None]) -> None:
        super().__init__(config)
        self._end_streams = end_streams

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Called back at uvicorn's first await: by then it has closed the sockets.
        asyncio.get_running_loop().call_soon(self._end_streams)
        await super().shutdown(sockets)
