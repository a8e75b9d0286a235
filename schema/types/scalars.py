"""Scalars that GraphQL does not have: whole numbers past 32 bits, and instants that always end in Z."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import NewType

import strawberry
from graphql import GraphQLError
from strawberry.scalars import JSON
from strawberry.types.scalar import ScalarDefinition

BigInt = NewType("BigInt", int)

# Beyond this a JavaScript number is no longer exact.
MAX_SAFE_INTEGER = 2**53 - 1


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise GraphQLError(f"BigInt must be a whole number, not {str(value)[:40]!r}")
    if abs(value) > MAX_SAFE_INTEGER:
        raise GraphQLError(f"BigInt must lie between -{MAX_SAFE_INTEGER} and {MAX_SAFE_INTEGER}")
    return value


def _instant(value: object) -> datetime:
    try:
        parsed = datetime.fromisoformat(str(value))
        if parsed.tzinfo is not None:
            return parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        raise GraphQLError(f"DateTime must be ISO 8601, not {str(value)[:40]!r}") from None
    raise GraphQLError("DateTime must carry its offset, as in 2026-01-31T00:00:00Z")


def _day(value: object) -> date:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise GraphQLError(f"Date must be ISO 8601, as in 2026-01-31, not {str(value)[:40]!r}") from None


def iso(instant: datetime) -> str:
    """As the API writes instants: UTC, with a Z."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


SCALARS: Mapping[object, ScalarDefinition] = {
    BigInt: strawberry.scalar(
        name="BigInt",
        description=f"A whole number, above or below zero, of at most {MAX_SAFE_INTEGER}, sent as a JSON number.",
        serialize=_whole,
        parse_value=_whole,
    ),
    datetime: strawberry.scalar(
        name="DateTime",
        description="An instant in UTC, ISO 8601: `2026-01-31T09:30:00Z`.",
        serialize=iso,
        parse_value=_instant,
    ),
    date: strawberry.scalar(
        name="Date",
        description="A day in UTC, ISO 8601: `2026-01-31`.",
        serialize=date.isoformat,
        parse_value=_day,
    ),
}

__all__ = ["JSON", "MAX_SAFE_INTEGER", "SCALARS", "BigInt", "iso"]
