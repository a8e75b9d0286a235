"""What reconcile tells: one disagreement, and how grave it is."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

NONE = "none"


class Severity(StrEnum):
    HIGH = "HIGH"
    """Money, credits or access are not what we say."""
    LOW = "LOW"
    """Something is shown or counted late; nobody pays or gets anything else for it."""


@dataclass(frozen=True, slots=True)
class Difference:
    """`what` names the kind ("invoice.status"), `subject` the row or the provider's object it is about."""

    what: str
    subject: str
    ours: str
    theirs: str
    severity: Severity


def unequal(
    what: str, subject: str, ours: object, theirs: object, severity: Severity = Severity.HIGH
) -> Iterator[Difference]:
    if ours != theirs:
        yield Difference(what, subject, _shown(ours), _shown(theirs), severity)


def _shown(value: object) -> str:
    if value is None:
        return NONE
    return value.isoformat() if isinstance(value, date) else str(value)
