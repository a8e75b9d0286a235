"""Metronome's news of credits. A grant enters the ledger once and expires once, in whichever order the news come."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from tortoise.expressions import Q

from billing.credits import EntryKind, LedgerEntry, allowance_key, collect_owed
from integrations.metronome.types import Credit, Event
from models import CreditEntry, Customer, OperationKind, Subscription
from operations.activity import record
from operations.renew import follow
from operations.steps.credits import month_of
from operations.steps.ledger import append_credits, credit_entries
from webhooks.outcomes import Change, Notice, Started, expect, nothing
from webhooks.owners import require_free, require_idle, unknown_object


async def credit_applied(event: Event, notice: Notice) -> Change:
    """What we granted is in the ledger already; what the engine grants month by month enters here."""
    credit = _credit(event)
    if await CreditEntry.exists(metronome_credit_id=credit.id):
        return nothing
    if (ended := await _ended_with_its_contract(credit, notice)) is not None:
        return _enter_and_end(ended, notice)
    if credit.amount < 0:
        raise await unknown_object(
            notice.row, notice.customer, what=f"Credit {credit.id}, which takes away,", now=notice.tools.now()
        )

    async def change(at: datetime) -> Started | None:
        await _lock(notice.customer)
        await _put_in_ledger(credit, notice, at)
        return await _collect_owed(credit, notice, at)

    return change


async def _collect_owed(credit: Credit, notice: Notice, at: datetime) -> Started | None:
    """What the customer owes comes off the allowance at Metronome too, so by an operation."""
    month = month_of(credit)
    subscription = await Subscription.get(customer_id=notice.customer.id, is_current=True)
    if month is None or credit.contract_id != subscription.metronome_contract_id:
        return None
    entries = await credit_entries(notice.customer.id)
    if not collect_owed(
        entries, owner=notice.customer.id, plan=subscription.plan, month=month, at=at, key=f"event:{notice.row.id}"
    ):
        return None
    await require_free(notice.customer)
    operation = await follow(notice.customer.id, at=at, granted_on=month.start)
    return Started(operation.id, OperationKind.RENEW)


async def credit_expired(event: Event, notice: Notice) -> Change:
    """A grant's time is over: what was left of it at Metronome expires, and the rest of what our ledger has was used.

    The credits of one grant expire at one instant, so they are read together and the first of their events does it all.
    """
    credit = _credit(event)
    if credit.expires_at is not None and event.timestamp < credit.expires_at:
        return nothing  # it went with its contract, and whatever ended that has ended the allowance
    expired = await _expired_together(credit, notice)

    async def change(at: datetime) -> None:
        await _lock(notice.customer)
        pool = await _pool_of(credit, notice, at)
        left = sum(entry.amount for entry in pool)
        if left <= 0:
            return
        await require_idle(notice.customer)
        grant = pool[0].grant_key or pool[0].key
        expiring = min(left, expired)
        entries = [
            LedgerEntry(-amount, kind, event.timestamp, f"{grant}:{cause}", grant=grant)
            for kind, amount, cause in (
                (EntryKind.USAGE, left - expiring, "used"),
                (EntryKind.EXPIRY, expiring, "expiry"),
            )
            if amount
        ]
        await _append(entries, credit, notice, at)

    return change


async def _ended_with_its_contract(credit: Credit, notice: Notice) -> Credit | None:
    """As it stands now, when it is told of only after its contract has taken it along."""
    if credit.contract_id is None or credit.expires_at is None:
        return None
    granted = await notice.tools.metronome.list_credits(customer_id=credit.customer_id, contract_id=credit.contract_id)
    now = next((each for each in granted if each.id == credit.id), credit)
    return now if now.expired_at is not None and now.expired_at < credit.expires_at else None


def _enter_and_end(credit: Credit, notice: Notice) -> Change:
    """It came and went: what ended the contract has settled the allowance without it."""
    key, expired = f"metronome:{credit.id}", credit.expired_amount or 0
    ended_at = credit.expired_at or credit.created_at
    entries = [LedgerEntry(credit.amount, EntryKind.GRANT, credit.created_at, key, expires_at=credit.expires_at)]
    entries += [
        LedgerEntry(-amount, kind, ended_at, f"{key}:{cause}", grant=key)
        for kind, amount, cause in (
            (EntryKind.USAGE, credit.amount - expired, "used"),
            (EntryKind.EXPIRY, expired, "expiry"),
        )
        if amount
    ]

    async def change(at: datetime) -> None:
        await _lock(notice.customer)
        if await CreditEntry.exists(metronome_credit_id=credit.id):
            return
        await require_idle(notice.customer)
        await _append(entries, credit, notice, at)

    return change


async def _expired_together(credit: Credit, notice: Notice) -> int:
    if credit.contract_id is None or credit.expires_at is None:
        return credit.expired_amount or 0
    granted = await notice.tools.metronome.list_credits(customer_id=credit.customer_id, contract_id=credit.contract_id)
    return sum(each.expired_amount or 0 for each in granted if each.expired_at == credit.expires_at)


async def _pool_of(credit: Credit, notice: Notice, at: datetime) -> list[CreditEntry]:
    """All entries of the grant that a credit is, or is part of."""
    await _put_in_ledger(credit, notice, at)
    entry = await CreditEntry.filter(metronome_credit_id=credit.id).first()
    if entry is None:
        return []
    key = entry.grant_key or entry.key
    return await CreditEntry.filter(Q(key=key) | Q(grant_key=key), customer_id=notice.customer.id)


async def _put_in_ledger(credit: Credit, notice: Notice, at: datetime) -> None:
    if await CreditEntry.exists(metronome_credit_id=credit.id):
        return
    await require_idle(notice.customer)
    grant = LedgerEntry(
        credit.amount, EntryKind.GRANT, credit.created_at, _key(credit, notice.customer), expires_at=credit.expires_at
    )
    await _append([grant], credit, notice, at, reason=credit.reason and credit.reason[:500])


async def _append(
    entries: Iterable[LedgerEntry], credit: Credit, notice: Notice, at: datetime, *, reason: str | None = None
) -> None:
    written = await append_credits(
        notice.customer.id,
        entries,
        cause=f"event:{notice.row.id}",
        reason=reason,
        metronome_credit_id=credit.id,
    )
    for entry in written:
        await record(
            f"credits.{_PAST[entry.kind]}",
            f"{abs(entry.amount)} credits {_PAST[entry.kind]} at Metronome",
            at=at,
            customer=notice.customer,
            data={"credit": credit.id, "amount": entry.amount},
        )


_PAST: Mapping[EntryKind, str] = {
    EntryKind.GRANT: "granted",
    EntryKind.USAGE: "used",
    EntryKind.EXPIRY: "expired",
}


def _key(credit: Credit, customer: Customer) -> str:
    """An allowance of the engine's goes by its month, as ours do, so that it is in the ledger once."""
    month = month_of(credit)
    return f"metronome:{credit.id}" if month is None else allowance_key(customer.id, month)


async def _lock(customer: Customer) -> None:
    """One writer of a ledger at a time."""
    await Customer.filter(id=customer.id).select_for_update().get()


def _credit(event: Event) -> Credit:
    return expect(event.snapshot, Credit)
