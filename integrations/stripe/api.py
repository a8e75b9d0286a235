"""One call through Stripe's SDK: a time limit over all its attempts, and every outcome sorted or parsed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import stripe

from integrations.errors import Unavailable
from integrations.fields import Fields, Unreadable
from integrations.observing import observed
from integrations.stripe.failures import failure

T = TypeVar("T")

PAGE_SIZE = 100

FetchPage = Callable[[str | None], Awaitable[stripe.StripeObject]]


class StripeApi:
    """`sdk` builds the requests, so its types check every parameter; answers are read by our own types."""

    def __init__(self, sdk: stripe.StripeClient, *, timeout_seconds: float) -> None:
        self.sdk = sdk.v1
        self._timeout_seconds = timeout_seconds

    async def call(self, action: str, request: Awaitable[stripe.StripeObject], read: Callable[[Fields], T]) -> T:
        with observed("stripe", action):
            return await self._call(action, request, read)

    async def _call(self, action: str, request: Awaitable[stripe.StripeObject], read: Callable[[Fields], T]) -> T:
        try:
            # the SDK has no time limit per call, and its own retries would outlast anyone's patience
            async with asyncio.timeout(self._timeout_seconds):
                answer = await request
        except TimeoutError as error:
            raise Unavailable("stripe", action, reason="timed out") from error
        except stripe.StripeError as error:
            # not chained: the SDK's exceptions carry whole bodies
            raise failure(action, error) from None
        try:
            return read(Fields.of(answer.to_dict()))
        except Unreadable as error:
            raise Unavailable("stripe", action, reason=f"unreadable answer: {error}") from None

    async def one_page(
        self, action: str, request: Awaitable[stripe.StripeObject], read: Callable[[Fields], T]
    ) -> list[T]:
        page = await self.call(action, request, lambda fields: _page(fields, read))
        return page.items

    async def all_pages(self, action: str, fetch: FetchPage, read: Callable[[Fields], T]) -> list[T]:
        """Newest first, as Stripe lists; `fetch` is given the id to start after."""
        return [item async for page in self.pages(action, fetch, read) for item in page]

    async def pages(self, action: str, fetch: FetchPage, read: Callable[[Fields], T]) -> AsyncIterator[list[T]]:
        """The same a page at a time, for lists that may be longer than memory."""
        cursor: str | None = None
        while True:
            page = await self.call(action, fetch(cursor), lambda fields: _page(fields, read))
            yield page.items
            if page.next_cursor is None:
                return
            cursor = page.next_cursor


@dataclass(frozen=True, slots=True)
class _Page(Generic[T]):
    items: list[T]
    next_cursor: str | None


def _page(fields: Fields, read: Callable[[Fields], T]) -> _Page[T]:
    items = fields.children("data")
    more = bool(items) and fields.flag("has_more")
    return _Page([read(item) for item in items], items[-1].text("id") if more else None)
