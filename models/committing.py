"""What is to be written last in a transaction, and what is to be told once it stands."""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar

_current: ContextVar["AfterCommit | None"] = ContextVar("after_commit", default=None)


def after_commit(tell: Callable[[], None]) -> None:
    """Within a transaction, when it is committed; without one, at once. `tell` must not fail."""
    current = _current.get()
    if current is None:
        tell()
    else:
        current.waiting.append(tell)


async def before_commit(write: Callable[[], Awaitable[None]]) -> None:
    """Within a transaction, as the last thing in it, when all else is written; without one, at once."""
    current = _current.get()
    if current is None:
        await write()
    else:
        current.last.append(write)


class AfterCommit:
    """What waits for one transaction, from its beginning in this task to its end."""

    def __init__(self) -> None:
        self.last: list[Callable[[], Awaitable[None]]] = []
        self.waiting: list[Callable[[], None]] = []
        self._token = _current.set(self)

    async def write_last(self) -> None:
        for write in self.last:
            await write()

    def end(self, *, committed: bool) -> None:
        _current.reset(self._token)
        if committed:
            for tell in self.waiting:
                tell()
