"""Bearer tokens for Metronome: fetched once, shared by every call, renewed before they end."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import httpx

from integrations.errors import CredentialsRefused, Unavailable
from integrations.fields import Fields, Unreadable, read_object
from integrations.http import Clock, retry_after_seconds
from integrations.metronome.credentials import OAuthCredentials
from integrations.observing import observed

ACTION = "fetch_token"
RENEW_BEFORE_END_SECONDS = 60


@dataclass(frozen=True, slots=True)
class _Token:
    value: str = field(repr=False)
    renew_at: datetime


class TokenSource:
    """Hands out the current token. However many callers miss it at once, one request fetches the next."""

    def __init__(
        self, http: httpx.AsyncClient, credentials: OAuthCredentials, clock: Clock, *, timeout_seconds: float = 10.0
    ) -> None:
        self._http = http
        self._credentials = credentials
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        self._current: _Token | None = None
        self._fetching: asyncio.Task[_Token] | None = None

    async def token(self) -> str:
        if self._current and self._clock() < self._current.renew_at:
            return self._current.value
        return (await self._shared_fetch()).value

    async def replace(self, refused: str) -> str:
        """The token to use after Metronome refused this one; a new one is fetched only by the first to notice."""
        if self._current and self._current.value == refused:
            self._current = None
        return await self.token()

    async def _shared_fetch(self) -> _Token:
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._fetch())
            self._fetching.add_done_callback(self._fetched)
        # shielded: one caller giving up must not take the token from the others
        return await asyncio.shield(self._fetching)

    def _fetched(self, task: asyncio.Task[_Token]) -> None:
        self._fetching = None
        if not task.cancelled() and task.exception() is None:
            self._current = task.result()

    async def _fetch(self) -> _Token:
        with observed("metronome", ACTION):
            return await self._granted()

    async def _granted(self) -> _Token:
        asked_at = self._clock()
        response = await self._post()
        _raise_unless_granted(response)
        try:
            return _read_token(read_object(response.content), asked_at)
        except Unreadable as error:
            raise Unavailable("metronome", ACTION, reason=f"unreadable answer: {error}") from None

    async def _post(self) -> httpx.Response:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._credentials.client_id,
            "client_secret": self._credentials.client_secret.get_secret_value(),
            "scope": self._credentials.scope,
        }
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await self._http.post(self._credentials.token_url, data=form)
        except (TimeoutError, httpx.TimeoutException) as error:
            raise Unavailable("metronome", ACTION, reason="timed out") from error
        except httpx.RequestError as error:
            raise Unavailable("metronome", ACTION, reason="not reached") from error


def _raise_unless_granted(response: httpx.Response) -> None:
    status = response.status_code
    if status == httpx.codes.OK:
        return
    if response.is_client_error and status != httpx.codes.TOO_MANY_REQUESTS:
        raise CredentialsRefused("metronome", ACTION, reason="our OAuth client is refused", status=status)
    pause = retry_after_seconds(response.headers)
    raise Unavailable("metronome", ACTION, reason="no token", status=status, retry_after_seconds=pause)


def _read_token(fields: Fields, asked_at: datetime) -> _Token:
    value = fields.text("access_token")
    if not value.isascii() or not value.isprintable() or " " in value:
        raise Unreadable("access_token", "fit for a header")
    fields.choice("token_type", _bearer)
    lifetime_seconds = fields.whole("expires_in")
    if lifetime_seconds <= 0:
        raise Unreadable("expires_in", "positive")
    margin_seconds = min(RENEW_BEFORE_END_SECONDS, lifetime_seconds / 2)
    return _Token(value, asked_at + timedelta(seconds=lifetime_seconds - margin_seconds))


def _bearer(token_type: str) -> str:
    if token_type.lower() != "bearer":
        raise ValueError
    return token_type
