"""When the answer must be 503: the event may be good, and only the provider can send it again."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import structlog
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.types import Message
from tortoise.context import get_current_context

from app.middleware import Limits, RequestLimits
from mock_kit.clock import Clock
from tests.service import Service
from tests.webhooks.bodies import encoded, events_stored, stripe_event
from tests.webhooks.delivery import post, stripe_headers
from webhooks.routes import Reception, routes


async def test_an_event_that_cannot_be_stored_is_asked_for_again(service: Service) -> None:
    raw = encoded(stripe_event())
    before = await events_stored(service)
    async with table_away():
        refused = await post(service, "stripe", raw, stripe_headers(raw, at=service.clock.now()))

    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "30"
    assert refused.json()["error"]["code"] == "STORAGE_UNAVAILABLE"
    again = await post(service, "stripe", raw, stripe_headers(raw, at=service.clock.now()))
    assert again.json() == {"received": True, "duplicate": False}
    assert await events_stored(service) == before + 1


async def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    clock = Clock()
    reception = Reception(stripe_secrets=[], metronome_secrets=[], livemode=False, now=clock.now, wake=lambda: None)
    app = Starlette(routes=routes(reception), middleware=[Middleware(RequestLimits, limits=Limits(body_seconds=0.05))])
    sent: list[Message] = []
    parts = iter([{"type": "http.request", "body": b'{"id":', "more_body": True}])

    async def receive() -> Message:
        part = next(parts, None)
        return part if part is not None else await asyncio.get_running_loop().create_future()

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/webhooks/stripe",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }
    await app(scope, receive, send)

    assert sent[0]["status"] == 408
    assert json.loads(sent[1]["body"])["error"]["code"] == "BODY_TOO_SLOW"


@pytest.fixture(autouse=True)
def _plain_logs() -> None:
    """As they are unless configured: what `capture_logs` sees."""
    structlog.reset_defaults()


@asynccontextmanager
async def table_away() -> AsyncIterator[None]:
    """The inbox is out of the service's reach: renamed under its feet."""
    await _rename("webhook_event", "webhook_event_away")
    try:
        yield
    finally:
        await _rename("webhook_event_away", "webhook_event")


async def _rename(old: str, new: str) -> None:
    context = get_current_context()
    assert context is not None
    await context.db().execute_script(f"ALTER TABLE {old} RENAME TO {new}")
