import json
from collections.abc import AsyncIterator, Awaitable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import stripe
from stripe._v1_services import V1Services

from mock_kit.clock import Clock
from mock_kit.courier import RetrySchedule
from mock_kit.sandbox import Sandbox
from mock_stripe.app import create_app
from tests.mock_stripe.receiver import Receiver
from tests.mock_stripe.sdk_client import connect
from tests.mock_stripe.sdk_schema import problems

BASE = "http://stripe.test"
RECEIVER = "http://receiver.test/hook"
START = datetime(2027, 3, 1, 12, tzinfo=UTC)


@dataclass
class World:
    """A sandbox, everything it answered, and the clients to reach it."""

    app: Sandbox
    http: httpx.AsyncClient
    client: stripe.StripeClient
    receiver: Receiver
    answers: list[dict[str, Any]] = field(default_factory=list)

    @property
    def v1(self) -> V1Services:
        return self.client.v1

    async def control(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        response = await self.http.request(method, f"/_mock/{path}", json=body)
        assert response.status_code == 200, response.text
        return dict(response.json())

    async def counts(self) -> dict[str, int]:
        return dict((await self.control("GET", "state?requests=false"))["objects"])

    async def event_types(self) -> list[str]:
        """Oldest first."""
        events = await self.v1.events.list_async({"limit": 100})
        return [event.type for event in reversed(events.data)]

    async def customer(self) -> str:
        return (await self.v1.customers.create_async({"email": "ada@example.com"})).id

    async def saved_card(self, customer_id: str, alias: str = "pm_card_visa") -> str:
        return (await self.v1.payment_methods.attach_async(alias, {"customer": customer_id})).id

    async def pay(self, customer_id: str | None, card: str, **more: Any) -> stripe.PaymentIntent:
        """A payment intent created and confirmed at once: $10, on-session, no redirects."""
        params: Any = {
            "amount": 1000,
            "currency": "usd",
            "payment_method": card,
            "confirm": True,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            **({"customer": customer_id} if customer_id else {}),
            **more,
        }
        key = params.pop("key", None)
        return await self.v1.payment_intents.create_async(params, {"idempotency_key": key} if key else {})

    async def listen(self, secret: str = "whsec_1") -> str:
        return str((await self.control("POST", "webhooks/endpoints", {"url": RECEIVER, "secret": secret}))["id"])


async def refusal(call: Awaitable[object]) -> stripe.StripeError:
    """The error that the SDK raises for this call."""
    with pytest.raises(stripe.StripeError) as refused:
        await call
    return refused.value


def code(error: stripe.StripeError) -> str | None:
    """`error.code` is only filled for some classes."""
    return error.error.code if error.error else None


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Whatever it answered and told is held against the SDK's classes when the test is over."""
    receiver = Receiver()
    app = create_app(
        seed=7,
        clock=Clock(start=START, frozen=True),
        webhook_client=httpx.AsyncClient(transport=httpx.ASGITransport(receiver)),
        schedule=RetrySchedule(first_seconds=0.001, attempts=4),
    )
    answers: list[dict[str, Any]] = []

    async def record(response: httpx.Response) -> None:
        await response.aread()
        if response.request.url.path.startswith("/v1/"):
            with suppress(ValueError):  # a fault may answer what is no JSON
                answers.append(response.json())

    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url=BASE, event_hooks={"response": [record]}
    ) as http:
        yield World(app, http, connect(http, base=BASE), receiver, answers)
        await http.delete("/_mock/faults")
        await http.get("/v1/events?limit=100", headers={"authorization": "Bearer sk_test_1"})
    await app.aclose()
    delivered = [json.loads(body) for body, _ in receiver.got]
    assert [problem for answer in [*answers, *delivered] for problem in problems(answer)] == []
