"""One HTTP exchange with Metronome: token, time limit, retries, and every answer sorted into the tree of errors.py."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Generic, TypeVar
from urllib.parse import quote

import httpx

from integrations.errors import (
    Conflict,
    CredentialsRefused,
    NotFound,
    ProviderError,
    Rejected,
    StoredFailure,
    Unavailable,
)
from integrations.fields import Fields, Unreadable, read_object
from integrations.http import request_id_of, retry_after_seconds
from integrations.metronome.oauth import TokenSource
from integrations.metronome.retries import Retries
from integrations.observing import observed

T = TypeVar("T")

PAGE_SIZE = 100
_CONFLICTS = {"Conflict", "UniquenessKeyUsed", "IdempotencyKeyReused"}


@dataclass(frozen=True, slots=True)
class _Call:
    action: str
    method: str
    path: str
    params: Mapping[str, str] | None = None
    body: Mapping[str, object] | None = None
    idempotency_key: str | None = None


class MetronomeApi:
    """`timeout_seconds` limits one attempt; a call makes at most `retries.attempts` of them."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        tokens: TokenSource,
        *,
        retries: Retries,
        timeout_seconds: float,
    ) -> None:
        self._http = http
        self._tokens = tokens
        self._retries = retries
        self._timeout_seconds = timeout_seconds

    async def get(self, action: str, path: str, read: Callable[[Fields], T], **params: str | None) -> T:
        present = {name: value for name, value in params.items() if value is not None}
        return await self._exchange(_Call(action, "GET", path, params=present), read)

    async def get_all(self, action: str, path: str, read: Callable[[Fields], T], **params: str | None) -> tuple[T, ...]:
        """Every page, oldest first; what is added meanwhile lands on the last page."""
        return tuple([item async for page in self.pages(action, path, read, **params) for item in page])

    async def pages(
        self, action: str, path: str, read: Callable[[Fields], T], **params: str | None
    ) -> AsyncIterator[list[T]]:
        """The same a page at a time, for lists that may be longer than memory."""
        offset = 0
        while True:
            page = await self.get(
                action, path, lambda fields: _page(fields, read), limit=str(PAGE_SIZE), offset=str(offset), **params
            )
            yield page.items
            offset += len(page.items)
            if not page.items or offset >= page.total:
                return

    async def get_page(
        self, action: str, path: str, read: Callable[[Fields], T], **params: str | None
    ) -> tuple[T, ...]:
        page = await self.get(action, path, lambda fields: _page(fields, read), **params)
        return tuple(page.items)

    async def find(self, action: str, path: str, read: Callable[[Fields], T], **params: str) -> T | None:
        """The one object that a unique value names, if there is one."""
        found = await self.get_page(action, path, read, limit="1", **params)
        return found[0] if found else None

    async def write(
        self,
        action: str,
        path: str,
        read: Callable[[Fields], T],
        *,
        body: Mapping[str, object],
        idempotency_key: str,
        method: str = "POST",
    ) -> T:
        return await self._exchange(_Call(action, method, path, body=body, idempotency_key=idempotency_key), read)

    async def _exchange(self, call: _Call, read: Callable[[Fields], T]) -> T:
        with observed("metronome", call.action):
            return await self._retries.run(lambda: self._attempt(call, read))

    async def _attempt(self, call: _Call, read: Callable[[Fields], T]) -> T:
        response = await self._authorized(call)
        try:
            body = read_object(response.content)
            if response.is_success:
                return read(body)
        except Unreadable as error:
            raise self._unavailable(call, response, f"unreadable answer: {error}") from None
        raise self._refusal(call, response, body)

    async def _authorized(self, call: _Call) -> httpx.Response:
        """Sends with the current token, and once more with a fresh one when that is refused."""
        token = await self._tokens.token()
        response = await self._send(call, token)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            response = await self._send(call, await self._tokens.replace(token))
        if response.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
            raise CredentialsRefused(
                "metronome",
                call.action,
                reason="our token is refused",
                status=response.status_code,
                request_id=request_id_of(response),
            )
        return response

    async def _send(self, call: _Call, token: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"}
        if call.idempotency_key is not None:
            headers["Idempotency-Key"] = call.idempotency_key
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await self._http.request(
                    call.method, call.path, params=call.params, json=call.body, headers=headers
                )
        except (TimeoutError, httpx.TimeoutException) as error:
            raise Unavailable("metronome", call.action, reason="timed out") from error
        except httpx.RequestError as error:
            raise Unavailable("metronome", call.action, reason="not reached") from error

    def _refusal(self, call: _Call, response: httpx.Response, body: Fields) -> ProviderError:
        status = response.status_code
        if not response.is_client_error or status == httpx.codes.TOO_MANY_REQUESTS:
            return self._unavailable(call, response, "no answer")
        try:
            code, message, field = body.text("code"), body.text("message"), body.optional_text("field")
        except Unreadable as error:
            return self._unavailable(call, response, f"unreadable refusal: {error}")
        if code == "IdempotencyKeyInUse":
            return self._unavailable(call, response, "the same call is still being worked on")
        return _kind_of_refusal(status, code)(
            "metronome",
            call.action,
            code=code,
            message=message,
            status=status,
            field=field,
            request_id=request_id_of(response),
        )

    def _unavailable(self, call: _Call, response: httpx.Response, reason: str) -> Unavailable:
        stored = response.headers.get("Idempotent-Replayed") == "true"
        return (StoredFailure if stored else Unavailable)(
            "metronome",
            call.action,
            reason=reason,
            status=response.status_code,
            retry_after_seconds=retry_after_seconds(response.headers),
            request_id=request_id_of(response),
        )


@dataclass(frozen=True, slots=True)
class _Page(Generic[T]):
    items: list[T]
    total: int


def _page(fields: Fields, read: Callable[[Fields], T]) -> _Page[T]:
    return _Page([read(item) for item in fields.children("data")], fields.whole("total"))


def present(**body: object) -> dict[str, object]:
    """A request body without what was not given; Metronome reads null as a value of its own."""
    return {name: value for name, value in body.items() if value is not None}


def timestamp(moment: date) -> str:
    """RFC 3339 in UTC, ending in Z. A date stands for its midnight, a datetime for itself."""
    instant = moment if isinstance(moment, datetime) else datetime.combine(moment, time(), UTC)
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def segment(identifier: str) -> str:
    """An id as one path segment: an id from elsewhere must not become another address."""
    return quote(identifier, safe="")


def _kind_of_refusal(status: int, code: str) -> type[Rejected]:
    if status == httpx.codes.NOT_FOUND:
        return NotFound
    return Conflict if code in _CONFLICTS else Rejected
