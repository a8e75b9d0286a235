"""Answers kept under idempotency keys, for 24 hours of mock time."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from mock_kit.clock import Clock
from mock_kit.messages import Answer, Request


@dataclass(frozen=True, slots=True)
class Policy:
    """Where providers differ. An `Answer(keep=False)` is never stored."""

    applies: Callable[[Request], bool]
    mismatch: Callable[[Request], Answer]
    in_flight: Callable[[Request], Answer]
    too_long: Callable[[Request], Answer]
    replay: Callable[[Request, Answer], Answer]
    """What a repeated request gets, made from the stored answer (at least: say that it is a replay)."""
    scope: Callable[[Request], str] = lambda request: ""  # e.g. the API key
    longest_key: int = 255
    lifetime: timedelta = timedelta(hours=24)


@dataclass(slots=True)
class Claim:
    """`answer` is None while the first request runs."""

    slot: tuple[str, str]
    fingerprint: bytes
    expires_at: datetime
    answer: Answer | None = None


@dataclass(frozen=True, slots=True)
class Repeated:
    """The key was seen before, and this is the answer for that."""

    answer: Answer
    replayed: bool


class Idempotency:
    def __init__(self, policy: Policy, *, clock: Clock, capacity: int = 10_000) -> None:
        self._policy = policy
        self._clock = clock
        self._capacity = capacity
        self._claims: dict[tuple[str, str], Claim] = {}

    def begin(self, request: Request) -> Claim | Repeated | None:
        """None: no key is involved. A claim must be handed to `finish` or `abandon`."""
        key = request.idempotency_key
        if not key or not self._policy.applies(request):
            return None
        if len(key) > self._policy.longest_key:
            return Repeated(self._policy.too_long(request), replayed=False)
        slot = (self._policy.scope(request), key)
        known = self._claims.get(slot)
        if known is None or known.expires_at <= self._clock.now():
            return self._claim(slot, request)
        return self._repeat(known, request)

    def finish(self, claim: Claim, answer: Answer) -> None:
        if answer.keep:
            claim.answer = answer
        else:
            self.abandon(claim)

    def abandon(self, claim: Claim) -> None:
        """Execution never began: the key is free again."""
        if self._claims.get(claim.slot) is claim:
            del self._claims[claim.slot]

    def clear(self) -> None:
        self._claims.clear()

    @property
    def state(self) -> list[Claim]:
        """Without what is under way: that had no effect yet, and will have none if this is read again."""
        return [claim for claim in self._claims.values() if claim.answer]

    def restore(self, claims: list[Claim]) -> None:
        self._claims = {claim.slot: claim for claim in claims}

    def _claim(self, slot: tuple[str, str], request: Request) -> Claim:
        self._claims.pop(slot, None)
        self._make_room()
        claim = Claim(slot, _fingerprint(request), self._clock.now() + self._policy.lifetime)
        self._claims[slot] = claim
        return claim

    def _repeat(self, known: Claim, request: Request) -> Repeated:
        if known.fingerprint != _fingerprint(request):
            return Repeated(self._policy.mismatch(request), replayed=False)
        if known.answer is None:
            return Repeated(self._policy.in_flight(request), replayed=False)
        return Repeated(self._policy.replay(request, known.answer), replayed=True)

    def _make_room(self) -> None:
        """Forget the oldest; insertion order is age."""
        while len(self._claims) >= self._capacity:
            del self._claims[next(iter(self._claims))]


def _fingerprint(request: Request) -> bytes:
    parts = (request.method.encode(), request.path.encode(), request.query.encode(), request.body)
    return hashlib.sha256(b"\0".join(parts)).digest()
