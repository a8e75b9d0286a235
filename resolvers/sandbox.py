"""The sandbox query and its mutations. With real providers there is none: null, and SANDBOX_ONLY."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import operations.sandbox
from billing.errors import BillingError, InvalidInput, SandboxOnly
from billing.periods import period_at
from billing.tiers import BillingPeriod
from models.ids import ID_LENGTH
from operations.sandbox import next_due
from resolvers.pages import searchable
from schema.context import Info
from schema.errors import user_errors
from schema.types.enums import SandboxStep
from schema.types.sandbox import (
    AddSandboxFaultInput,
    AdvanceSandboxClockInput,
    AuthenticateSandboxPaymentInput,
    Sandbox,
    SandboxCard,
    SandboxEvent,
    SandboxFault,
    SandboxPayload,
)
from schema.types.scalars import BigInt

_CARDS = [
    SandboxCard(payment_method_id=name, number=number, does=does)
    for name, number, does in (
        ("pm_card_visa", "4242 4242 4242 4242", "Always pays"),
        ("pm_card_mastercard", "5555 5555 5555 4444", "Always pays"),
        ("pm_card_amex", "3782 822463 10005", "Always pays"),
        ("pm_card_chargeCustomerFail", "4000 0000 0000 0341", "Goes on file; every payment is declined"),
        ("pm_card_chargeDeclined", "4000 0000 0000 0002", "Cannot be put on file: declined"),
        ("pm_card_authenticationRequired", "4000 0027 6000 3184", "Asks for 3-D Secure at every payment"),
        (
            "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",
            "4000 0082 6000 3178",
            "Asks for 3-D Secure, then is declined: insufficient funds",
        ),
        ("pm_card_pendingRefund", "4000 0000 0000 7726", "Pays; a refund is pending for a while"),
        ("pm_card_refundFail", "4000 0000 0000 5126", "Pays; a refund succeeds at first and fails later"),
    )
]


async def sandbox(info: Info) -> Sandbox | None:
    mocks = info.context.sandbox
    return await _state(mocks) if mocks else None


async def advance_sandbox_clock(info: Info, input: AdvanceSandboxClockInput) -> SandboxPayload:  # noqa: A002  its name in the schema
    async def advance(mocks: operations.sandbox.Sandbox) -> None:
        await mocks.advance_to(await _destination(input, mocks.clock.now()))

    return await _done(info, advance)


async def add_sandbox_fault(info: Info, input: AddSandboxFaultInput) -> SandboxPayload:  # noqa: A002  same
    return await _done(info, lambda mocks: mocks.add_fault(input.provider, input.kind, times=input.times))


async def clear_sandbox_faults(info: Info) -> SandboxPayload:
    return await _done(info, lambda mocks: mocks.clear_faults())


async def authenticate_sandbox_payment(info: Info, input: AuthenticateSandboxPaymentInput) -> SandboxPayload:  # noqa: A002  same
    payment_id = searchable(input.payment_id, longest=ID_LENGTH)
    return await _done(info, lambda mocks: mocks.authenticate(payment_id, success=input.success))


async def _done(info: Info, act: Callable[[operations.sandbox.Sandbox], Awaitable[None]]) -> SandboxPayload:
    mocks = info.context.sandbox
    try:
        if mocks is None:
            raise SandboxOnly
        await act(mocks)
    except BillingError as problem:
        return SandboxPayload(user_errors=user_errors(problem))
    return SandboxPayload(sandbox=await _state(mocks))


async def _destination(wanted: AdvanceSandboxClockInput, now: datetime) -> datetime:
    match wanted.by, wanted.to:
        case None, datetime() as moment:
            return moment
        case SandboxStep.DAY, None:
            return now + timedelta(days=1)
        case SandboxStep.MONTH, None:
            today = now.date()
            return now + (period_at(today, BillingPeriod.MONTHLY, today).end - today)
        case SandboxStep.NEXT_EVENT, None:
            if due := await next_due(now):
                return due.at
            raise InvalidInput("by", "has no event to go to: nobody has a live subscription")
    raise InvalidInput("by", "or to is needed, and not both")


async def _state(mocks: operations.sandbox.Sandbox) -> Sandbox:
    now = mocks.clock.now()
    due = await next_due(now)
    return Sandbox(
        now=now,
        ahead_seconds=BigInt(round(mocks.clock.ahead.total_seconds())),
        next_event=SandboxEvent(at=due.at, what=due.what) if due else None,
        faults=[
            SandboxFault(provider=provider, kind=fault.kind, times=fault.times, hits=fault.hits)
            for provider, fault in await mocks.faults()
        ],
        cards=_CARDS,
    )
