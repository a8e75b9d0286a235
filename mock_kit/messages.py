"""What goes in and out of a sandbox, as values."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import NoReturn
from urllib.parse import parse_qsl


class BodyError(ValueError):
    """The body is not what its content type says; the text says why."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request, read whole. Header names are lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def params(self) -> list[tuple[str, str]]:
        return parse_qsl(self.query, keep_blank_values=True)

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def idempotency_key(self) -> str | None:
        return self.headers.get("idempotency-key")


@dataclass(frozen=True, slots=True)
class Answer:
    """`keep=False`: execution never began (a 401, 429, a validation error), so no idempotency key remembers it."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    keep: bool = True

    def with_headers(self, *headers: tuple[str, str]) -> "Answer":
        return replace(self, headers=(*self.headers, *headers))


def json_answer(status: int, content: object, *, headers: Mapping[str, str] | None = None, keep: bool = True) -> Answer:
    # The default ASCII encoding is the one that cannot fail: JSON text may carry lone surrogates.
    body = json.dumps(content, separators=(",", ":")).encode()
    return Answer(status, body, (("content-type", "application/json"), *(headers or {}).items()), keep)


def read_json(body: bytes) -> object:
    """JSON as RFC 8259 has it: UTF-8, no NaN, fractions as Decimal."""
    try:
        return json.loads(body.decode(), parse_float=Decimal, parse_constant=_refuse_constant)
    except UnicodeDecodeError:
        raise BodyError("The body is not UTF-8.") from None
    except RecursionError:
        raise BodyError("The body is nested too deeply.") from None
    except ValueError as error:  # not JSON, or an integer of thousands of digits
        raise BodyError(f"The body is not JSON: {error}.") from None


def read_form(body: bytes) -> list[tuple[str, str]]:
    """`application/x-www-form-urlencoded`, in order, empty values kept."""
    try:
        return parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=1000)
    except ValueError:
        raise BodyError("The body is not a URL-encoded form of at most 1000 fields.") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
