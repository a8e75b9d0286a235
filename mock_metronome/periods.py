"""Where periods begin and end: always counted from the anchor, so that a short month shortens only itself."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime

from mock_kit.moments import format_moment


@dataclass(frozen=True, slots=True)
class Period:
    """`[start, end)`, both at UTC midnight."""

    start: datetime
    end: datetime

    def report(self) -> dict[str, object]:
        return {"start": format_moment(self.start), "end": format_moment(self.end)}


def months_after(anchor: datetime, *, months: int) -> datetime:
    """The anchor day that many months on, or the last day of a month that is too short for it."""
    year, month = divmod(anchor.year * 12 + anchor.month - 1 + months, 12)
    return anchor.replace(year=year, month=month + 1, day=min(anchor.day, monthrange(year, month + 1)[1]))


def period_at(moment: datetime, *, anchor: datetime, months: int) -> Period:
    """The period of that many months which contains the moment; the anchor begins one, the moment may lie before it."""
    elapsed = (moment.year - anchor.year) * 12 + moment.month - anchor.month
    if months_after(anchor, months=elapsed) > moment:
        elapsed -= 1
    first = elapsed // months * months
    return Period(months_after(anchor, months=first), months_after(anchor, months=first + months))
