"""HTTP as uvicorn reads it, with bounds on what it leaves unbounded: whatever surrounds the body of a request.

uvicorn keeps header lines, trailers and half a request line for as long as a client sends them, before any application
or middleware is asked. It also waits for ever for the first request of a connection, and for the rest of its head.
"""

import asyncio
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

SURROUNDING_BYTES = 65_536
"""Head, chunk sizes and trailers of one request. Far above what an application accepts, so that it can say so itself;
counted in pieces as they arrive, so up to one piece more."""

HEAD_SECONDS = 10.0


class BoundedHttp(HttpToolsProtocol):
    head_seconds = HEAD_SECONDS

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._surrounding_bytes = 0
        self._was_asked = False
        self._head_deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_here()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._surrounding_bytes += len(data)
        super().data_received(data)
        if self._surrounding_bytes > SURROUNDING_BYTES:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._was_asked = True
        self._surrounding_bytes = 0
        self._expect_head()

    def on_headers_complete(self) -> None:
        self._head_is_here()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._surrounding_bytes -= len(body)
        super().on_body(body)

    def _expect_head(self) -> None:
        if self._head_deadline is None:
            self._head_deadline = self.loop.call_later(self.head_seconds, self._give_up)

    def _head_is_here(self) -> None:
        if self._head_deadline is not None:
            self._head_deadline.cancel()
            self._head_deadline = None

    def _give_up(self) -> None:
        """Without a word where nothing was asked: browsers open connections that they may never need."""
        if self._was_asked:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self.transport.close()

    def _refuse(self, status: HTTPStatus) -> None:
        """Says so where nothing is being answered on this connection, and ends it."""
        answering = bool(self.cycle) and not self.cycle.response_complete  # uvicorn begins with no cycle
        if not self.transport.is_closing() and not answering:
            self.transport.write(
                f"HTTP/1.1 {status.value} {status.phrase}\r\n"
                "connection: close\r\ncontent-length: 0\r\n"
                "x-content-type-options: nosniff\r\n\r\n".encode()
            )
        self.transport.close()
