from datetime import UTC, datetime, timedelta


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
