"""The counters of the rate limits in a Redis that several processes share.

Imported only where there is one: redis brings OpenTelemetry along, wherever that is installed.
"""

from typing import Any

from limits.aio.storage import RedisStorage
from redis import exceptions as redis
from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

ANSWER_SECONDS = 0.5
"""A Redis that takes longer for one command counts as away: every request waits for it."""


def connect(url: str) -> tuple[RedisStorage, ConnectionPool]:
    """Only when it is first asked, and again after every loss."""
    # Once again at once: after a restart of Redis the pool is full of connections that are dead.
    retry = Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
    pool = ConnectionPool.from_url(
        url, retry=retry, socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS
    )
    options: dict[str, Any] = {"implementation": "redispy", "connection_pool": pool}
    return RedisStorage(f"async+{url}", wrap_exceptions=True, **options), pool


def told(problem: Exception) -> tuple[str, str]:
    """What is wrong, and what to do about it."""
    if isinstance(problem, redis.AuthenticationError | redis.NoPermissionError):
        advice = "correct RATE_LIMIT_STORAGE; the user needs GET, EVALSHA and SCRIPT LOAD"
        return "it refuses our user or password", advice
    if isinstance(problem, redis.ConnectionError | redis.TimeoutError):
        return "it does not answer", "start it, or correct RATE_LIMIT_STORAGE"
    return str(problem)[:200], "mend what it says, or correct RATE_LIMIT_STORAGE"
