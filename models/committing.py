"""What is to be told once something stands: called after the commit, or never."""

from collections.abc import Callable
from contextvars import ContextVar

_current: ContextVar["AfterCommit | None"] = ContextVar("after_commit", default=None)


def after_commit(tell: Callable[[], None]) -> None:
    """Within a transaction, when it is committed; without one, at once. `tell` must not fail."""
    current = _current.get()
    if current is None:
        tell()
    else:
        current.waiting.append(tell)


class AfterCommit:
    """What waits for one transaction, from its beginning in this task to its end."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []
        self._token = _current.set(self)

    def end(self, *, committed: bool) -> None:
        _current.reset(self._token)
        if committed:
            for tell in self.waiting:
                tell()
