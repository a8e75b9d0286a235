"""RFC 3339 timestamps, in and out, always UTC."""

from datetime import UTC, datetime


def format_moment(moment: datetime) -> str:
    """`2026-02-28T00:00:00Z`; microseconds only where there are some."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def parse_moment(text: str) -> datetime:
    """An aware UTC datetime of the years 1970 to 2199; ValueError for anything else, a missing zone included."""
    moment = datetime.fromisoformat(text)
    if "T" not in text or moment.tzinfo is None or not 1970 <= moment.year < 2200:
        raise ValueError(text)
    return moment.astimezone(UTC)
