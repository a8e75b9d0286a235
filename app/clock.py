from datetime import UTC, datetime


def system_now() -> datetime:
    """The one place where the service reads the time."""
    return datetime.now(UTC)
