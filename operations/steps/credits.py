import re
from dataclasses import replace
from datetime import date

from tortoise.transactions import in_transaction

from billing.credits import EntryKind, LedgerEntry, allowance_key, grant_month
from billing.periods import Period, credit_month_at, midnight
from integrations.metronome.types import Credit
from models import Provider
from operations.effects import Effect, Refusal, perform
from operations.steps.case import Case, settled
from operations.steps.ledger import append_credits, credit_entries
from operations.tools import Tools

ALLOWANCE = "Monthly allowance"

_GRANTED = re.compile(r"allowance:[0-9a-f-]+:([0-9]{4}-[0-9]{2}-[0-9]{2})")
"""The uniqueness key of what the engine grants month by month."""


async def grant_first_credits(case: Case, tools: Tools) -> Refusal | None:
    """The allowance of the first credit month; later months are granted by the engine."""
    subscription = case.subscription
    month = await month_to_grant(case, tools)
    entries = grant_month(
        await credit_entries(case.customer.id),
        owner=case.customer.id,
        credits_per_month=subscription.credits_per_month,
        month=month,
        at=tools.now(),
    )
    return await post_allowance(case, entries, tools, step="metronome_credits", month=month)


async def month_to_grant(case: Case, tools: Tools) -> Period:
    """The credit month in which the contract was made, maybe after it starts; the engine grants the later ones."""
    subscription = case.subscription
    month = credit_month_at(subscription.credit_anchor, subscription.period_start)
    if tools.now() < midnight(month.end):
        return month
    contract = await tools.metronome.get_contract(contract_id=settled(subscription.metronome_contract_id))
    return credit_month_at(subscription.credit_anchor, max(subscription.period_start, contract.created_at.date()))


def month_of(credit: Credit) -> Period | None:
    """The credit month an allowance of the engine's is for."""
    named = _GRANTED.fullmatch(credit.uniqueness_key or "")
    if named is None or credit.expires_at is None:
        return None
    return Period(date.fromisoformat(named[1]), credit.expires_at.date())


async def granted_for(month: Period, case: Case, tools: Tools, *, contract_id: str) -> Credit | None:
    """What the engine granted for it, as it stands now. Its event waits for the operation under way."""
    granted = await tools.metronome.list_credits(
        customer_id=settled(case.customer.metronome_customer_id), contract_id=contract_id
    )
    return next((each for each in granted if month_of(each) == month), None)


async def enter_granted(granted: Credit, month: Period, case: Case) -> None:
    """Into the ledger, where its event would have put it. Called within a transaction; twice is once."""
    key = allowance_key(case.customer.id, month)
    await append_credits(
        case.customer.id,
        [LedgerEntry(granted.amount, EntryKind.GRANT, granted.created_at, key, expires_at=granted.expires_at)],
        cause=f"operation:{case.operation.id}",
        reason=granted.reason,
        metronome_credit_id=granted.id,
    )


async def post_allowance(
    case: Case,
    entries: tuple[LedgerEntry, ...],
    tools: Tools,
    *,
    step: str,
    month: Period,
    contract_id: str | None = None,
) -> Refusal | None:
    """Change the allowance of a credit month in Metronome by what the entries sum to, then append them.

    When the month is over before Metronome takes it, it is `TOO_LATE`: the engine has granted the next one by then.
    `contract_id` names the contract the allowance belongs to, where that is not the current subscription's yet.
    """
    amount = sum(entry.amount for entry in entries)
    metronome_customer_id = settled(case.customer.metronome_customer_id)
    key = f"{case.operation.id}:{step}"
    cause = f"operation:{case.operation.id}"
    if not entries:
        return None
    if amount == 0:
        async with in_transaction():
            await append_credits(case.customer.id, entries, cause=cause, reason=ALLOWANCE)
        return None
    expires_at = next((entry.expires_at for entry in entries if entry.expires_at), None)

    async def settle(credit: Credit) -> None:
        written = _as_taken(case, entries, credit, month) if amount < 0 else entries
        await append_credits(case.customer.id, written, cause=cause, reason=ALLOWANCE, metronome_credit_id=credit.id)

    return await perform(
        case.operation.id,
        Effect(
            step=step,
            provider=Provider.METRONOME,
            send=lambda idempotency_key: tools.metronome.create_credit(
                customer_id=metronome_customer_id,
                contract_id=contract_id or settled(case.subscription.metronome_contract_id),
                amount=amount,
                expires_at=expires_at if amount > 0 else None,
                reason=ALLOWANCE,
                uniqueness_key=key,
                idempotency_key=idempotency_key,
            ),
            look_up=lambda _: tools.metronome.find_credit(customer_id=metronome_customer_id, uniqueness_key=key),
            settle=settle,
            until=midnight(month.end),
        ),
        tools.now,
    )


def _as_taken(case: Case, entries: tuple[LedgerEntry, ...], credit: Credit, month: Period) -> tuple[LedgerEntry, ...]:
    """What arrived after its month had ended took from the allowance of the next one."""
    if credit.created_at < midnight(month.end):
        return entries
    taken_from = credit_month_at(case.subscription.credit_anchor, credit.created_at.date())
    grant = allowance_key(case.customer.id, taken_from)
    return tuple(replace(entry, grant=grant, at=credit.created_at) for entry in entries)
