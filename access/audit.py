"""The audit log: who did what, when, from where, and how things stood before and after.

An entry is written in the transaction that does the thing, so there is none without the other. The database refuses to
change or delete one (migration `audit_append_only`).
"""

import getpass
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, is_dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any

from access.callers import Caller, who_asks
from access.scopes import EVERYTHING
from models import ActorKind, AuditEntry, AuditOutcome
from models.committing import after_commit

TELLING = frozenset(
    {
        *("id", "type", "tier", "new_tier", "billing_period", "effective", "when", "currency", "kind", "provider"),
        *("by", "scopes", "prefix", "state", "status", "expires_at"),
    }
)
"""The names whose words may stand in the log. All others may hold a secret or a person: their words stay out."""

Facts = Mapping[str, object]


@dataclass(slots=True)
class Act:
    """One mutation while it runs. `recorded` once something of it has been committed to the log."""

    action: str
    asked: Facts
    recorded: bool = False

    def mark(self) -> None:
        self.recorded = True


_act: ContextVar[Act | None] = ContextVar("act", default=None)


@contextmanager
def doing(action: str, given: object) -> Iterator[Act]:
    act = Act(action, told(given))
    token = _act.set(act)
    try:
        yield act
    finally:
        _act.reset(token)


@dataclass(frozen=True, slots=True)
class About:
    customer_id: str | None = None
    entity_id: str | None = None
    operation_id: str | None = None


NOBODY = About()


async def record(
    action: str,
    outcome: AuditOutcome,
    *,
    at: datetime,
    about: About = NOBODY,
    asked: Facts | None = None,
    before: Facts | None = None,
    after: Facts | None = None,
    error_code: str | None = None,
    correlation_id: str | None = None,
) -> None:
    """From whoever asks, under the name of the mutation that asks; `action` is for what nobody asked for."""
    caller, act = who_asks(), _act.get()
    leading = act is not None and not act.recorded
    await AuditEntry.create(
        at=at,
        actor_kind=caller.kind,
        key_id=caller.key_id,
        credential_id=caller.credential_id,
        actor_name=caller.name,
        address=caller.whereabouts.address,
        request_id=caller.whereabouts.request_id,
        action=act.action if act is not None and leading else action,
        outcome=outcome,
        error_code=error_code,
        correlation_id=correlation_id,
        customer_id=about.customer_id,
        entity_id=about.entity_id,
        operation_id=about.operation_id,
        asked=(act is not None and leading and dict(act.asked)) or told(asked),
        before=None if before is None else told(before),
        after=None if after is None else told(after),
    )
    if act is not None:
        after_commit(act.mark)


async def record_end(
    operation_id: str, outcome: AuditOutcome, *, at: datetime, after: Facts, error_code: str | None
) -> None:
    """How an operation ended, from whoever had it accepted. Nothing for one from before there was a log."""
    accepted = await AuditEntry.filter(operation_id=operation_id, outcome=AuditOutcome.ACCEPTED).first()
    if accepted is None:
        return
    entry = accepted.clone(pk=AuditEntry().id)
    entry.update_from_dict({"at": at, "outcome": outcome, "error_code": error_code, "after": told(after)})
    await entry.save(force_create=True)


def told(given: object) -> dict[str, Any]:
    """What of a request or a row may be written down: ids, choices, amounts and instants."""
    pairs = _pairs(given)
    return {name: value for name, each in pairs.items() if (value := _told(name, each)) is not None}


def _pairs(given: object) -> Mapping[str, object]:
    if is_dataclass(given) and not isinstance(given, type):
        return asdict(given)
    return given if isinstance(given, Mapping) else {}


def _told(name: str, value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, bool | int):
        return value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return told(value) or None
    if isinstance(value, list | tuple):
        return [found for each in value if (found := _told(name, each)) is not None]
    is_safe = name in TELLING or name.endswith("_id")
    # No PostgreSQL text holds a NUL, and a refusal of one is to be told of too.
    return value[:200].replace("\x00", "\N{REPLACEMENT CHARACTER}") if isinstance(value, str) and is_safe else None


def command_line() -> Caller:
    """Whoever runs a command on the database itself."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        name = "unknown"
    return Caller(kind=ActorKind.COMMAND_LINE, name=name[:128], scopes=EVERYTHING)
