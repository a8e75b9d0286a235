"""What an audit found, and the table of all of them."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    audit: str
    asked: str
    """How much was tried, in words."""
    found: str
    misses: Sequence[str] = ()
    """What is not as it should be, one line each."""

    @property
    def passed(self) -> bool:
        return not self.misses


class AuditBroken(Exception):  # noqa: N818  named for what happened, as all our errors
    """An audit that could not be carried out says nothing about the service."""


def table(verdicts: Sequence[Verdict]) -> str:
    rows = [("audit", "tried", "found", ""), *((each.audit, each.asked, each.found, _mark(each)) for each in verdicts)]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    misses = [f"{each.audit}: {miss}" for each in verdicts for miss in each.misses]
    return "\n".join([lines[0], "-" * len(max(lines, key=len)), *lines[1:], *([""] if misses else []), *misses])


def _mark(verdict: Verdict) -> str:
    return "passed" if verdict.passed else f"{len(verdict.misses)} MISSED"
