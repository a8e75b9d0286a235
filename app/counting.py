"""The counters of the rate limits: in the memory of this process, or in a Redis that several processes share."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from limits.aio.storage import MemoryStorage
from limits.errors import StorageError

from access.counters import Counters
from app.settings import IN_MEMORY


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
    from app import counting_in_redis

    counters, pool = counting_in_redis.connect(url)
    return Opened(counters, pool.aclose)


async def _nothing_to_close() -> None:
    pass


async def check_counters(url: str) -> None:
    """Counts once in a Redis, as a request does. Raises `CountersUnusable`."""
    from app import counting_in_redis

    opened = open_counters(url)
    try:
        await opened.counters.incr("billing:doctor", 1)
    except StorageError as problem:
        raise CountersUnusable(*counting_in_redis.told(problem.storage_error)) from None
    finally:
        await opened.close()


def address_of(url: str) -> str:
    """host:port/database, without the password."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or 6379}/{parts.path.strip('/') or 0}"
