"""One remote change: sent at least once, in effect once.

The intent is a row, committed before the call. If the intent already stands when we come here, an earlier try may have
reached the provider: look it up and adopt what is there, else call again with the same idempotency key. The answer and
what it means for our rows are committed together. A new attempt, with a new key, starts only after a definite refusal.

Nothing here relies on running alone. Should two processes ever work on one operation (a worker taken for dead that was
only cut off), both send under the same key, and the first to write the answer down is the only one that does.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from random import SystemRandom
from typing import Generic, Protocol, TypeVar

import structlog
from tortoise.exceptions import IntegrityError
from tortoise.expressions import F
from tortoise.transactions import in_transaction

from integrations.errors import Conflict, Rejected, StoredFailure, Unavailable
from integrations.http import Answered, noting
from models import EffectState, Operation, Provider, ProviderEffect
from operations.activity import record_step
from operations.crashpoints import crashpoint

log = structlog.get_logger()

FIRST_WAIT_SECONDS = 0.2
LONGEST_WAIT_SECONDS = 30.0
STORED_FAILURE = "stored_failure"
TOO_LATE = "too_late"
"""The code of a refusal of our own: what was not there when its time was over is not sent any more."""

_random = SystemRandom()


class ProviderObject(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=ProviderObject)


async def nothing_more(_: object) -> None:
    """The answer itself is all there is to write down."""
    return


@dataclass(frozen=True, slots=True)
class Refusal:
    """A definite no, as it was recorded."""

    code: str
    message: str


class _TooLate(Exception):  # noqa: N818  named for what is so, as all our errors
    pass


@dataclass(frozen=True, slots=True)
class Effect(Generic[T]):
    """`settle` and `refuse` write our rows inside the transaction that records the answer, so they run once.

    From `until` on it is only looked up: a provider that was away must not do later what was meant for earlier.
    With `asked_anew`, what was refused the last time is asked again, under a new key. With `doubting`, a refusal counts
    only once the look-up finds nothing: for what must not be done again by whoever believes it.
    """

    step: str
    provider: Provider
    send: Callable[[str], Awaitable[T]]
    look_up: Callable[[datetime], Awaitable[T | None]]  # what is there, if it was made since the given instant
    settle: Callable[[T], Awaitable[None]] = nothing_more
    refuse: Callable[[Rejected], Awaitable[None]] = nothing_more
    until: datetime | None = None
    asked_anew: bool = False
    doubting: bool = False


class CallsInHand:
    """The calls that were sent and whose answers are not written down yet: a stop lets these end first."""

    def __init__(self) -> None:
        self._count = 0
        self._none = asyncio.Event()
        self._none.set()

    @contextlib.contextmanager
    def one(self) -> Iterator[None]:
        self._count += 1
        self._none.clear()
        try:
            yield
        finally:
            self._count -= 1
            if self._count == 0:
                self._none.set()

    async def none_left(self, *, seconds: float) -> bool:
        """False when time ran out first."""
        try:
            async with asyncio.timeout(seconds):
                await self._none.wait()
        except TimeoutError:
            return False
        return True


calls_in_hand = CallsInHand()


async def perform(operation_id: str, effect: Effect[T], now: Callable[[], datetime]) -> Refusal | None:
    """Bring the effect about, however long the provider is away. Returns None when it stands, else the refusal."""
    waits, told = _waits(), False
    row, maybe_sent = await _current(operation_id, effect, now(), anew=effect.asked_anew)
    while row.state is EffectState.INTENDED:
        wait_seconds = 0.0
        try:
            with calls_in_hand.one():
                await _settle(row, effect, await _reach(effect, row, now, maybe_sent=maybe_sent), now())
        except _TooLate:
            message = "It could not be sent in time."
            await _refuse(row, effect, code=TOO_LATE, message=message, rejected=None, at=now())
        except StoredFailure as failure:
            await _refuse(row, effect, code=STORED_FAILURE, message=str(failure), rejected=None, at=now())
            wait_seconds = next(waits)
        except Unavailable as problem:
            await _still_waiting(row, problem, again=told, at=now())
            told = True
            wait_seconds = max(next(waits), problem.retry_after_seconds or 0)
        except Rejected as rejected:
            await _refuse(row, effect, code=rejected.code, message=rejected.message, rejected=rejected, at=now())
        await asyncio.sleep(wait_seconds)
        row, maybe_sent = await _current(operation_id, effect, now())
    crashpoint(f"{effect.step}.after_commit")
    if _is_refused(row):
        return Refusal(code=row.error_code or "refused", message=row.error_message or "")
    return None


async def _current(
    operation_id: str, effect: Effect[T], at: datetime, *, anew: bool = False
) -> tuple[ProviderEffect, bool]:
    """The attempt to work on, made if there is none, and whether somebody may already have sent it.

    A stored failure is the only refusal that is followed by another attempt unasked: it was found to have changed
    nothing, and its key is of no more use.
    """
    latest = await _latest(operation_id, effect.step)
    if latest is not None and not (_is_refused(latest) and (anew or latest.error_code == STORED_FAILURE)):
        return latest, True
    attempt = latest.attempt + 1 if latest else 1
    try:
        return await _intend(operation_id, effect, attempt, at), False
    except IntegrityError:  # somebody else's run of this operation was faster
        return await ProviderEffect.get(operation_id=operation_id, step=effect.step, attempt=attempt), True


def _is_refused(row: ProviderEffect) -> bool:
    return row.state is EffectState.REFUSED


async def _latest(operation_id: str, step: str) -> ProviderEffect | None:
    return await ProviderEffect.filter(operation_id=operation_id, step=step).order_by("-attempt").first()


async def _intend(operation_id: str, effect: Effect[T], attempt: int, at: datetime) -> ProviderEffect:
    return await ProviderEffect.create(
        operation_id=operation_id,
        step=effect.step,
        attempt=attempt,
        provider=effect.provider,
        state=EffectState.INTENDED,
        idempotency_key=f"{operation_id}:{effect.step}:{attempt}",
        sends=1,
        first_sent_at=at,
    )


async def _reach(effect: Effect[T], row: ProviderEffect, now: Callable[[], datetime], *, maybe_sent: bool) -> T:
    if maybe_sent and (adopted := await _look_up(effect, row)) is not None:
        return adopted
    if effect.until is not None and now() >= effect.until:
        raise _TooLate
    if maybe_sent:
        await ProviderEffect.filter(id=row.id).update(sends=F("sends") + 1)
    crashpoint(f"{effect.step}.before_call")
    try:
        result = await _send(effect, row)
    except (Rejected, StoredFailure) as refusal:
        if not (effect.doubting or isinstance(refusal, Conflict | StoredFailure)):
            raise
        # Somebody's earlier call with this name went through, maybe ours.
        if (adopted := await _look_up(effect, row)) is not None:
            return adopted
        if isinstance(refusal, Conflict) and refusal.idempotency_key_reused:
            # What the key was spent on changed nothing, and the provider will not take it again for what we ask now.
            raise StoredFailure(refusal.provider, refusal.action, reason="the key is spent") from refusal
        raise
    crashpoint(f"{effect.step}.after_call")
    return result


async def _send(effect: Effect[T], row: ProviderEffect) -> T:
    """The row learns what the provider calls the request, whatever it answers."""
    answered = Answered()
    try:
        with noting(answered):
            return await effect.send(row.idempotency_key)
    finally:
        row.request_id = answered.request_id or row.request_id


async def _look_up(effect: Effect[T], row: ProviderEffect) -> T | None:
    """What the provider has of it. That it refuses to say tells nothing of what was sent, so it is no refusal."""
    try:
        found = await effect.look_up(row.first_sent_at)
    except Rejected as refusal:
        raise Unavailable(refusal.provider, refusal.action, reason=f"look-up refused: {refusal}") from refusal
    if found is not None:
        crashpoint(f"{effect.step}.found")
    return found


async def _settle(row: ProviderEffect, effect: Effect[T], result: T, at: datetime) -> None:
    async with in_transaction():
        if await _close(row, EffectState.DONE, at, object_id=result.id):
            await effect.settle(result)
            await record_step(row.operation_id, step=row.step, attempt=row.attempt, at=at)
        crashpoint(f"{effect.step}.in_commit")
    log.debug("operation.step_done", operation=row.operation_id, step=row.step, attempt=row.attempt)


async def _refuse(
    row: ProviderEffect, effect: Effect[T], *, code: str, message: str, rejected: Rejected | None, at: datetime
) -> None:
    async with in_transaction():
        closed = await _close(row, EffectState.REFUSED, at, error_code=code[:64], error_message=message[:1000])
        if closed and rejected is not None:
            await effect.refuse(rejected)
        if closed:
            await record_step(row.operation_id, step=row.step, attempt=row.attempt, at=at, refusal_code=code)
        crashpoint(f"{effect.step}.in_commit")
    if closed:
        log.warning("operation.step_refused", operation=row.operation_id, step=row.step, attempt=row.attempt, code=code)


async def _close(row: ProviderEffect, state: EffectState, at: datetime, **facts: str) -> bool:
    """Only one runner closes an attempt, whoever else is still waiting for the same answer."""
    changed = await ProviderEffect.filter(id=row.id, state=EffectState.INTENDED).update(
        state=state, settled_at=at, request_id=row.request_id, **facts
    )
    return changed == 1


async def _still_waiting(row: ProviderEffect, problem: Unavailable, *, again: bool, at: datetime) -> None:
    (log.debug if again else log.warning)(
        "operation.provider_unavailable", operation=row.operation_id, step=row.step, problem=str(problem)
    )
    await ProviderEffect.filter(id=row.id, state=EffectState.INTENDED).update(request_id=row.request_id)
    await Operation.filter(id=row.operation_id).update(last_problem=str(problem)[:1000], updated_at=at)


def _waits() -> Iterator[float]:
    """Seconds to wait before each new try: exponential, with full jitter."""
    longest = FIRST_WAIT_SECONDS
    while True:
        yield _random.uniform(0, longest)
        longest = min(longest * 2, LONGEST_WAIT_SECONDS)
