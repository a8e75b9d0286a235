"""When a Metronome call is tried again, and after how long."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from integrations.errors import CredentialsRefused, StoredFailure, Unavailable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Retries:
    """Exponential backoff with full jitter; a call asked to wait longer than `patience_seconds` fails at once."""

    attempts: int = 3
    first_seconds: float = 0.25
    patience_seconds: float = 5.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Callable[[], float] = random.random

    async def run(self, call: Callable[[], Awaitable[T]]) -> T:
        """Only for calls that are safe to repeat: reads, and writes that carry an idempotency key."""
        for failures in range(1, self.attempts):
            try:
                return await call()
            except (CredentialsRefused, StoredFailure):
                raise
            except Unavailable as error:
                asked_seconds = error.retry_after_seconds or 0.0
                if asked_seconds > self.patience_seconds:
                    raise
            await self.sleep(max(asked_seconds, self._jittered_seconds(failures)))
        return await call()

    def _jittered_seconds(self, failures: int) -> float:
        longest_seconds: float = self.first_seconds * 2 ** (failures - 1)
        return self.random() * min(self.patience_seconds, longest_seconds)
