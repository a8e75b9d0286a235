"""The credit ledger: append-only, and the balance is its sum.

A grant is a pool with an expiry of its own; every other entry names the grant it draws on. The allowance of a credit
month is one such grant, all others are given by hand. The functions here take the entries that stand and return the
ones to append, none when their cause is recorded already.

On a change of tier, GRANT is what an upgrade adds and CLAWBACK what a downgrade takes. At the end of a subscription,
CLAWBACK is the part of the allowance for days that are not paid for after all, and EXPIRY the rest of what is left.
ADJUSTMENT gives back the part of a clawback that was spent before, because no balance goes below zero, and collects it
from what is granted for money later, in whichever month: the adjustments sum to what the customer still owes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from billing.errors import InvalidInput
from billing.periods import Period, midnight
from billing.proration import CreditPolicy, allowance_share, credits_change, plan_difference
from billing.tiers import Plan

_NEVER = datetime.max.replace(tzinfo=UTC)


class EntryKind(StrEnum):
    GRANT = "GRANT"
    ADJUSTMENT = "ADJUSTMENT"
    USAGE = "USAGE"
    EXPIRY = "EXPIRY"
    CLAWBACK = "CLAWBACK"


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """`key` is unique and names the cause. `grant` is the key of the grant changed; None on that grant itself.

    Only what grants has an `expires_at`; the entries of one grant agree on it.
    """

    amount: int
    kind: EntryKind
    at: datetime
    key: str
    grant: str | None = None
    expires_at: datetime | None = None

    def __post_init__(self) -> None:
        if self.amount == 0:
            raise ValueError(f"an entry changes something: {self.key}")
        if self.at.tzinfo is None:
            raise ValueError(f"an entry needs an instant, not a local time: {self.key}")

    @property
    def pool(self) -> str:
        return self.grant if self.grant is not None else self.key


@dataclass(frozen=True, slots=True)
class GrantLeft:
    key: str
    left: int
    expires_at: datetime | None


def balance(entries: Iterable[LedgerEntry], as_of: datetime) -> int:
    return sum(entry.amount for entry in entries if entry.at <= as_of)


def left_of(entries: Iterable[LedgerEntry], grant: str) -> int:
    return sum(entry.amount for entry in entries if entry.pool == grant)


def grants_left(entries: Sequence[LedgerEntry]) -> tuple[GrantLeft, ...]:
    """What is left of each grant, soonest to expire first, those that never do last; older ones first among equals."""
    left: dict[str, int] = {}
    for entry in entries:
        left[entry.pool] = left.get(entry.pool, 0) + entry.amount
    granted: dict[str, LedgerEntry] = {}
    for entry in sorted(entries, key=lambda each: each.at):
        if entry.kind is EntryKind.GRANT:
            granted.setdefault(entry.pool, entry)
    in_order = sorted(granted.values(), key=lambda grant: (grant.expires_at or _NEVER, grant.at, grant.pool))
    return tuple(GrantLeft(grant.pool, left[grant.pool], grant.expires_at) for grant in in_order if left[grant.pool])


def allowance_key(owner: str, month: Period) -> str:
    """`owner` is whoever has one ledger, a customer: two subscriptions of theirs share the month's allowance."""
    return f"{owner}:allowance:{month.start.isoformat()}"


def grant_month(
    entries: Sequence[LedgerEntry], *, owner: str, credits_per_month: int, month: Period, at: datetime
) -> tuple[LedgerEntry, ...]:
    """The allowance of one credit month, the first or any later one; nothing when it was granted before."""
    key = allowance_key(owner, month)
    if credits_per_month == 0 or _has(entries, key):
        return ()
    return (LedgerEntry(credits_per_month, EntryKind.GRANT, at, key, expires_at=midnight(month.end)),)


def roll_over(
    entries: Sequence[LedgerEntry], *, owner: str, credits_per_month: int, month: Period, at: datetime
) -> tuple[LedgerEntry, ...]:
    """At the start of `month`: expire what is left of the allowance before, and of grants past their own expiry."""
    expired = expire_due(entries, at=at)
    return expired + grant_month(entries, owner=owner, credits_per_month=credits_per_month, month=month, at=at)


def expire_due(entries: Sequence[LedgerEntry], *, at: datetime) -> tuple[LedgerEntry, ...]:
    return tuple(
        LedgerEntry(-grant.left, EntryKind.EXPIRY, at, f"{grant.key}:expiry", grant=grant.key)
        for grant in grants_left(entries)
        if grant.expires_at is not None and grant.expires_at <= at
    )


def grant_by_hand(*, amount: int, key: str, at: datetime, expires_at: datetime | None) -> LedgerEntry:
    if amount < 1:
        raise InvalidInput("amount", "must be at least 1")
    if expires_at is not None and expires_at <= at:
        raise InvalidInput("expiresAt", "must lie in the future")
    return LedgerEntry(amount, EntryKind.GRANT, at, key, expires_at=expires_at)


def draw(entries: Sequence[LedgerEntry], *, amount: int, at: datetime, key: str) -> tuple[LedgerEntry, ...]:
    """Usage, drawn from what expires soonest. What the balance cannot cover is not drawn."""
    if amount < 1:
        raise ValueError(f"usage is at least 1: {amount}")
    if _has(entries, f"{key}:0"):
        return ()
    drawn: list[LedgerEntry] = []
    for grant in grants_left(entries):
        taken = min(amount, grant.left)
        if taken and (grant.expires_at is None or grant.expires_at > at):
            drawn.append(LedgerEntry(-taken, EntryKind.USAGE, at, f"{key}:{len(drawn)}", grant=grant.key))
            amount -= taken
    return tuple(drawn)


def change_allowance(
    entries: Sequence[LedgerEntry],
    *,
    owner: str,
    old: Plan,
    new: Plan,
    month: Period,
    at: datetime,
    key: str,
    regained: int = 0,
    policy: CreditPolicy = CreditPolicy.PRORATED,
) -> tuple[LedgerEntry, ...]:
    """A change of tier at `at`, in the credit month it falls into; the amounts sum to `credits_change`.

    `regained` is in the entries already, for days that are paid for again: what is owed comes off it as well.
    """
    if _has(entries, f"{key}:change"):
        return ()
    allowance, on = allowance_key(owner, month), at.astimezone(UTC).date()
    # What never came, because Metronome refused it, is not taken back, or it would be owed.
    planned = max(plan_difference(old, new, month, on, policy=policy), -_released(entries, allowance))
    unspent = left_of(entries, allowance) - regained
    owing = owed(entries, None if new.price.is_positive else allowance)
    actual = credits_change(planned + regained, unspent, owed=owing) - regained
    changes = []
    if planned > 0:
        expires_at = midnight(month.end)
        changes.append(LedgerEntry(planned, EntryKind.GRANT, at, f"{key}:change", allowance, expires_at))
    elif planned < 0:
        changes.append(LedgerEntry(planned, EntryKind.CLAWBACK, at, f"{key}:change", allowance))
    if actual != planned:
        changes.append(LedgerEntry(actual - planned, EntryKind.ADJUSTMENT, at, f"{key}:correction", allowance))
    # What raises the balance comes first, so that no entry finds it below zero.
    return tuple(sorted(changes, key=lambda entry: -entry.amount))


def match_month(
    entries: Sequence[LedgerEntry], *, owner: str, plan: Plan, month: Period, key: str
) -> tuple[LedgerEntry, ...]:
    """The allowance of a month that began on another plan, made this one's as by a change on its first day."""
    begun_with = replace(plan, credits_per_month=_released(entries, allowance_key(owner, month)))
    return change_allowance(
        entries, owner=owner, old=begun_with, new=plan, month=month, at=midnight(month.start), key=key
    )


def owed(entries: Iterable[LedgerEntry], grant: str | None = None) -> int:
    """What clawbacks could not take, because it was spent: of one grant, or of all there ever were."""
    return sum(entry.amount for entry in entries if entry.kind is EntryKind.ADJUSTMENT and grant in (None, entry.pool))


def collect_owed(
    entries: Sequence[LedgerEntry], *, owner: str, plan: Plan, month: Period, at: datetime, key: str
) -> tuple[LedgerEntry, ...]:
    """What is owed comes off the allowance just granted for `month`, as far as there is any; never off a free one."""
    allowance = allowance_key(owner, month)
    due = min(owed(entries), left_of(entries, allowance))
    if due <= 0 or not plan.price.is_positive or _has(entries, f"{key}:owed"):
        return ()
    return (LedgerEntry(-due, EntryKind.ADJUSTMENT, at, f"{key}:owed", allowance),)


def end_allowance(
    entries: Sequence[LedgerEntry], *, owner: str, month: Period, unpaid: int, at: datetime, key: str
) -> tuple[LedgerEntry, ...]:
    """The subscription ends and the allowance with it; what was granted by hand stays.

    `unpaid` is the share of the allowance for days that were credited, or never paid for. What of it was spent is owed.
    """
    allowance = allowance_key(owner, month)
    left, unpaid = left_of(entries, allowance), min(unpaid, _released(entries, allowance))
    if _has(entries, f"{key}:unpaid"):
        return ()
    ended = (
        (max(unpaid - left, 0), EntryKind.ADJUSTMENT, "spent"),
        (-unpaid, EntryKind.CLAWBACK, "unpaid"),
        (-max(left - unpaid, 0), EntryKind.EXPIRY, "end"),
    )
    return tuple(LedgerEntry(amount, kind, at, f"{key}:{cause}", allowance) for amount, kind, cause in ended if amount)


def resume_allowance(
    entries: Sequence[LedgerEntry], *, owner: str, plan: Plan, month: Period, at: datetime, key: str
) -> tuple[LedgerEntry, ...]:
    """In a month already granted for `plan`, what the end took away comes back, and nothing else.

    Of what it took for days not paid for, only the share of those that are left.
    """
    allowance, on = allowance_key(owner, month), at.astimezone(UTC).date()
    of_month = [entry for entry in entries if entry.pool == allowance]
    expired = -sum(entry.amount for entry in of_month if entry.kind is EntryKind.EXPIRY)
    unpaid = -sum(entry.amount for entry in of_month if entry.key.endswith((":unpaid", ":regained")))
    back = (
        (expired, EntryKind.EXPIRY, "resumed"),
        (min(unpaid, allowance_share(plan, month, on)), EntryKind.CLAWBACK, "regained"),
    )
    return tuple(LedgerEntry(amount, kind, at, f"{key}:{cause}", allowance) for amount, kind, cause in back if amount)


def follow_allowance(
    entries: Sequence[LedgerEntry],
    *,
    owner: str,
    old: Plan,
    new: Plan,
    month: Period,
    at: datetime,
    key: str,
) -> tuple[LedgerEntry, ...]:
    """The allowance of a contract that follows another which has ended.

    In a month granted before, what the end took away comes back, changed as by a change of plan: else an allowance
    would outlive its plan. In a new month, the new plan's. What is owed comes off either.
    """
    if any(_has(entries, f"{key}:{done}") for done in ("resumed", "regained", "owed")):
        return ()
    if all(entry.pool != allowance_key(owner, month) for entry in entries):
        granted = grant_month(entries, owner=owner, credits_per_month=new.credits_per_month, month=month, at=at)
        return granted + collect_owed([*entries, *granted], owner=owner, plan=new, month=month, at=at, key=key)
    back = resume_allowance(entries, owner=owner, plan=old, month=month, at=at, key=key)
    regained = sum(entry.amount for entry in back if entry.kind is EntryKind.CLAWBACK)
    return back + change_allowance(
        [*entries, *back], owner=owner, old=old, new=new, month=month, at=at, key=key, regained=regained
    )


def _released(entries: Iterable[LedgerEntry], grant: str) -> int:
    """All that was granted of it and not taken back, spent or not."""
    kinds = (EntryKind.GRANT, EntryKind.CLAWBACK)
    return sum(entry.amount for entry in entries if entry.pool == grant and entry.kind in kinds)


def _has(entries: Iterable[LedgerEntry], key: str) -> bool:
    return any(entry.key == key for entry in entries)
