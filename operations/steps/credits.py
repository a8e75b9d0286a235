from datetime import datetime

from tortoise.expressions import F

from billing.credits import EntryKind
from billing.periods import Period, credit_month_at, midnight
from integrations.metronome.types import Credit
from models import CreditEntry, Customer, Provider
from operations.effects import Effect, Refusal, perform
from operations.steps.case import Case, settled
from operations.tools import Tools


async def grant_first_credits(case: Case, tools: Tools) -> Refusal | None:
    """The allowance of the first credit month; later months are granted by the engine."""
    subscription = case.subscription
    month = credit_month_at(subscription.credit_anchor, subscription.period_start)
    key = f"{subscription.id}:{month.start}"
    if subscription.credits_per_month == 0 or await CreditEntry.exists(key=key):
        return None
    metronome_customer_id = settled(case.customer.metronome_customer_id)

    async def settle(credit: Credit) -> None:
        await _append_grant(case, month, key, credit.id, tools.now())

    return await perform(
        case.operation.id,
        Effect(
            step="metronome_credits",
            provider=Provider.METRONOME,
            send=lambda idempotency_key: tools.metronome.create_credit(
                customer_id=metronome_customer_id,
                contract_id=settled(subscription.metronome_contract_id),
                amount=subscription.credits_per_month,
                expires_at=midnight(month.end),
                reason="Monthly allowance",
                uniqueness_key=key,
                idempotency_key=idempotency_key,
            ),
            look_up=lambda _: tools.metronome.find_credit(customer_id=metronome_customer_id, uniqueness_key=key),
            settle=settle,
        ),
        tools.now,
    )


async def _append_grant(case: Case, month: Period, key: str, metronome_credit_id: str, at: datetime) -> None:
    amount = case.subscription.credits_per_month
    await CreditEntry.create(
        customer_id=case.customer.id,
        kind=EntryKind.GRANT,
        amount=amount,
        at=at,
        key=key,
        cause=f"operation:{case.operation.id}",
        reason="Monthly allowance",
        expires_at=midnight(month.end),
        metronome_credit_id=metronome_credit_id,
    )
    await Customer.filter(id=case.customer.id).update(credit_balance=F("credit_balance") + amount)
