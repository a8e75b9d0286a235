"""The two ledgers, and the balances on the customer's row: always written together, in the caller's transaction."""

from collections.abc import Iterable
from datetime import datetime

from tortoise.expressions import F

from billing.credits import LedgerEntry
from billing.money import Money
from models import AccountBalanceEntry, CreditEntry, Customer
from operations.counting import count_credits, count_money


async def credit_entries(customer_id: str) -> list[LedgerEntry]:
    """The whole ledger, oldest first."""
    rows = await CreditEntry.filter(customer_id=customer_id).order_by("at", "id")
    return [LedgerEntry(row.amount, row.kind, row.at, row.key, row.grant_key, row.expires_at) for row in rows]


async def append_credits(
    customer_id: str,
    entries: Iterable[LedgerEntry],
    *,
    cause: str,
    reason: str | None = None,
    metronome_credit_id: str | None = None,
) -> list[LedgerEntry]:
    """`cause` is what made it so: "operation:op_...", "event:whe_...". An entry that stands already is left alone.

    Returns what was written.
    """
    written = []
    for entry in entries:
        if await CreditEntry.exists(key=entry.key):
            continue
        await CreditEntry.create(
            customer_id=customer_id,
            kind=entry.kind,
            amount=entry.amount,
            at=entry.at,
            key=entry.key,
            cause=cause,
            reason=reason,
            grant_key=entry.grant,
            expires_at=entry.expires_at,
            metronome_credit_id=metronome_credit_id,
        )
        await Customer.filter(id=customer_id).update(credit_balance=F("credit_balance") + entry.amount)
        count_credits(entry.kind.value, entry.amount)
        written.append(entry)
    return written


async def move_account_balance(
    customer_id: str, change: Money, *, key: str, cause: str, at: datetime, invoice_id: str | None = None
) -> None:
    """Positive: the customer is credited. Negative: an invoice used it up, or left it to be carried."""
    if change.is_zero or await AccountBalanceEntry.exists(key=key):
        return
    await AccountBalanceEntry.create(
        customer_id=customer_id,
        amount_minor=change.minor_units,
        currency=change.currency,
        at=at,
        key=key,
        cause=cause,
        invoice_id=invoice_id,
    )
    await Customer.filter(id=customer_id).update(account_balance_minor=F("account_balance_minor") + change.minor_units)
    count_money("BALANCE_CREDIT" if change.minor_units > 0 else "BALANCE_USE", abs(change.minor_units), change.currency)
