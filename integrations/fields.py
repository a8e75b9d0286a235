"""Reading JSON from a provider: one object, field by field, each of the type we rely on or a named complaint."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import NoReturn, Self, TypeVar

from billing.money import EXPONENTS

T = TypeVar("T")


class Unreadable(ValueError):  # noqa: N818  named by what happened
    """Names the field and what was expected there; never quotes what was found."""

    def __init__(self, path: str, expected: str) -> None:
        super().__init__(f"{path or 'the body'} is not {expected}")


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError


def read_object(raw: bytes) -> "Fields":
    """A JSON object in strict UTF-8; decimals stay exact, NaN and Infinity are refused."""
    try:
        # bytes would let json guess UTF-16 and UTF-32 too
        value = json.loads(raw.decode(), parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise Unreadable("", "JSON") from None
    return Fields.of(value)


@dataclass(frozen=True, slots=True)
class Fields:
    """One JSON object. `path` says where it stood in the body ("line_items[0]"), for the complaint."""

    values: Mapping[str, object] = field(repr=False)
    path: str = ""

    @classmethod
    def of(cls, value: object, path: str = "") -> Self:
        if not isinstance(value, dict):
            raise Unreadable(path, "an object")
        return cls(value, path)

    def as_json(self) -> str:
        """The object again, its decimals as text."""
        return json.dumps(self.values, default=str)

    def text(self, name: str) -> str:
        return self._required(name, str, "text")

    def optional_text(self, name: str) -> str | None:
        return self._optional(name, str, "text")

    def whole(self, name: str) -> int:
        return self._required(name, int, "a whole number")

    def optional_whole(self, name: str) -> int | None:
        return self._optional(name, int, "a whole number")

    def flag(self, name: str) -> bool:
        return self._required(name, bool, "true or false")

    def optional_flag(self, name: str) -> bool | None:
        return self._optional(name, bool, "true or false")

    def choice(self, name: str, parse: Callable[[str], T]) -> T:
        """The text run through an enum, or anything else that answers ValueError to a value it does not know."""
        text = self.text(name)
        try:
            return parse(text)
        except ValueError:
            raise Unreadable(self._at(name), "a value we know") from None

    def instant(self, name: str) -> datetime:
        """RFC 3339 with an offset, as UTC."""
        return self._instant(name, self.text(name))

    def optional_instant(self, name: str) -> datetime | None:
        text = self.optional_text(name)
        return None if text is None else self._instant(name, text)

    def epoch(self, name: str) -> datetime:
        """Seconds since 1970, as UTC."""
        seconds = self.whole(name)
        try:
            return datetime.fromtimestamp(seconds, UTC)
        except (OverflowError, OSError, ValueError):
            raise Unreadable(self._at(name), "a time in seconds") from None

    def currency(self, name: str) -> str:
        """An ISO 4217 code, in upper case whatever the provider's habit."""
        code = self.text(name).upper()
        if code not in EXPONENTS:
            raise Unreadable(self._at(name), "a currency we know")
        return code

    def child(self, name: str) -> Self:
        return type(self).of(self.values.get(name), self._at(name))

    def optional_child(self, name: str) -> Self | None:
        return None if self.values.get(name) is None else self.child(name)

    def children(self, name: str) -> list[Self]:
        items = self.values.get(name)
        if not isinstance(items, list):
            raise Unreadable(self._at(name), "a list")
        return [type(self).of(item, f"{self._at(name)}[{index}]") for index, item in enumerate(items)]

    def labels(self, name: str) -> dict[str, str]:
        """A flat object of texts, as metadata is; absent counts as empty."""
        labels = self.values.get(name) or {}
        if not isinstance(labels, dict):
            raise Unreadable(self._at(name), "an object of texts")
        if not all(isinstance(value, str) for value in labels.values()):
            raise Unreadable(self._at(name), "an object of texts")
        return dict(labels)

    def reference(self, name: str) -> str | None:
        """The id of another object, which a provider may send as the id or as the object itself."""
        value = self.values.get(name)
        return self.child(name).text("id") if isinstance(value, dict) else self.optional_text(name)

    def _at(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def _optional(self, name: str, kind: type[T], expected: str) -> T | None:
        value = self.values.get(name)
        if value is None:
            return None
        # JSON true is an int to Python
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise Unreadable(self._at(name), expected)
        return value

    def _required(self, name: str, kind: type[T], expected: str) -> T:
        value = self._optional(name, kind, expected)
        if value is None:
            raise Unreadable(self._at(name), expected)
        return value

    def _instant(self, name: str, text: str) -> datetime:
        try:
            instant = datetime.fromisoformat(text)
        except ValueError:
            raise Unreadable(self._at(name), "a time") from None
        if instant.tzinfo is None:
            raise Unreadable(self._at(name), "a time with an offset")
        try:
            return instant.astimezone(UTC)
        except OverflowError:  # the first and the last hours of the calendar, elsewhere
            raise Unreadable(self._at(name), "a time") from None
