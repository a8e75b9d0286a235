"""grantCredits: credits by hand, with an expiry of their own, which outlive any change of the subscription."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from tortoise.transactions import in_transaction

from billing.credits import LedgerEntry, grant_by_hand
from billing.errors import InvalidInput, NoLiveSubscription, ProviderRejected
from integrations.metronome.types import Credit
from models import OperationKind, Provider
from operations.accepting import Request, Standing, undertake
from operations.activity import record
from operations.effects import Effect, Refusal, perform
from operations.ending import fail, succeed
from operations.engine import Engine, Next, Step
from operations.refund import check_reason
from operations.steps.case import Case, settled
from operations.steps.ledger import append_credits
from operations.terms import entry_json, entry_of
from operations.tools import Tools

MAX_GRANT = 10**12
MAX_BALANCE = 10**15  # what every client can still read as a number
LONGEST = timedelta(days=36_525)  # a century: later is a typing mistake, and Metronome's calendar ends
NO_REASON = "Granted by hand"


async def grant_credits(
    entity_id: str,
    amount: int,
    *,
    expires_at: datetime | None,
    reason: str | None,
    idempotency_key: str | None,
    engine: Engine,
    tools: Tools,
    wait_seconds: float,
) -> str:
    """Returns the operation's id."""
    if amount > MAX_GRANT:
        raise InvalidInput("amount", f"must be at most {MAX_GRANT}")
    if expires_at is not None and expires_at > tools.now() + LONGEST:
        raise InvalidInput("expiresAt", "must lie within a century")
    check_reason(reason)

    async def decide(standing: Standing) -> Mapping[str, object]:
        if standing.customer.metronome_customer_id is None:
            raise NoLiveSubscription(entity_id)
        if standing.customer.credit_balance + amount > MAX_BALANCE:
            raise InvalidInput("amount", f"would bring the balance above {MAX_BALANCE}")
        key = f"operation:{standing.operation_id}:grant"
        entry = grant_by_hand(amount=amount, key=key, at=tools.now(), expires_at=expires_at)
        return {"entry": entry_json(entry), "reason": reason or NO_REASON}

    request = Request(
        kind=OperationKind.GRANT_CREDITS,
        entity_id=entity_id,
        given={"amount": amount, "expires_at": expires_at and expires_at.isoformat(), "reason": reason},
        idempotency_key=idempotency_key,
    )
    return await undertake(request, decide, engine=engine, tools=tools, wait_seconds=wait_seconds)


async def post_grant(operation_id: str, tools: Tools) -> Next:
    case = await Case.load(operation_id)
    refusal = await _post(case, entry_of(case.operation.input["entry"]), case.operation.input["reason"], tools)
    if refusal is None:
        return Next.CONTINUE
    async with in_transaction():
        await fail(operation_id, ProviderRejected("metronome", refusal.message), at=tools.now())
    return Next.STOP


async def _post(case: Case, entry: LedgerEntry, reason: str, tools: Tools) -> Refusal | None:
    """Without a contract, so that no contract's end takes them away."""
    metronome_customer_id = settled(case.customer.metronome_customer_id)

    async def settle(credit: Credit) -> None:
        await append_credits(
            case.customer.id,
            [entry],
            cause=f"operation:{case.operation.id}",
            reason=reason,
            metronome_credit_id=credit.id,
        )

    return await perform(
        case.operation.id,
        Effect(
            step="metronome_credits",
            provider=Provider.METRONOME,
            send=lambda key: tools.metronome.create_credit(
                customer_id=metronome_customer_id,
                contract_id=None,
                amount=entry.amount,
                expires_at=entry.expires_at,
                reason=reason,
                uniqueness_key=entry.key,
                idempotency_key=key,
            ),
            look_up=lambda _: tools.metronome.find_credit(customer_id=metronome_customer_id, uniqueness_key=entry.key),
            settle=settle,
        ),
        tools.now,
    )


async def conclude_grant(operation_id: str, tools: Tools) -> Next:
    async with in_transaction():
        case = await Case.load(operation_id)
        if await succeed(operation_id, at=tools.now()):
            entry = entry_of(case.operation.input["entry"])
            await record(
                "credits.granted",
                f"{entry.amount} credits granted by hand",
                at=tools.now(),
                customer=case.customer,
                operation_id=operation_id,
            )
    return Next.CONTINUE


STEPS: tuple[Step, ...] = (post_grant, conclude_grant)
