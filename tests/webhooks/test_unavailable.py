"""When the answer must be 503: the event may be good, and only the provider can send it again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import structlog
from tortoise.context import get_current_context

from tests.service import Service
from tests.webhooks.bodies import encoded, events_stored, stripe_event
from tests.webhooks.delivery import post, stripe_headers


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
