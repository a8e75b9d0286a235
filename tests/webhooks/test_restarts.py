"""What needs services of its own, one after the other: settings, the command line, the passing of weeks."""

import asyncio
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import structlog
from click.testing import CliRunner
from structlog.testing import capture_logs

from app.cli_webhooks import webhooks
from mock_kit.clock import Clock
from tests.service import Service, running_service
from tests.webhooks.bodies import encoded, events_stored, metronome_event, stripe_event
from tests.webhooks.delivery import (
    Sent,
    deliver,
    handled,
    metronome_headers,
    post,
    stored,
    stripe_headers,
    until,
)
from tests.webhooks.ended import NOBODYS, a_dead_event, an_ignored_event

NO_MERCY: dict[str, Any] = {"webhook_max_attempts": 1}


async def test_without_a_secret_nothing_is_accepted_and_the_log_says_so_once(sqlite_url: str, tmp_path: Path) -> None:
    async with running_service(
        sqlite_url, tmp_path, stripe_webhook_secret=" , ", metronome_webhook_secret=""
    ) as service:
        stripe, metronome = encoded(stripe_event()), encoded(metronome_event())
        with capture_logs() as lines:
            answers = [
                await post(service, provider, raw, headers(raw, at=service.clock.now(), secret=""))
                for _ in range(3)
                for provider, raw, headers in (
                    ("stripe", stripe, stripe_headers),
                    ("metronome", metronome, metronome_headers),
                )
            ]

        assert [answer.status_code for answer in answers] == [503] * 6
        assert answers[0].json()["error"]["code"] == "NO_WEBHOOK_SECRET"
        told = [line["provider"] for line in lines if line["event"] == "webhook.no_secret"]
        assert sorted(told) == ["metronome", "stripe"]
        assert await events_stored(service) == 0


async def test_the_command_line_lists_shows_and_replays(database_url: str, tmp_path: Path) -> None:
    async with running_service(database_url, tmp_path, **NO_MERCY) as service:
        event = await an_ignored_event(service)
        dead = await a_dead_event(service)
    listed = await command(database_url, "list", "--state", "dead")
    shown = await command(database_url, "show", event["id"])
    replayed = await command(database_url, "replay", event["id"])
    all_dead = await command(database_url, "replay", "--dead")

    assert [line.split()[3] for line in listed.splitlines()] == ["STATE", "DEAD"]
    assert "No customer here is cus_nobody at Stripe." in listed
    assert shown.splitlines()[-1] == event["payload"]
    assert (replayed, all_dead) == ("1 to be handled again\n", "1 to be handled again\n")
    async with running_service(database_url, tmp_path, **NO_MERCY) as service:
        assert (await handled(service, event["eventId"]))["state"] == "IGNORED"
        assert (await handled(service, dead.id))["state"] == "DEAD"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["show", "whe_none"], "billing: no webhook event has the id whe_none\n"),
        (["replay", "whe_none"], "billing: no webhook event has the id whe_none\n"),
        (["replay"], "billing: name one event, or give --dead\n"),
        (["replay", "whe_none", "--dead"], "billing: name one event, or give --dead\n"),
    ],
)
def test_the_command_line_refuses_what_it_cannot_do(sqlite_url: str, arguments: list[str], sentence: str) -> None:
    refused = CliRunner().invoke(webhooks, arguments, env={"DATABASE_URL": sqlite_url})

    assert (refused.exit_code, refused.stderr) == (2, sentence)


async def test_each_pause_is_about_twice_as_long_as_the_one_before_also_over_a_restart(
    database_url: str, tmp_path: Path
) -> None:
    clock = Clock(frozen=True)
    sent = Sent("stripe", stripe_event(type="payment_method.attached", data={"object": NOBODYS}))
    pauses: list[float] = []
    due = clock.now()
    for _ in range(2):
        async with running_service(database_url, tmp_path, clock) as service:
            await deliver(service, sent)
            for _ in range(3):
                clock.advance_to(due)
                service.app.state.worker.wake()
                due = await until(partial(postponed, service, sent, len(pauses) + 1), what="an attempt")
                pauses.append((due - clock.now()).total_seconds())

    longest = [0.5, 1, 2, 4, 8, 16]
    assert all(most / 2 <= pause <= most for pause, most in zip(pauses, longest, strict=True)), pauses
    assert len({pause / most for pause, most in zip(pauses, longest, strict=True)}) == 6  # no two are in step


async def postponed(service: Service, sent: Sent, attempts: int) -> datetime | None:
    """Until when, after so many attempts. One that is under way is counted too, but not postponed yet."""
    event = await stored(service, sent.id)
    if event is None or event["attempts"] != attempts or event["nextAttemptAt"] is None:
        return None
    due = datetime.fromisoformat(event["nextAttemptAt"])
    return due if due > service.clock.now() else None


async def test_what_ended_well_is_forgotten_after_five_weeks_and_what_did_not_stays(
    database_url: str, tmp_path: Path
) -> None:
    clock = Clock()
    async with running_service(database_url, tmp_path, clock, **NO_MERCY) as service:
        event = await an_ignored_event(service)
        dead = await a_dead_event(service)
    clock.advance(timedelta(days=34))
    async with running_service(database_url, tmp_path, clock, **NO_MERCY) as service:
        young = await an_ignored_event(service)
        assert await stored(service, event["eventId"]) == event
    clock.advance(timedelta(days=2))

    async with running_service(database_url, tmp_path, clock, **NO_MERCY) as service:
        await until(lambda: is_gone(service, event["eventId"]), what="the old event's end")

        assert await stored(service, young["eventId"]) == young
        assert (await handled(service, dead.id))["state"] == "DEAD"


async def test_what_is_old_is_forgotten_while_the_service_runs(database_url: str, tmp_path: Path) -> None:
    clock = Clock()
    async with running_service(database_url, tmp_path, clock, prune_seconds=0.1) as service:
        event = await an_ignored_event(service)
        clock.advance(timedelta(days=36))
        young = await an_ignored_event(service)

        await until(lambda: is_gone(service, event["eventId"]), what="the old event's end")

        assert await stored(service, young["eventId"]) == young


@pytest.fixture(autouse=True)
def _plain_logs() -> None:
    """As they are unless configured: what `capture_logs` sees."""
    structlog.reset_defaults()


async def is_gone(service: Service, event_id: str) -> bool:
    return await stored(service, event_id) is None


async def command(database_url: str, *arguments: str) -> str:
    """In a thread, for it runs an event loop of its own."""
    done = await asyncio.to_thread(CliRunner().invoke, webhooks, arguments, env={"DATABASE_URL": database_url})
    assert done.exit_code == 0, done.output
    return done.stdout
