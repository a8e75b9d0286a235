"""Webhook endpoints, the events sent to them, and what may be done to the sending: hold, reorder, duplicate, resend."""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import httpx

from mock_kit.clock import Clock
from mock_kit.courier import Attempt, Courier, Delivery, Endpoint, Event, RetrySchedule
from mock_kit.ids import Ids

Signer = Callable[[Endpoint, Event, datetime], Mapping[str, str]]
Order = Literal["kept", "reversed", "shuffled"]

MOST_ENDPOINTS = 100
CONFIGURED = "configured_"
"""Begins the ids of endpoints that come with every start, and so are not kept; what they have still to get is."""


@dataclass(frozen=True, slots=True)
class WebhooksState:
    endpoints: list[Endpoint]
    events: dict[str, Event]
    unsent: list[Delivery]
    holding: bool


class Webhooks:
    """Publishing never waits: each endpoint has a courier task of its own, alive only while something is to be sent.

    `sign(endpoint, event, now)` gives the headers of one attempt and is asked afresh for each; `now` is mock time.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        sign: Signer,
        ids: Ids,
        client: httpx.AsyncClient | None = None,
        schedule: RetrySchedule | None = None,
        capacity: int = 10_000,
    ) -> None:
        self._clock = clock
        self._sign = sign
        self._ids = ids
        self._client = client
        self._schedule = schedule or RetrySchedule()
        self._capacity = capacity
        self._couriers: dict[str, Courier] = {}
        self._events: dict[str, Event] = {}
        self._log: deque[Attempt] = deque(maxlen=capacity)
        self._held: list[Delivery] = []
        self._duplicates_left, self._duplicate_times = 0, 1
        self._recalled: list[Delivery] = []
        self.holding = False
        self.dropped = 0
        self.revision = 0
        """Grows with every change of what `state` tells."""

    # Endpoints

    @property
    def endpoints(self) -> list[Endpoint]:
        return [courier.endpoint for courier in self._couriers.values()]

    @property
    def full(self) -> bool:
        return len(self._couriers) >= MOST_ENDPOINTS

    def configure_endpoint(self, *, url: str, secret: str) -> None:
        """One that every start brings, from its command line or environment."""
        number = sum(endpoint.id.startswith(CONFIGURED) for endpoint in self.endpoints)
        self.add_endpoint(url=url, secrets=(secret,), endpoint_id=f"{CONFIGURED}{number + 1}")

    def add_endpoint(
        self, *, url: str, secrets: tuple[str, ...], types: frozenset[str] | None = None, endpoint_id: str | None = None
    ) -> Endpoint:
        """Also replaces one, when `endpoint_id` is known (a rolled secret); what it still has to get stays queued."""
        self.revision += 1
        endpoint = Endpoint(id=endpoint_id or self._ids.uuid(), url=url, secrets=secrets, types=types)
        if known := self._couriers.get(endpoint.id):
            known.endpoint = endpoint
        else:
            self._couriers[endpoint.id] = Courier(
                endpoint,
                schedule=self._schedule,
                post=self._post,
                headers=lambda target, event: self._sign(target, event, self._clock.now()),
                keep_back=self._keep_back,
                report=self._report,
                now=self._clock.now,
            )
        return endpoint

    def remove_endpoint(self, endpoint_id: str) -> bool:
        self.revision += 1
        courier = self._couriers.pop(endpoint_id, None)
        if courier:
            courier.clear()
            self._held = [delivery for delivery in self._held if delivery.endpoint_id != endpoint_id]
        return courier is not None

    # Sending

    def publish(self, event: Event) -> None:
        self.revision += 1
        self._events[event.id] = event
        while len(self._events) > self._capacity:
            del self._events[next(iter(self._events))]
        for _ in range(self._copies()):
            self._send(event)

    def resend(self, event_id: str) -> bool:
        event = self._events.get(event_id)
        if event:
            self._send(event)
        return event is not None

    def duplicate(self, *, times: int, following: int) -> None:
        """Each of the next `following` events is sent `times` times in all."""
        self._duplicate_times, self._duplicates_left = times, following

    def hold(self) -> None:
        """Keep back what is not yet sent, retries included. An attempt under way goes on."""
        self.holding = True
        for courier in self._couriers.values():
            self._held += courier.clear_queue()

    def release(self, *, order: Order = "kept", seed: int = 0) -> int:
        self.holding = False
        held, self._held = self._held, []
        if order == "reversed":
            held.reverse()
        elif order == "shuffled":
            random.Random(seed).shuffle(held)  # noqa: S311 - a repeatable order, not a secret
        for delivery in held:
            self._couriers[delivery.endpoint_id].send(delivery)
        return len(held)

    async def drain(self, *, timeout_seconds: float) -> bool:
        """Wait until nothing is on its way (what is held is not); False when time ran out first."""
        try:
            async with asyncio.timeout(timeout_seconds):
                while busy := [courier for courier in self._couriers.values() if courier.pending]:
                    await busy[0].idle()
        except TimeoutError:
            return False
        return True

    # Looking

    @property
    def pending(self) -> list[Delivery]:
        return [delivery for courier in self._couriers.values() for delivery in courier.pending]

    @property
    def held(self) -> list[Delivery]:
        return list(self._held)

    @property
    def log(self) -> list[Attempt]:
        return list(self._log)

    def clear(self, *, endpoints: bool = False) -> None:
        for courier in self._couriers.values():
            courier.clear()
        if endpoints:
            self._couriers.clear()
        self._events.clear()
        self._log.clear()
        self._held.clear()
        self._duplicates_left, self.holding, self.dropped = 0, False, 0

    async def aclose(self) -> None:
        for courier in self._couriers.values():
            courier.clear()
        if self._client:
            await self._client.aclose()

    # Keeping

    @property
    def state(self) -> WebhooksState:
        kept = [endpoint for endpoint in self.endpoints if not endpoint.id.startswith(CONFIGURED)]
        return WebhooksState(kept, dict(self._events), [*self._held, *self.pending, *self._recalled], self.holding)

    def restore(self, state: WebhooksState) -> None:
        """Nothing is sent before `start`."""
        for endpoint in state.endpoints:
            self.add_endpoint(url=endpoint.url, secrets=endpoint.secrets, types=endpoint.types, endpoint_id=endpoint.id)
        self._events = dict(state.events)
        self.holding = state.holding
        self._recalled = [delivery for delivery in state.unsent if delivery.endpoint_id in self._couriers]

    def start(self) -> None:
        """Send what was not sent when the state was kept."""
        recalled, self._recalled = self._recalled, []
        for delivery in recalled:
            self._couriers[delivery.endpoint_id].send(delivery)

    # Inside

    def _report(self, attempt: Attempt) -> None:
        self.revision += 1
        self._log.append(attempt)

    def _send(self, event: Event) -> None:
        for courier in self._couriers.values():
            if courier.endpoint.wants(event):
                self._queue(courier, Delivery(event=event, endpoint_id=courier.endpoint.id))

    def _queue(self, courier: Courier, delivery: Delivery) -> None:
        waiting = self._held if self.holding else courier.pending
        if len(waiting) >= self._capacity:
            self.dropped += 1
        else:
            courier.send(delivery)

    def _keep_back(self, delivery: Delivery) -> bool:
        if self.holding:
            self._held.append(delivery)
        return self.holding

    def _copies(self) -> int:
        if not self._duplicates_left:
            return 1
        self._duplicates_left -= 1
        return self._duplicate_times

    async def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=10, trust_env=False)
        response = await self._client.post(url, content=body, headers=dict(headers))
        return response.status_code
