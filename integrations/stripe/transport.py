"""Stripe's SDK over an httpx client of ours.

The SDK's own httpx client takes no pool limits, no transport and no proxy setting, and reports every exception, our
programming errors too, as a network failure.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import httpx
import stripe

from integrations.fields import Unreadable, read_object

Sleep = Callable[[float], Awaitable[None]]


class SharedHTTPXClient(stripe.HTTPClient):
    name = "httpx"

    def __init__(self, http: httpx.AsyncClient, *, sleep: Sleep = asyncio.sleep) -> None:
        super().__init__()
        self._http = http
        self._sleep = sleep

    async def sleep_async(self, secs: float) -> None:
        await self._sleep(secs)

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: bytes | str | None = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        try:
            answer = await self._http.request(method, url, headers=dict(headers), content=post_data)
        except httpx.TimeoutException as error:
            raise _no_answer("timed out") from error
        except httpx.RequestError as error:
            raise _no_answer("not reached") from error
        if not _is_from_stripe(answer):
            raise _no_answer("unreadable answer", answer)
        return answer.content, answer.status_code, answer.headers

    async def close_async(self) -> None:
        """The httpx client is closed by whoever opened it."""


def _no_answer(reason: str, answer: httpx.Response | None = None) -> stripe.APIConnectionError:
    return stripe.APIConnectionError(  # type: ignore[no-untyped-call]  # the SDK left its constructor untyped
        reason,
        http_status=answer.status_code if answer else None,
        headers=answer.headers if answer else None,
        should_retry=True,
    )


def _is_from_stripe(answer: httpx.Response) -> bool:
    """False for a gateway's page or a broken body; the SDK would drop its headers, and not repeat it after a 200."""
    try:
        body = read_object(answer.content)
        return answer.is_success or bool(body.child("error"))
    except Unreadable:
        return False
