"""The counters of the rate limits: in the memory of this process, or in a Redis that several processes share."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from limits.aio.storage import MemoryStorage, RedisStorage
from limits.errors import StorageError
from redis import exceptions as redis
from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from access.counters import Counters
from app.settings import IN_MEMORY

ANSWER_SECONDS = 0.5
"""A Redis that takes longer for one command counts as away: every request waits for it."""


class CountersUnusable(Exception):  # noqa: N818  named for what is wrong, as all our errors
    """One line for the operator, and what to do; neither holds a password."""

    def __init__(self, found: str, advice: str) -> None:
        super().__init__(found)
        self.advice = advice


@dataclass(frozen=True, slots=True)
class Opened:
    counters: Counters
    close: Callable[[], Awaitable[None]]


def open_counters(url: str) -> Opened:
    """Connects to Redis only when it is first asked, and again after every loss."""
    if url == IN_MEMORY:
        return Opened(MemoryStorage(), _nothing_to_close)
    # Once again at once: after a restart of Redis the pool is full of connections that are dead.
    retry = Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
    pool = ConnectionPool.from_url(
        url, retry=retry, socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS
    )
    options: dict[str, Any] = {"implementation": "redispy", "connection_pool": pool}
    return Opened(RedisStorage(f"async+{url}", wrap_exceptions=True, **options), pool.aclose)


async def _nothing_to_close() -> None:
    pass


async def check_counters(url: str) -> None:
    """Counts once, as a request does. Raises `CountersUnusable`."""
    opened = open_counters(url)
    try:
        await opened.counters.incr("billing:doctor", 1)
    except StorageError as problem:
        raise CountersUnusable(*_told(problem.storage_error)) from None
    finally:
        await opened.close()


def _told(problem: Exception) -> tuple[str, str]:
    if isinstance(problem, redis.AuthenticationError | redis.NoPermissionError):
        advice = "correct RATE_LIMIT_STORAGE; the user needs GET, EVALSHA and SCRIPT LOAD"
        return "it refuses our user or password", advice
    if isinstance(problem, redis.ConnectionError | redis.TimeoutError):
        return "it does not answer", "start it, or correct RATE_LIMIT_STORAGE"
    return str(problem)[:200], "mend what it says, or correct RATE_LIMIT_STORAGE"


def address_of(url: str) -> str:
    """host:port/database, without the password."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or 6379}/{parts.path.strip('/') or 0}"
