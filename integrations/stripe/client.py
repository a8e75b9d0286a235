"""Every call we make to Stripe, as one client; the calls themselves stand in one file per noun."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime

import httpx
import stripe
from pydantic import SecretStr
from stripe.params import EventListParams

from integrations.fields import Fields
from integrations.stripe.api import PAGE_SIZE, FetchPage, StripeApi
from integrations.stripe.customers import CustomerCalls
from integrations.stripe.payment_methods import PaymentMethodCalls
from integrations.stripe.payments import PaymentCalls
from integrations.stripe.transport import SharedHTTPXClient, Sleep
from integrations.stripe.types import Event


class StripePayments(CustomerCalls, PaymentMethodCalls, PaymentCalls):
    """Any call may raise `Unavailable` or `Rejected` (integrations.errors); cards also `Declined`.

    One call takes `timeout_seconds` at most, the SDK's own repeats included; all of them carry the call's one key.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        api_key: SecretStr,
        *,
        timeout_seconds: float = 12.0,
        max_network_retries: int = 2,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        # a switch of the whole SDK; on, it writes an id to the home directory and reports the platform
        stripe.enable_telemetry = False
        base = str(http.base_url).rstrip("/")
        sdk = stripe.StripeClient(
            api_key.get_secret_value(),
            http_client=SharedHTTPXClient(http, sleep=sleep),
            base_addresses={"api": base, "files": base, "connect": base, "meter_events": base},
            max_network_retries=max_network_retries,
        )
        self._api = StripeApi(sdk, timeout_seconds=timeout_seconds)

    async def list_events(self, *, created_since: datetime) -> tuple[Event, ...]:
        """Oldest first, all of them."""
        newest_first = await self._api.all_pages("list_events", self._event_pages(created_since), Event.read)
        return tuple(reversed(newest_first))

    def pages_of_event_bodies(self, *, created_since: datetime, until: datetime) -> AsyncIterator[list[Fields]]:
        """Unread, as a webhook brings them; newest first, a page at a time. Both ends count, by the second."""
        return self._api.pages("list_events", self._event_pages(created_since, until), lambda body: body)

    def _event_pages(self, created_since: datetime, until: datetime | None = None) -> FetchPage:
        async def fetch(cursor: str | None) -> stripe.ListObject[stripe.Event]:
            params: EventListParams = {"created": {"gte": int(created_since.timestamp())}, "limit": PAGE_SIZE}
            if until is not None:
                params["created"] = {"gte": int(created_since.timestamp()), "lte": int(until.timestamp())}
            if cursor:
                params["starting_after"] = cursor
            return await self._api.sdk.events.list_async(params)

        return fetch

    async def ping(self) -> None:
        """The cheapest call that needs a valid key."""
        await self._api.one_page("ping", self._api.sdk.customers.list_async({"limit": 1}), lambda fields: fields)
