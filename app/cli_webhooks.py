"""python -m app webhooks: looking at stored events and replaying them, on the database itself."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import NoReturn, TypeVar

import click

from app.clock import system_now
from app.logs import configure_logs
from app.settings import InvalidSettings, load_settings
from billing.errors import BillingError
from models import Provider, WebhookEvent, WebhookEventState
from models.database import database
from models.errors import DatabaseUnavailable, InvalidDatabaseUrl
from operations.replay_webhooks import replay_dead, replay_event
from schema.types.scalars import iso

T = TypeVar("T")

MOST_LISTED = 1000


@click.group()
def webhooks() -> None:
    """Look at the events that providers sent, and handle them again. A running service picks up what is replayed."""


@webhooks.command(name="list")
@click.option("--state", type=click.Choice([state.value for state in WebhookEventState], case_sensitive=False))
@click.option("--provider", type=click.Choice([provider.value for provider in Provider], case_sensitive=False))
@click.option("--limit", type=click.IntRange(1, MOST_LISTED), default=20, show_default=True)
def list_events(*, state: str | None, provider: str | None, limit: int) -> None:
    """The newest events, one line each."""
    for event in _run(lambda: _newest(state, provider, limit)):
        reason = f"  {event.last_error}" if event.last_error else ""
        click.echo(
            f"{event.id}  {iso(event.received_at)}  {event.provider.value:9}  {event.state.value:7}  "
            f"{event.attempts:2}  {event.type}{reason}"
        )


@webhooks.command()
@click.argument("event_id")
def show(*, event_id: str) -> None:
    """One event, with the body as it came."""
    event = _run(lambda: WebhookEvent.get_or_none(id=event_id))
    if event is None:
        _refuse(f"no webhook event has the id {event_id}")
    for name in ("id", "provider", "event_id", "type", "state", "attempts", "last_error"):
        click.echo(f"{name:16} {getattr(event, name)}")
    for name in ("occurred_at", "received_at", "next_attempt_at", "handled_at"):
        at = getattr(event, name)
        click.echo(f"{name:16} {iso(at) if at else None}")
    click.echo(event.payload)


@webhooks.command()
@click.argument("event_id", required=False)
@click.option("--dead", is_flag=True, help="Every DEAD event.")
def replay(*, event_id: str | None, dead: bool) -> None:
    """Handle one event again, or all dead ones."""
    if dead == (event_id is not None):
        _refuse("name one event, or give --dead")
    try:
        count = _run(lambda: replay_dead(at=system_now())) if event_id is None else _replay_one(event_id)
    except BillingError as problem:
        _refuse(str(problem))
    click.echo(f"{count} to be handled again")


def _replay_one(event_id: str) -> int:
    _run(lambda: replay_event(event_id, idempotency_key=None, at=system_now()))
    return 1


async def _newest(state: str | None, provider: str | None, limit: int) -> list[WebhookEvent]:
    query = WebhookEvent.all()
    if state:
        query = query.filter(state=WebhookEventState(state.upper()))
    if provider:
        query = query.filter(provider=Provider(provider.upper()))
    return await query.order_by("-received_at", "-id").limit(limit)


def _run(work: Callable[[], Awaitable[T]]) -> T:
    async def connected() -> T:
        settings = load_settings()
        configure_logs(settings)
        async with database(settings.database):
            return await work()

    try:
        return asyncio.run(connected())
    except (InvalidSettings, InvalidDatabaseUrl, DatabaseUnavailable) as problem:
        _refuse(str(problem))


def _refuse(sentence: str) -> NoReturn:
    click.echo(f"billing: {sentence}", err=True)
    sys.exit(1)
