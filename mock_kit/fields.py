"""Reading a JSON object field by field: every refusal names its field, and a field nobody asked for is one."""

import re
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TypeVar

from mock_kit.moments import parse_moment

LARGEST_INTEGER = 10**15
LONGEST_TEXT = 500
CURRENCY = re.compile(r"[A-Z]{3}")

T = TypeVar("T")


class FieldError(ValueError):
    def __init__(self, field: str | None, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


class Fields:
    """Null counts as absent; `"name" in fields` tells a null from an absence. Call `finish()` last."""

    def __init__(self, content: object, *, inside: str = "") -> None:
        self._inside = inside
        if not isinstance(content, Mapping):
            where = f"`{inside.rstrip('.')}`" if inside else "The body"
            raise FieldError(inside.rstrip(".") or None, f"{where} must be a JSON object.")
        self._content: Mapping[str, object] = content
        self._known: set[str] = set()

    def __contains__(self, name: str) -> bool:
        return name in self._content

    def optional_text(self, name: str, *, longest: int = LONGEST_TEXT, empty: bool = False) -> str | None:
        value = self._take(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise self.invalid(name, "must be a string")
        if len(value) > longest or not (value.strip() or empty):
            raise self.invalid(name, f"must have {0 if empty else 1} to {longest} characters")
        return value

    def text(self, name: str, *, longest: int = LONGEST_TEXT) -> str:
        return self._required(name, self.optional_text(name, longest=longest))

    def optional_choice(self, name: str, choices: Collection[str]) -> str | None:
        value = self.optional_text(name)
        if value is not None and value not in choices:
            raise self.invalid(name, f"must be one of {', '.join(choices)}")
        return value

    def choice(self, name: str, choices: Collection[str]) -> str:
        return self._required(name, self.optional_choice(name, choices))

    def optional_integer(self, name: str, *, least: int = -LARGEST_INTEGER, most: int = LARGEST_INTEGER) -> int | None:
        value = self._take(name)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.invalid(name, "must be an integer")
        if not least <= value <= most:
            raise self.invalid(name, f"must be from {least} to {most}")
        return value

    def integer(self, name: str, *, least: int = -LARGEST_INTEGER, most: int = LARGEST_INTEGER) -> int:
        return self._required(name, self.optional_integer(name, least=least, most=most))

    def optional_currency(self, name: str) -> str | None:
        value = self.optional_text(name)
        if value is not None and not CURRENCY.fullmatch(value):
            raise self.invalid(name, "must be an ISO 4217 code such as USD")
        return value

    def currency(self, name: str) -> str:
        return self._required(name, self.optional_currency(name))

    def optional_flag(self, name: str) -> bool | None:
        value = self._take(name)
        if value is not None and not isinstance(value, bool):
            raise self.invalid(name, "must be true or false")
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        value = self.optional_flag(name)
        return default if value is None else value

    def optional_moment(self, name: str) -> datetime | None:
        value = self.optional_text(name)
        try:
            return None if value is None else parse_moment(value)
        except ValueError:
            raise self.invalid(
                name, "must be an RFC 3339 timestamp of the years 1970 to 2199, such as 2026-01-31T00:00:00Z"
            ) from None

    def moment(self, name: str) -> datetime:
        return self._required(name, self.optional_moment(name))

    def optional_texts(self, name: str) -> dict[str, str | None]:
        """An object of strings and nulls; absent reads as empty."""
        value = self._take(name)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            raise self.invalid(name, "must be an object of strings")
        inner = Fields(value, inside=f"{self._inside}{name}.")
        return {key: inner.optional_text(key, empty=True) for key in value}

    def objects(self, name: str, *, least: int = 1, most: int = 100) -> list["Fields"]:
        value = self._required(name, self._take(name))
        if not isinstance(value, list) or not least <= len(value) <= most:
            raise self.invalid(name, f"must be a list of {least} to {most} objects")
        return [Fields(item, inside=f"{self._inside}{name}[{index}].") for index, item in enumerate(value)]

    def optional_pattern(self, name: str) -> re.Pattern[str] | None:
        value = self.optional_text(name)
        try:
            return None if value is None else re.compile(value)
        except re.error as error:
            raise self.invalid(name, f"is not a regular expression: {error}") from None

    def finish(self) -> None:
        for name in self._content:
            if name not in self._known:
                raise self.invalid(name, "is not a known field")

    def invalid(self, name: str, problem: str) -> FieldError:
        return FieldError(f"{self._inside}{name}", f"`{self._inside}{name}` {problem}.")

    def _take(self, name: str) -> object:
        self._known.add(name)
        return self._content.get(name)

    def _required(self, name: str, value: T | None) -> T:
        if value is None:
            raise self.invalid(name, "is required")
        return value
