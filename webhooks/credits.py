"""Metronome's news of credits. A grant enters the ledger once and expires once, in whichever order the news come."""

import re
from datetime import date, datetime

from tortoise.expressions import Q

from billing.credits import EntryKind, LedgerEntry, allowance_key
from billing.periods import Period
from integrations.metronome.types import Credit, Event
from models import CreditEntry, Customer
from operations.steps.ledger import append_credits
from webhooks.outcomes import Change, Notice, expect, nothing
from webhooks.owners import require_idle, unknown_object

_ALLOWANCE = re.compile(r"allowance:[0-9a-f-]+:([0-9]{4}-[0-9]{2}-[0-9]{2})")
"""The uniqueness key of what the engine grants month by month."""


async def credit_applied(event: Event, notice: Notice) -> Change:
    """What we granted is in the ledger already; what the engine grants month by month enters here."""
    credit = _credit(event)
    if await CreditEntry.exists(metronome_credit_id=credit.id):
        return nothing
    if credit.amount < 0:
        raise await unknown_object(
            notice.row, notice.customer, what=f"Credit {credit.id}, which takes away,", now=notice.tools.now()
        )

    async def change(_: datetime) -> None:
        await _lock(notice.customer)
        await _put_in_ledger(credit, notice)

    return change


async def credit_expired(event: Event, notice: Notice) -> Change:
    """What was left at Metronome expires. What the ledger has left once all of a pool expired was used there."""
    credit = _credit(event)
    expired = event.expired_amount or 0

    async def change(_: datetime) -> None:
        await _lock(notice.customer)
        pool = await _pool_of(credit, notice)
        left = sum(entry.amount for entry in pool)
        if left <= 0 or _expired(pool, credit.id):
            return  # a verb of ours ended it first
        await require_idle(notice.customer)
        expiring = min(left, expired)
        used = left - expiring if _is_last(pool, credit.id) else 0
        grant = pool[0].grant_key or pool[0].key
        at = event.timestamp
        entries = [
            LedgerEntry(-amount, kind, at, f"metronome:{credit.id}:{cause}", grant=grant)
            for kind, amount, cause in ((EntryKind.USAGE, used, "used"), (EntryKind.EXPIRY, expiring, "expiry"))
            if amount
        ]
        await append_credits(notice.customer.id, entries, cause=f"event:{notice.row.id}", metronome_credit_id=credit.id)

    return change


async def _pool_of(credit: Credit, notice: Notice) -> list[CreditEntry]:
    """All entries of the grant that a credit is, or is part of."""
    await _put_in_ledger(credit, notice)
    entry = await CreditEntry.filter(metronome_credit_id=credit.id, kind=EntryKind.GRANT).first()
    if entry is None:
        return []
    key = entry.grant_key or entry.key
    return await CreditEntry.filter(Q(key=key) | Q(grant_key=key), customer_id=notice.customer.id)


def _expired(pool: list[CreditEntry], credit_id: str) -> bool:
    return any(entry.kind is EntryKind.EXPIRY and entry.metronome_credit_id == credit_id for entry in pool)


def _is_last(pool: list[CreditEntry], credit_id: str) -> bool:
    granted = {entry.metronome_credit_id for entry in pool if entry.kind is EntryKind.GRANT}
    return all(each == credit_id or _expired(pool, each) for each in granted if each)


async def _put_in_ledger(credit: Credit, notice: Notice) -> None:
    if await CreditEntry.exists(metronome_credit_id=credit.id):
        return
    await require_idle(notice.customer)
    grant = LedgerEntry(
        credit.amount, EntryKind.GRANT, credit.created_at, _key(credit, notice.customer), expires_at=credit.expires_at
    )
    await append_credits(
        notice.customer.id,
        [grant],
        cause=f"event:{notice.row.id}",
        reason=credit.reason and credit.reason[:500],
        metronome_credit_id=credit.id,
    )


def _key(credit: Credit, customer: Customer) -> str:
    """An allowance of the engine's goes by its month, as ours do, so that it is in the ledger once."""
    named = _ALLOWANCE.fullmatch(credit.uniqueness_key or "")
    if named is None or credit.expires_at is None:
        return f"metronome:{credit.id}"
    return allowance_key(customer.id, Period(date.fromisoformat(named[1]), credit.expires_at.date()))


async def _lock(customer: Customer) -> None:
    """One writer of a ledger at a time."""
    await Customer.filter(id=customer.id).select_for_update().get()


def _credit(event: Event) -> Credit:
    return expect(event.snapshot, Credit)
