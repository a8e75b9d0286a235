"""A clock that runs with the real one, can be set forward and stopped, and never goes back."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mock_kit.moments import format_moment

LATEST = datetime(2200, 1, 1, tzinfo=UTC)
LONGEST_STEP = timedelta(days=10 * 366)  # a longer leap is a typing mistake that would cost minutes of engine work


class ClockError(ValueError):
    """The clock was asked for something a clock does not do."""


@dataclass(frozen=True, slots=True)
class ClockState:
    offset: timedelta
    frozen_at: datetime | None


class Clock:
    """Mock time = real time + offset, or the instant at which it was frozen."""

    def __init__(
        self,
        *,
        start: datetime | None = None,
        frozen: bool = False,
        real: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._real = real
        self._offset = start - real() if start else timedelta(0)
        self._frozen_at = start or real() if frozen else None

    def now(self) -> datetime:
        return self._frozen_at or self._real() + self._offset

    @property
    def offset(self) -> timedelta:
        return self.now() - self._real()

    @property
    def frozen(self) -> bool:
        return self._frozen_at is not None

    def advance(self, step: timedelta) -> None:
        now = self.now()
        if step < timedelta(0):
            raise ClockError(f"Time never goes back; it is {format_moment(now)}.")
        if step > LONGEST_STEP or now + step > LATEST:
            raise ClockError("A step is at most ten years, and the clock ends with the year 2199.")
        if self._frozen_at:
            self._frozen_at += step
        else:
            self._offset += step

    def advance_to(self, moment: datetime) -> None:
        self.advance(moment - self.now())

    def freeze(self) -> None:
        self._frozen_at = self.now()

    def unfreeze(self) -> None:
        """Run on from the instant at which it stood."""
        if self._frozen_at:
            self._offset = self._frozen_at - self._real()
            self._frozen_at = None

    @property
    def state(self) -> ClockState:
        return ClockState(self._offset, self._frozen_at)

    def restore(self, state: ClockState) -> None:
        self._offset, self._frozen_at = state.offset, state.frozen_at

    def reset(self) -> None:
        """Back to real time."""
        self._offset, self._frozen_at = timedelta(0), None
