"""RFC 3339 timestamps, in and out, always UTC."""

from datetime import UTC, datetime


def format_moment(moment: datetime) -> str:
    """`2026-02-28T00:00:00Z`; microseconds only where there are some."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def parse_moment(text: str) -> datetime:
    """An aware UTC datetime; ValueError for anything else, a timestamp without a zone included."""
    if "T" not in text:
        raise ValueError(text)
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # year 1 or 9999 with an offset
        raise ValueError(text) from None
