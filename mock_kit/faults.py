"""Faults on request: which request fails, and how.

`*_before` means the request had no effect, `*_after` that it had one and its answer was lost or spoilt.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

import httpx

from mock_kit.messages import Answer, Request

MOST_FAULTS = 1000
DEFAULT_HANG_SECONDS = 30.0
DEFAULT_DELAY_SECONDS = 1.0
HTML_PAGE = (
    b"<!doctype html><html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
)


class Kind(Enum):
    TIMEOUT_BEFORE = "timeout_before"
    TIMEOUT_AFTER = "timeout_after"
    STATUS_BEFORE = "status_before"
    STATUS_AFTER = "status_after"
    DROP_BEFORE = "drop_before"
    DROP_AFTER = "drop_after"
    HTML_BEFORE = "html_before"
    HTML_AFTER = "html_after"
    NOT_JSON_AFTER = "not_json_after"
    DELAY = "delay"

    @property
    def manner(self) -> str:
        return self.value.removesuffix("_before").removesuffix("_after")

    @property
    def before(self) -> bool:
        return self.value.endswith("_before")

    @property
    def answers(self) -> bool:
        """Whether the client gets an answer of the fault's own making."""
        return self.manner in ("status", "html", "not_json")


class ConnectionDropped(httpx.RemoteProtocolError):
    """Raised out of the app: the httpx error a client sees over ASGITransport, a closed connection under uvicorn."""


class AnswerWithheld(httpx.ReadTimeout):
    """The same for an answer that never comes: ASGITransport has no timeouts, so the app itself ends the wait."""


@dataclass(slots=True)
class Fault:
    """`times` None: for ever. `skip` matching requests pass first. `stored`: the idempotency key keeps the fault."""

    id: str
    kind: Kind
    path: re.Pattern[str]
    method: str | None
    status: int | None
    headers: Mapping[str, str]
    delay_seconds: float | None
    times: int | None
    skip: int
    stored: bool
    hits: int = 0

    def strikes(self, request: Request) -> bool:
        """Whether it is this request's turn; counts it when it is."""
        if self.spent or self.method not in (None, request.method) or not self.path.search(request.path):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.hits += 1
        return True

    @property
    def spent(self) -> bool:
        return self.times is not None and self.hits >= self.times

    @property
    def hang_seconds(self) -> float:
        if self.delay_seconds is not None:
            return self.delay_seconds
        return DEFAULT_DELAY_SECONDS if self.kind is Kind.DELAY else DEFAULT_HANG_SECONDS

    def spoil(self, answer: Answer) -> Answer:
        """The answer of a fault that answers, in place of `answer`."""
        if self.kind.manner == "html":
            spoilt = Answer(self.status or 502, HTML_PAGE, (("content-type", "text/html"),))
        elif self.kind.manner == "not_json":
            spoilt = Answer(self.status or 200, b'{"id": "tru', (("content-type", "application/json"),))
        else:
            spoilt = answer
        return replace(spoilt, keep=True).with_headers(*((name.lower(), value) for name, value in self.headers.items()))

    def report(self) -> dict[str, object]:
        return {
            "id": self.id,
            "kind": self.kind.value,
            "path": self.path.pattern,
            "method": self.method,
            "status": self.status,
            "headers": dict(self.headers),
            "delay_ms": None if self.delay_seconds is None else round(self.delay_seconds * 1000),
            "times": self.times,
            "skip": self.skip,
            "stored": self.stored,
            "hits": self.hits,
            "spent": self.spent,
        }


class Faults:
    def __init__(self) -> None:
        self._faults: dict[str, Fault] = {}

    @property
    def full(self) -> bool:
        return len(self._faults) >= MOST_FAULTS

    def add(self, fault: Fault) -> None:
        self._faults[fault.id] = fault

    def remove(self, fault_id: str) -> bool:
        return self._faults.pop(fault_id, None) is not None

    def clear(self) -> None:
        self._faults.clear()

    def strike(self, request: Request) -> Fault | None:
        """The first fault, in the order of registration, whose turn it is."""
        return next((fault for fault in self._faults.values() if fault.strikes(request)), None)

    def report(self) -> list[dict[str, object]]:
        return [fault.report() for fault in self._faults.values()]
