"""python -m app webhooks: looking at stored events and replaying them, on the database itself."""

from typing import Any

import click

from app.cli_output import as_json_option, echo_facts, echo_json, echo_list, on_database, refuse
from app.clock import system_now
from billing.errors import WebhookEventNotFound
from models import Provider, WebhookEvent, WebhookEventState
from operations.replay_webhooks import replay_dead, replay_event

MOST_LISTED = 1000
COLUMNS = ("id", "received_at", "provider", "state", "attempts", "type", "last_error")
FACTS = (
    *("id", "provider", "event_id", "type", "state", "attempts", "last_error"),
    *("occurred_at", "received_at", "next_attempt_at", "handled_at", "payload"),
)


@click.group()
def webhooks() -> None:
    """Look at the events that providers sent, and handle them again. A running service picks up what is replayed."""


@webhooks.command(name="list")
@click.option("--state", type=click.Choice([state.value for state in WebhookEventState], case_sensitive=False))
@click.option("--provider", type=click.Choice([provider.value for provider in Provider], case_sensitive=False))
@click.option("--limit", type=click.IntRange(1, MOST_LISTED), default=20, show_default=True)
@as_json_option
def list_events(*, state: str | None, provider: str | None, limit: int, as_json: bool) -> None:
    """The newest events, one line each."""
    wanted = {name: given.upper() for name, given in (("state", state), ("provider", provider)) if given}
    found = on_database(lambda _: _newest(wanted, limit))
    echo_list(COLUMNS, found, what="webhook events", as_json=as_json)


@webhooks.command()
@click.argument("event_id")
@as_json_option
def show(*, event_id: str, as_json: bool) -> None:
    """One event, with the body as it came."""
    event = on_database(lambda _: _event(event_id))
    if as_json:
        echo_json(event)
        return
    echo_facts([(name.replace("_", " "), event[name]) for name in FACTS if name != "payload"])
    click.echo(event["payload"])


@webhooks.command()
@click.argument("event_id", required=False)
@click.option("--dead", is_flag=True, help="Every DEAD event.")
@as_json_option
def replay(*, event_id: str | None, dead: bool, as_json: bool) -> None:
    """Handle one event again, or all dead ones."""
    if dead == (event_id is not None):
        refuse("name one event, or give --dead")
    count = on_database(lambda _: _replay(event_id))
    if as_json:
        echo_json({"replayed": count})
    else:
        click.echo(f"{count} to be handled again")


async def _newest(wanted: dict[str, str], limit: int) -> list[tuple[Any, ...]]:
    return await WebhookEvent.filter(**wanted).order_by("-received_at", "-id").limit(limit).values_list(*COLUMNS)


async def _event(event_id: str) -> dict[str, Any]:
    event = await WebhookEvent.get_or_none(id=event_id)
    if event is None:
        raise WebhookEventNotFound(event_id)
    return {name: getattr(event, name) for name in FACTS}


async def _replay(event_id: str | None) -> int:
    if event_id is None:
        return await replay_dead(at=system_now())
    await replay_event(event_id, idempotency_key=None, at=system_now())
    return 1
