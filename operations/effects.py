"""One remote change: sent at least once, in effect once.

The intent is a row, committed before the call. If the intent already stands when we come here, an earlier try may have
reached the provider: look it up and adopt what is there, else call again with the same idempotency key. The answer and
what it means for our rows are committed together. A new attempt, with a new key, starts only after a definite refusal.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from random import SystemRandom
from typing import Generic, Protocol, TypeVar

import structlog
from tortoise.expressions import F
from tortoise.transactions import in_transaction

from integrations.errors import Conflict, Rejected, StoredFailure, Unavailable
from models import EffectState, Operation, Provider, ProviderEffect
from operations.crashpoints import crashpoint

log = structlog.get_logger()

FIRST_WAIT_SECONDS = 0.2
LONGEST_WAIT_SECONDS = 30.0
STORED_FAILURE = "stored_failure"

_random = SystemRandom()


class ProviderObject(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=ProviderObject)


async def _nothing(_: Rejected) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A definite no, as it was recorded."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Effect(Generic[T]):
    """`settle` and `refuse` write our rows inside the transaction that records the answer, so they run once."""

    step: str
    provider: Provider
    send: Callable[[str], Awaitable[T]]
    look_up: Callable[[datetime], Awaitable[T | None]]  # what is there, if it was made since the given instant
    settle: Callable[[T], Awaitable[None]]
    refuse: Callable[[Rejected], Awaitable[None]] = _nothing


async def perform(operation_id: str, effect: Effect[T], now: Callable[[], datetime]) -> Refusal | None:
    """Bring the effect about, however long the provider is away. Returns None when it stands, else the refusal."""
    row, maybe_sent = await _intend(operation_id, effect, now())
    waits = _waits()
    while row.state is EffectState.INTENDED:
        try:
            await _settle(row, effect, await _reach(effect, row, maybe_sent=maybe_sent), now())
        except StoredFailure as failure:
            await _refuse(row, effect, code=STORED_FAILURE, message=str(failure), rejected=None, at=now())
            row, maybe_sent = await _next_attempt(row, now()), False
            await asyncio.sleep(next(waits))
            continue
        except Unavailable as problem:
            await _still_waiting(operation_id, problem, now())
            await asyncio.sleep(max(next(waits), problem.retry_after_seconds or 0))
            maybe_sent = True
            continue
        except Rejected as rejected:
            await _refuse(row, effect, code=rejected.code, message=rejected.message, rejected=rejected, at=now())
        row = await ProviderEffect.get(id=row.id)
    crashpoint(f"{effect.step}.after_commit")
    if row.state is EffectState.REFUSED:
        return Refusal(code=row.error_code or "refused", message=row.error_message or "")
    return None


async def _intend(operation_id: str, effect: Effect[T], at: datetime) -> tuple[ProviderEffect, bool]:
    """The latest attempt's row, and whether an earlier run may already have sent it."""
    latest = await ProviderEffect.filter(operation_id=operation_id, step=effect.step).order_by("-attempt").first()
    if latest is None:
        return await _new_attempt(operation_id, effect.step, effect.provider, attempt=1, at=at), False
    if latest.state is EffectState.REFUSED and latest.error_code == "stored_failure":
        return await _next_attempt(latest, at), False
    return latest, True


async def _next_attempt(row: ProviderEffect, at: datetime) -> ProviderEffect:
    return await _new_attempt(row.operation_id, row.step, row.provider, attempt=row.attempt + 1, at=at)


async def _new_attempt(operation_id: str, step: str, provider: str, *, attempt: int, at: datetime) -> ProviderEffect:
    row = await ProviderEffect.create(
        operation_id=operation_id,
        step=step,
        attempt=attempt,
        provider=provider,
        state=EffectState.INTENDED,
        idempotency_key=f"{operation_id}:{step}:{attempt}",
        sends=1,
        first_sent_at=at,
    )
    crashpoint(f"{step}.before_call")
    return row


async def _reach(effect: Effect[T], row: ProviderEffect, *, maybe_sent: bool) -> T:
    if maybe_sent:
        if (adopted := await effect.look_up(row.first_sent_at)) is not None:
            return adopted
        await ProviderEffect.filter(id=row.id).update(sends=F("sends") + 1)
    try:
        result = await effect.send(row.idempotency_key)
    except (Conflict, StoredFailure):
        # Somebody's earlier call with this name went through, maybe ours.
        if (adopted := await effect.look_up(row.first_sent_at)) is None:
            raise
        return adopted
    crashpoint(f"{effect.step}.after_call")
    return result


async def _settle(row: ProviderEffect, effect: Effect[T], result: T, at: datetime) -> None:
    async with in_transaction():
        if await _close(row, EffectState.DONE, at, object_id=result.id):
            await effect.settle(result)
    log.info("operation.step_done", operation=row.operation_id, step=row.step, attempt=row.attempt, sends=row.sends)


async def _refuse(
    row: ProviderEffect, effect: Effect[T], *, code: str, message: str, rejected: Rejected | None, at: datetime
) -> None:
    async with in_transaction():
        closed = await _close(row, EffectState.REFUSED, at, error_code=code[:64], error_message=message[:1000])
        if closed and rejected is not None:
            await effect.refuse(rejected)
    log.warning("operation.step_refused", operation=row.operation_id, step=row.step, attempt=row.attempt, code=code)


async def _close(row: ProviderEffect, state: EffectState, at: datetime, **facts: str) -> bool:
    """Only one runner closes an attempt, whoever else is still waiting for the same answer."""
    changed = await ProviderEffect.filter(id=row.id, state=EffectState.INTENDED).update(
        state=state, settled_at=at, **facts
    )
    return changed == 1


async def _still_waiting(operation_id: str, problem: Unavailable, at: datetime) -> None:
    log.warning("operation.provider_unavailable", operation=operation_id, problem=str(problem))
    await Operation.filter(id=operation_id).update(last_problem=str(problem)[:1000], updated_at=at)


def _waits() -> Iterator[float]:
    """Seconds to wait before each new try: exponential, with full jitter."""
    longest = FIRST_WAIT_SECONDS
    while True:
        yield _random.uniform(0, longest)
        longest = min(longest * 2, LONGEST_WAIT_SECONDS)
