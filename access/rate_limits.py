"""How much may be asked for in a while: by each key, each customer's token, each address, counted in cost.

`limits` keeps the counters, in memory or in Redis, and reads how a limit is written. The window slides: what was asked
for in the one before counts for the share of it that still lies within. It goes by the clock we are handed.
"""

import ipaddress
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from limits import RateLimitItem

from access.callers import Caller
from access.counters import Counters, Counting


@dataclass(frozen=True, slots=True)
class Limits:
    key: RateLimitItem
    customer: RateLimitItem
    address: RateLimitItem
    failures: RateLimitItem


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of a limit; `retry_seconds` is above zero when it was too little."""

    limit: int
    window_seconds: int
    remaining: int
    reset_seconds: int
    retry_seconds: int = 0

    @property
    def headers(self) -> dict[str, str]:
        found = {
            "ratelimit-policy": f"{self.limit};w={self.window_seconds}",
            "ratelimit-limit": str(self.limit),
            "ratelimit-remaining": str(self.remaining),
            "ratelimit-reset": str(self.reset_seconds),
        }
        return found | ({"retry-after": str(self.retry_seconds)} if self.retry_seconds else {})


class LimitReached(Exception):  # noqa: N818  named for what happened, as all our errors
    def __init__(self, allowance: Allowance) -> None:
        super().__init__(f"Too much in too short a time: try again in {allowance.retry_seconds} seconds.")
        self.allowance = allowance


class RateLimits:
    def __init__(self, counting: Counting, limits: Limits, now: Callable[[], datetime]) -> None:
        self._counting = counting
        self._limits = limits
        self._now = now

    async def charge_address(self, address: str | None) -> Allowance:
        """For one request, before anything is known of who sends it. Raises `LimitReached`."""
        return await self._charge(self._limits.address, f"address:{network_of(address)}", 1)

    async def charge(self, caller: Caller, cost: int) -> Allowance:
        """Raises `LimitReached`. A key's sessions count as the key; a customer's tokens as the customer."""
        if caller.customer is not None:
            return await self._charge(self._limits.customer, f"customer:{caller.customer.id}", cost)
        return await self._charge(self._limits.key, f"key:{caller.key_id}", cost)

    async def charge_failure(self, address: str | None) -> None:
        """For credentials that were not good. Raises `LimitReached`; good ones from there are let in all the same."""
        await self._charge(self._limits.failures, f"failures:{network_of(address)}", 1)

    async def _charge(self, limit: RateLimitItem, name: str, cost: int) -> Allowance:
        allowance = await self._counting.run(lambda counters: self._count(counters, limit, name, cost))
        if allowance.retry_seconds:
            raise LimitReached(allowance)
        return allowance

    async def _count(self, counters: Counters, limit: RateLimitItem, name: str, cost: int) -> Allowance:
        seconds = limit.get_expiry()
        window, elapsed = divmod(self._now().timestamp(), seconds)
        before = await counters.get(_key(name, seconds, window - 1))
        key = _key(name, seconds, window)
        present = await counters.incr(key, 2 * seconds, cost)
        used = present + before * (1 - elapsed / seconds)
        left = math.floor(limit.amount - used)
        reset_seconds = math.ceil(seconds - elapsed)
        if left >= 0:
            return Allowance(limit.amount, seconds, left, reset_seconds)
        present = await counters.incr(key, 2 * seconds, -cost)
        room = max(limit.amount - cost, 0)
        retry_seconds = _until(room, before=before, present=present, elapsed=elapsed, seconds=seconds)
        return Allowance(limit.amount, seconds, max(left + cost, 0), reset_seconds, retry_seconds)


def _key(name: str, seconds: int, window: float) -> str:
    return f"billing:{name}:{seconds}:{window:.0f}"


def _until(room: int, *, before: int, present: int, elapsed: float, seconds: int) -> int:
    """In how many whole seconds no more than `room` will be taken, if nothing is asked for meanwhile."""
    if present <= room:
        wait = seconds * (1 - (room - present) / before) - elapsed if before else 0.0
    else:
        wait = seconds - elapsed + seconds * (1 - room / present)
    return max(1, math.ceil(wait))


def network_of(address: str | None) -> str:
    """An IPv6 customer has a /64 of addresses to send from."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else str(parsed)
