"""The ASGI application around a provider: reads requests, keeps the journal, plays faults, honours idempotency keys."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, MutableMapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, Protocol

from mock_kit.clock import Clock, ClockState
from mock_kit.control import Control, ControlHandler
from mock_kit.faults import AnswerWithheld, ConnectionDropped, Fault, Faults
from mock_kit.idempotency import Claim, Idempotency, Repeated
from mock_kit.ids import Ids
from mock_kit.journal import Entry, Journal
from mock_kit.keeper import Keeper
from mock_kit.messages import Answer, Request
from mock_kit.state_file import StateFile
from mock_kit.webhooks import Webhooks, WebhooksState

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

LONGEST_BODY_BYTES = 1024 * 1024
LONGEST_READ_BYTES = 16 * 1024 * 1024  # read on a little past the limit, so that the client can read the 413
TICK_SECONDS = 1.0
LOST = "The answer was lost on purpose."


class Provider(Protocol):
    """What a provider's sandbox has to be. Nothing here waits, so every request is atomic."""

    def admit(self, request: Request) -> Answer | None:
        """A refusal that comes before idempotency keys (401, 403, 429), or None."""

    def handle(self, request: Request) -> Answer: ...

    def refuse(self, status: int, message: str) -> Answer:
        """An error in the provider's own shape, for a body too large (413) or a fault."""

    def catch_up(self) -> bool:
        """Do what is due by the clock. Called before every request, after every move of the clock, and each second.

        False: nothing was.
        """

    def counts(self) -> Mapping[str, int]: ...

    def objects(self) -> Mapping[str, Sequence[object]]:
        """What is counted, each with a `repr` of all that it holds."""

    def reset(self) -> None: ...

    def state(self) -> object:
        """All that must outlive the process, as one value that can be pickled; its class must not change."""

    def restore(self, state: object) -> None:
        """Go on from what `state` gave, perhaps in another process."""


@dataclass(frozen=True, slots=True)
class SandboxState:
    clock: ClockState
    claims: list[Claim]
    webhooks: WebhooksState
    provider: object


class Sandbox:
    def __init__(
        self,
        provider: Provider,
        *,
        clock: Clock,
        webhooks: Webhooks,
        idempotency: Idempotency,
        journal: Journal | None = None,
        control: Mapping[tuple[str, str], ControlHandler] | None = None,
    ) -> None:
        """`control`: the provider's own routes under /_mock/, e.g. `("POST", "/_mock/usage")`."""
        self._provider = provider
        self._webhooks = webhooks
        self._clock = clock
        self._idempotency = idempotency
        self._journal = journal or Journal()
        self._faults = Faults()
        self._running: set[asyncio.Task[Answer]] = set()
        self._changes = 0
        self._keeper: Keeper | None = None
        self._control = Control(
            provider=provider,
            clock=clock,
            webhooks=webhooks,
            idempotency=idempotency,
            journal=self._journal,
            faults=self._faults,
            ids=Ids(),
            extra=control or {},
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    def keep_in(self, path: Path, *, name: str) -> None:
        """Go on from what is in the file, and keep it current while the lifespan lasts. Raises StateUnusable."""
        file = StateFile(path, name=name, classes=(SandboxState, type(self._provider.state())))
        recalled = file.open()
        if isinstance(recalled, SandboxState):
            self._clock.restore(recalled.clock)
            self._idempotency.restore(recalled.claims)
            self._webhooks.restore(recalled.webhooks)
            self._provider.restore(recalled.provider)
        self._keeper = Keeper(file, state=self._state, revision=lambda: self._changes + self._webhooks.revision)

    def _state(self) -> SandboxState:
        return SandboxState(
            clock=self._clock.state,
            claims=self._idempotency.state,
            webhooks=self._webhooks.state,
            provider=self._provider.state(),
        )

    async def aclose(self) -> None:
        """Stop delivering; for use without a lifespan."""
        await self._webhooks.aclose()

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._webhooks.start()
        ticking = asyncio.create_task(self._tick())
        if self._keeper:
            self._keeper.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        ticking.cancel()
        if self._keeper:
            await self._keeper.stop()  # before the couriers forget what they still carry
        await self.aclose()
        await send({"type": "lifespan.shutdown.complete"})

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self._catch_up()

    def _catch_up(self) -> None:
        if self._provider.catch_up():
            self._changes += 1

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            request = await _read(scope, receive)
        except DisconnectError:
            return
        if request is None:
            too_large = self._provider.refuse(413, f"A body has at most {LONGEST_BODY_BYTES} bytes.")
            await _send(send, too_large.with_headers(("connection", "close")))
            return
        self._catch_up()
        if request.path.startswith("/_mock/"):
            await _send(send, await self._steer(request))
            return
        entry = self._journal.open(request, at=self._clock.now())
        fault = self._faults.strike(request)
        entry.fault = fault.kind.value if fault else None
        answer = await self._answer(request, fault, entry)
        if fault and fault.kind.manner in ("timeout", "drop"):
            await _break_off(fault, receive, send)
        entry.answered(answer)
        await _send(send, answer)

    async def _steer(self, request: Request) -> Answer:
        answer = await self._control(request)
        self._changes += request.method != "GET"
        return answer

    async def _answer(self, request: Request, fault: Fault | None, entry: Entry) -> Answer:
        if fault is None or fault.kind.manner == "delay" or fault.stored:
            return await self._execute(request, fault, entry)
        if fault.kind.before:
            return self._spoil(fault)
        answer = await self._execute(request, None, entry)
        return self._spoil(fault) if fault.kind.answers else answer

    async def _execute(self, request: Request, fault: Fault | None, entry: Entry) -> Answer:
        """Admission, then the idempotency key, then the work, as the provider does it."""
        if refusal := self._provider.admit(request):
            return refusal
        claim = self._idempotency.begin(request)
        if isinstance(claim, Repeated):
            entry.replayed = claim.replayed
            return claim.answer
        if fault and fault.kind.manner == "delay":
            return await self._outlive_the_client(self._perform_late(request, claim, fault))
        return self._perform(request, claim, fault)

    async def _perform_late(self, request: Request, claim: Claim | None, fault: Fault) -> Answer:
        try:
            await asyncio.sleep(fault.hang_seconds)
            self._catch_up()
        except BaseException:
            self._release(claim)
            raise
        return self._perform(request, claim, fault)

    def _perform(self, request: Request, claim: Claim | None, fault: Fault | None) -> Answer:
        try:
            answer = self._work(request, fault)
        except BaseException:
            self._release(claim)
            raise
        self._changes += request.method != "GET"
        if claim:
            self._idempotency.finish(claim, answer)
        return answer

    def _release(self, claim: Claim | None) -> None:
        """The handler failed by a bug; a key held for ever would hide it behind a 409."""
        if claim:
            self._idempotency.abandon(claim)

    def _work(self, request: Request, fault: Fault | None) -> Answer:
        if fault is None or not fault.kind.answers:
            return self._provider.handle(request)
        if not fault.kind.before:
            self._provider.handle(request)
        return self._spoil(fault)

    def _spoil(self, fault: Fault) -> Answer:
        return fault.spoil(self._provider.refuse(fault.status or 500, "An injected fault."))

    async def _outlive_the_client(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        """A server goes on with a request whose client gave up; cancelled in-process callers must not change that."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)


class DisconnectError(Exception):
    """The client closed the connection before its request was complete."""


async def _read(scope: Scope, receive: Receive) -> Request | None:
    """None when the body is too large."""
    body, size, more = bytearray(), 0, True
    while more and size <= LONGEST_READ_BYTES:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise DisconnectError
        chunk = message.get("body", b"")
        size += len(chunk)
        body += chunk[: LONGEST_BODY_BYTES + 1 - len(body)]
        more = message.get("more_body", False)
    if size > LONGEST_BODY_BYTES:
        return None
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    return Request(scope["method"], scope["path"], scope["query_string"].decode("latin-1"), headers, bytes(body))


async def _send(send: Send, answer: Answer) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


async def _break_off(fault: Fault, receive: Receive, send: Send) -> NoReturn:
    """End the connection without a whole answer.

    ASGI has no way to close a connection. A promised length that never comes, then an exception, makes uvicorn do it,
    and httpx.ASGITransport hands the exception, an httpx one, to the client.
    """
    if fault.kind.manner == "timeout":
        await _wait_for_disconnect(receive, at_most_seconds=fault.hang_seconds)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1024")]})
    await send({"type": "http.response.body", "body": b"{", "more_body": True})
    raise AnswerWithheld(LOST) if fault.kind.manner == "timeout" else ConnectionDropped(LOST)


async def _wait_for_disconnect(receive: Receive, *, at_most_seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(at_most_seconds):
            while (await receive())["type"] != "http.disconnect":
                pass
