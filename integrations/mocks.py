"""The control routes of the providers' mocks: clock, faults, the cardholder. No real provider has them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Self

import httpx

from integrations.errors import Provider, Rejected, Unavailable
from integrations.fields import Fields, Unreadable, read_object

TIMEOUT_SECONDS = 60.0
"""A mock engine that is set years ahead has years of renewals to do before it answers."""


_API = "^/(api/)?v1/"


class FaultKind(Enum):
    OUTAGE = "OUTAGE"
    LOST_ANSWERS = "LOST_ANSWERS"
    NOT_JSON = "NOT_JSON"
    SLOW = "SLOW"


_FAULTS: dict[FaultKind, dict[str, object]] = {
    FaultKind.OUTAGE: {"kind": "status_before", "status": 503},
    FaultKind.LOST_ANSWERS: {"kind": "drop_after"},
    FaultKind.NOT_JSON: {"kind": "html_after"},
    FaultKind.SLOW: {"kind": "delay", "delay_ms": 2_000},
}


@dataclass(frozen=True, slots=True)
class MockFault:
    """`kind` None: set by other hands, in a manner of the mock's own. `times` None: until cleared."""

    kind: FaultKind | None
    times: int | None
    hits: int
    spent: bool

    @classmethod
    def read(cls, fields: Fields) -> Self:
        manner = fields.text("kind")
        kind = next((kind for kind, fault in _FAULTS.items() if fault["kind"] == manner), None)
        return cls(kind, fields.optional_whole("times"), fields.whole("hits"), fields.flag("spent"))


class MockControl:
    """One mock. Every call may raise `Unavailable`, or `Rejected` with the mock's own words."""

    def __init__(self, http: httpx.AsyncClient, provider: Provider) -> None:
        self._http = http
        self.provider = provider

    async def offset(self) -> timedelta:
        """How far its clock is ahead of the real one."""
        return timedelta(seconds=(await self._ask("GET", "clock")).whole("offset_seconds"))

    async def advance_to(self, moment: datetime) -> None:
        """Idempotent: a clock that is further already stays as it is."""
        if (await self._ask("GET", "clock")).instant("now") < moment:
            await self._ask("POST", "clock", {"advance_to": moment.isoformat()})

    async def faults(self) -> tuple[MockFault, ...]:
        return tuple(map(MockFault.read, (await self._ask("GET", "faults")).children("data")))

    async def add_fault(self, fault: FaultKind, *, times: int | None) -> None:
        """For the next `times` requests of the provider's API, or until cleared."""
        await self._ask("POST", "faults", {**_FAULTS[fault], "path": _API, "times": times})

    async def clear_faults(self) -> None:
        await self._ask("DELETE", "faults")

    async def authenticate(self, payment_intent_id: str, *, success: bool) -> None:
        """Be the cardholder before the 3-D Secure page."""
        outcome = "success" if success else "failure"
        await self._ask("POST", "authenticate", {"payment_intent": payment_intent_id, "outcome": outcome})

    async def _ask(self, method: str, route: str, body: Mapping[str, object] | None = None) -> Fields:
        action = f"{method} /_mock/{route}"
        try:
            answer = await self._http.request(method, f"/_mock/{route}", json=body, timeout=TIMEOUT_SECONDS)
            fields = read_object(answer.content)
        except (httpx.TransportError, Unreadable) as problem:
            raise Unavailable(self.provider, action, reason=type(problem).__name__) from problem
        if answer.is_error:
            raise Rejected(
                self.provider,
                action,
                code="mock_control",
                message=fields.optional_text("message") or "",
                status=answer.status_code,
                field=fields.optional_text("field"),
            )
        return fields
