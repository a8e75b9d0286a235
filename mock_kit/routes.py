"""Method and path to handler; the first route that fits wins."""

import re
from dataclasses import dataclass
from typing import Generic, TypeVar

Handler = TypeVar("Handler")


@dataclass(frozen=True, slots=True)
class Match(Generic[Handler]):
    handler: Handler
    names: dict[str, str]


@dataclass(frozen=True, slots=True)
class WrongMethod:
    allowed: tuple[str, ...]


class Routes(Generic[Handler]):
    def __init__(self) -> None:
        self._routes: list[tuple[str, re.Pattern[str], Handler]] = []

    def add(self, method: str, path: str, handler: Handler) -> None:
        """`path` may name segments: `/customers/{customer_id}`."""
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(path))
        self._routes.append((method, re.compile(pattern), handler))

    def find(self, method: str, path: str) -> Match[Handler] | WrongMethod | None:
        fitting = [(verb, found, handler) for verb, known, handler in self._routes if (found := known.fullmatch(path))]
        for verb, found, handler in fitting:
            if verb == method:
                return Match(handler, found.groupdict())
        return WrongMethod(tuple(dict.fromkeys(verb for verb, _, _ in fitting))) if fitting else None
