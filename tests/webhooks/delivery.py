"""Being the two providers: events signed as they sign them, posted in whatever order, and waited for."""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any, TypeVar

import httpx

from tests.service import METRONOME_WEBHOOK_SECRET, STRIPE_WEBHOOK_SECRET, Service

T = TypeVar("T")
Json = dict[str, Any]

EVENTS = """
query Events($first: Int!, $after: String, $filter: WebhookEventFilter) {
  webhookEvents(first: $first, after: $after, filter: $filter) {
    totalCount
    pageInfo { hasNextPage endCursor }
    nodes {
      id provider eventId type entityId state attempts lastError nextAttemptAt payload receivedAt occurredAt handledAt
    }
  }
}
"""

HANDLED = frozenset({"DONE", "IGNORED", "PARKED", "DEAD"})


def stripe_headers(raw: bytes, *, at: datetime, secret: str = STRIPE_WEBHOOK_SECRET) -> dict[str, str]:
    seconds = int(at.timestamp())
    signature = hmac.new(secret.encode(), f"{seconds}.".encode() + raw, hashlib.sha256).hexdigest()
    return {"content-type": "application/json; charset=utf-8", "stripe-signature": f"t={seconds},v1={signature}"}


def metronome_headers(raw: bytes, *, at: datetime, secret: str = METRONOME_WEBHOOK_SECRET) -> dict[str, str]:
    date = format_datetime(at, usegmt=True)
    signature = hmac.new(secret.encode(), f"{date}\n".encode() + raw, hashlib.sha256).hexdigest()
    return {
        "content-type": "application/json",
        "date": date,
        "x-metronome-date": date,
        "metronome-webhook-signature": signature,
    }


SIGN = {"stripe": stripe_headers, "metronome": metronome_headers}


@dataclass(frozen=True, slots=True)
class Sent:
    """An event of one of the mocks, ready to be posted."""

    provider: str
    event: Json

    @property
    def id(self) -> str:
        return str(self.event["id"])

    @property
    def name(self) -> str:
        return f"{self.provider}:{self.event['type']}"


async def post(service: Service, provider: str, raw: bytes, headers: Mapping[str, str]) -> httpx.Response:
    return await service.http.post(f"/webhooks/{provider}", content=raw, headers=headers)


async def deliver(service: Service, sent: Sent) -> httpx.Response:
    raw = json.dumps(sent.event).encode()
    headers = SIGN[sent.provider](raw, at=service.clock.now())
    return await post(service, sent.provider, raw, headers)


async def deliver_all(service: Service, events: Iterable[Sent]) -> None:
    for sent in events:
        answer = await deliver(service, sent)
        assert answer.status_code == 200, answer.text


async def until(condition: Callable[[], Awaitable[T | None]], *, what: str, seconds: float = 120.0) -> T:
    """Poll until the condition gives something; fail with what was waited for."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := await condition():
            return found
        await asyncio.sleep(0.02)  # the pause of a poll with a deadline
    raise AssertionError(f"not within {seconds} s: {what}")


async def stored(service: Service, event_id: str) -> Json | None:
    found = await stored_where(service, eventId=event_id)
    return found[0] if found else None


async def stored_where(service: Service, **wanted: str) -> list[Json]:
    data = await service.graphql(EVENTS, first=50, filter=wanted)
    nodes: list[Json] = data["webhookEvents"]["nodes"]
    return nodes


async def handled(service: Service, event_id: str) -> Json:
    """The event once it has come to an end."""

    async def ended() -> Json | None:
        event = await stored(service, event_id)
        return event if event and event["state"] in HANDLED else None

    return await until(ended, what=f"event {event_id} handled")


async def all_handled(service: Service, events: Iterable[Sent]) -> dict[str, str]:
    """The state of each, by its name."""
    return {sent.name: (await handled(service, sent.id))["state"] for sent in events}


async def at_rest(service: Service) -> bool:
    """No event waits, and no operation runs. What waits for its next attempt gets it a bit sooner: ask in one place."""
    query = """{
      operations(first: 1, filter: {status: RUNNING}) { totalCount }
      webhookEvents(first: 1, filter: {state: PENDING}) { totalCount }
    }"""
    counts = await service.graphql(query)
    service.clock.advance(timedelta(seconds=1))
    return not any(each["totalCount"] for each in counts.values())


async def stripe_events(service: Service) -> list[Sent]:
    """All of them, oldest first."""
    found: list[Json] = []
    after: dict[str, str] = {}
    while True:
        answer = await service.stripe.http.get(
            "/v1/events", params={"limit": "100", **after}, headers={"authorization": "Bearer sk_test_sandbox"}
        )
        page = answer.json()
        found += page["data"]
        if not page["has_more"]:
            return [Sent("stripe", event) for event in reversed(found)]
        after = {"starting_after": page["data"][-1]["id"]}


async def metronome_events(service: Service) -> list[Sent]:
    token = await service.metronome.http.post(
        "/oauth/token",
        json={
            "grant_type": "client_credentials",
            "client_id": "sandbox-client",
            "client_secret": "sandbox-secret",
        },
    )
    headers = {"authorization": f"Bearer {token.json()['access_token']}"}
    found: list[Json] = []
    while True:
        after = {"after": found[-1]["id"]} if found else {}
        answer = await service.metronome.http.get("/api/v1/webhooks/events", params=after, headers=headers)
        page: list[Json] = answer.json()["data"]
        if not page:
            return [Sent("metronome", event) for event in found]
        found += page


async def events_of(service: Service, *customer_ids: str) -> list[Sent]:
    """What both mocks have to tell of one customer, in the order they told it."""
    everything = [*await stripe_events(service), *await metronome_events(service)]
    return [sent for sent in everything if owner_of(sent) in customer_ids]


def owner_of(sent: Sent) -> str | None:
    if sent.provider == "metronome":
        return str(sent.event["customer_id"])
    subject = sent.event["data"]["object"]
    before = sent.event["data"].get("previous_attributes", {})
    named = subject["id"] if subject["object"] == "customer" else subject.get("customer") or before.get("customer")
    return str(named) if named else None
