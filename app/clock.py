from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self


def system_now() -> datetime:
    """The one place where the service reads the time."""
    return datetime.now(UTC)


class SandboxClock:
    """Runs with the real clock, as far ahead of it as the clocks of the providers' mocks."""

    def __init__(self) -> None:
        self._ahead = timedelta(0)

    def now(self) -> datetime:
        return system_now() + self._ahead

    @property
    def ahead(self) -> timedelta:
        return self._ahead

    def advance_to(self, moment: datetime) -> None:
        """Never back."""
        self.set_ahead(moment - system_now())

    def set_ahead(self, ahead: timedelta) -> None:
        self._ahead = max(self._ahead, ahead)


@dataclass(frozen=True, slots=True)
class Time:
    """What a process goes by. In the sandbox the clock behind `now` can be set ahead, with those of the mocks."""

    now: Callable[[], datetime]
    sandbox: SandboxClock | None = None
    credentials: Callable[[], datetime] = system_now
    """What keys and sessions go by: setting the sandbox's clock ahead signs nobody out."""

    @classmethod
    def of(cls, *, sandbox: bool) -> Self:
        clock = SandboxClock() if sandbox else None
        return cls(clock.now if clock else system_now, clock)
