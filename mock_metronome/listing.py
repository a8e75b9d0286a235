"""`?limit=&offset=` and filters by equality: `{"data": [...], "total": n}`, oldest first."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from mock_kit.fields import Fields

LONGEST_PAGE = 100

Thing = TypeVar("Thing")


def read_page(fields: Fields) -> tuple[int, int]:
    """Limit and offset."""
    limit = _number(fields, "limit", default=LONGEST_PAGE, least=1, most=LONGEST_PAGE)
    return limit, _number(fields, "offset", default=0, least=0, most=10**9)


def listing(
    fields: Fields, things: Iterable[Thing], *, filters: Iterable[str], report: Callable[[Thing], dict[str, object]]
) -> dict[str, object]:
    """Filters are named as the attributes they compare."""
    limit, offset = read_page(fields)
    wanted = {name: value for name in filters if (value := fields.optional_text(name)) is not None}
    fields.finish()
    found = [thing for thing in things if all(getattr(thing, name) == value for name, value in wanted.items())]
    return {"data": [report(thing) for thing in found[offset : offset + limit]], "total": len(found)}


def _number(fields: Fields, name: str, *, default: int, least: int, most: int) -> int:
    text = fields.optional_text(name, longest=12)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and least <= int(text) <= most):
        raise fields.invalid(name, f"must be a number from {least} to {most}")
    return int(text)
