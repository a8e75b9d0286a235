"""Stripe's SDK over an httpx client of ours, which may lead straight into the application."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import stripe


class SharedHTTPXClient(stripe.HTTPClient):
    name = "httpx"

    def __init__(self, client: httpx.AsyncClient) -> None:
        super().__init__()
        self._client = client

    async def sleep_async(self, secs: float) -> None:
        """No waiting between retries: the sandbox needs none."""
        await asyncio.sleep(0)

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        try:
            response = await self._client.request(method, url, headers=dict(headers), content=post_data)
        except httpx.TransportError as error:
            raise stripe.APIConnectionError(str(error), should_retry=True) from error  # type: ignore[no-untyped-call]  # the SDK's gap
        return response.content, response.status_code, response.headers


def connect(client: httpx.AsyncClient, *, base: str, key: str = "sk_test_1", retries: int = 0) -> stripe.StripeClient:
    return stripe.StripeClient(
        key,
        http_client=SharedHTTPXClient(client),
        base_addresses={"api": base},
        max_network_retries=retries,
    )
