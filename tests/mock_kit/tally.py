"""A provider small enough to see through: POST /tally counts up, tells the webhooks, and answers the new count."""

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from queue import Queue
from typing import Literal

import httpx
import uvicorn

from mock_kit.clock import Clock
from mock_kit.courier import Endpoint, Event, RetrySchedule
from mock_kit.idempotency import Idempotency, Policy
from mock_kit.ids import Ids
from mock_kit.journal import Journal
from mock_kit.messages import Answer, Request, json_answer
from mock_kit.sandbox import Receive, Sandbox, Scope, Send
from mock_kit.serve import KEEP_ALIVE_SECONDS
from mock_kit.webhooks import Webhooks

NOON = datetime(2028, 2, 28, 12, tzinfo=UTC)
FAST = RetrySchedule(first_seconds=0.001, longest_seconds=0.01, attempts=6)
RECEIVER = "http://receiver/hook"


@dataclass(frozen=True, slots=True)
class TallyState:
    count: int


class Tally:
    def __init__(self, webhooks: Webhooks) -> None:
        self.count = 0
        self.times_caught_up = 0
        self._webhooks = webhooks

    def admit(self, request: Request) -> Answer | None:
        return json_answer(401, {"error": "who"}) if request.headers.get("authorization") == "nobody" else None

    def handle(self, request: Request) -> Answer:
        if request.path == "/refused":
            return json_answer(400, {"error": "refused"}, keep=False)
        if request.path == "/bug":
            raise ZeroDivisionError
        self.count += 1
        self._webhooks.publish(Event(id=f"event-{self.count}", type="tally.raised", body=b"%d" % self.count))
        return json_answer(402 if request.path == "/declined" else 200, {"count": self.count})

    def refuse(self, status: int, message: str) -> Answer:
        return json_answer(status, {"error": message})

    def catch_up(self) -> bool:
        self.times_caught_up += 1
        return False

    def counts(self) -> Mapping[str, int]:
        return {"tally": self.count}

    def objects(self) -> Mapping[str, Sequence[object]]:
        return {"tally": [self.count]}

    def reset(self) -> None:
        self.count = 0

    def state(self) -> TallyState:
        return TallyState(self.count)

    def restore(self, state: object) -> None:
        assert isinstance(state, TallyState)
        self.count = state.count


class Receiver:
    """A webhook receiver: keeps bodies and headers, answers the given statuses in turn, then 200 for ever."""

    def __init__(self, *statuses: int) -> None:
        self.bodies: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.arrived = asyncio.Event()
        self.queue: Queue[str] = Queue()
        """The bodies once more, for a test in another thread."""
        self._statuses = list(statuses)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        message = await receive()
        self.bodies.append(message["body"].decode())
        self.headers.append({name.decode(): value.decode() for name, value in scope["headers"]})
        self.arrived.set()
        self.queue.put(self.bodies[-1])
        status = self._statuses.pop(0) if self._statuses else 200
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def sign(endpoint: Endpoint, event: Event, now: datetime) -> Mapping[str, str]:
    return {"x-signed": f"{endpoint.secrets[0]} {event.id} {now:%H:%M:%S}"}


def create_app(
    receiver: Receiver | None = None,
    *,
    clock: Clock | None = None,
    capacity: int = 10_000,
    schedule: RetrySchedule = FAST,
) -> Sandbox:
    clock = clock or Clock(start=NOON, frozen=True)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(receiver or Receiver()))
    webhooks = Webhooks(clock=clock, sign=sign, ids=Ids(7), client=client, schedule=schedule, capacity=capacity)
    policy = Policy(
        applies=lambda request: request.method == "POST",
        mismatch=lambda request: json_answer(400, {"error": "mismatch"}),
        in_flight=lambda request: json_answer(409, {"error": "in flight"}),
        too_long=lambda request: json_answer(400, {"error": "too long"}),
        replay=lambda request, stored: stored.with_headers(("idempotent-replayed", "true")),
        scope=lambda request: request.headers.get("x-account", ""),
    )
    journal = Journal(capacity=capacity, hidden_fields=frozenset({"secret"}))
    keys = Idempotency(policy, clock=clock, capacity=capacity)
    return Sandbox(Tally(webhooks), clock=clock, webhooks=webhooks, idempotency=keys, journal=journal)


@asynccontextmanager
async def in_process(app: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sandbox") as client:
        try:
            yield client
        finally:
            await app.aclose()


@contextmanager
def on_a_socket(app: Sandbox | Receiver) -> Iterator[str]:
    """The application under uvicorn in a thread; its address."""
    lifespan: Literal["on", "off"] = "on" if isinstance(app, Sandbox) else "off"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            app,
            log_config=None,
            lifespan=lifespan,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


async def told(client: httpx.AsyncClient, path: str, /, **body: object) -> dict[str, object]:
    """What a control route answers to a POST that must succeed."""
    answer = await client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    content = json.loads(answer.content)
    assert isinstance(content, dict)
    return content
