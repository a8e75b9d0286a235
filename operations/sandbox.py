"""What can be done while both providers are mocks: set the time ahead, let a provider fail, be the cardholder.

Nothing here touches a row of ours. What follows, follows as it would with the real providers.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, Self

import httpx
import structlog

from billing.errors import BillingError, InvalidInput, PaymentNotFound, ProviderRejected, ProviderUnavailable
from billing.lifecycle import LIVE
from billing.periods import credit_month_at, midnight
from integrations.errors import ProviderError, Rejected
from integrations.mocks import FaultKind, MockControl, MockFault
from models import Invoice, Operation, OperationStatus, Payment, Provider, Subscription

log = structlog.get_logger()

LONGEST_STEP = timedelta(days=366)
# A boundary is a moment; what is due then is looked for once it is over.
_JUST_AFTER = timedelta(seconds=1)


class SandboxStep(StrEnum):
    DAY = "DAY"
    MONTH = "MONTH"
    NEXT_EVENT = "NEXT_EVENT"


class MovableClock(Protocol):
    def now(self) -> datetime: ...

    @property
    def ahead(self) -> timedelta: ...

    def advance_to(self, moment: datetime) -> None: ...

    def set_ahead(self, ahead: timedelta) -> None: ...


@dataclass(frozen=True, slots=True)
class Due:
    """The next thing that happens by itself."""

    at: datetime
    what: str


@dataclass(frozen=True, slots=True)
class Sandbox:
    clock: MovableClock
    metronome: MockControl
    stripe: MockControl
    _moving: asyncio.Lock = field(default_factory=asyncio.Lock)

    @classmethod
    def of(cls, clock: MovableClock, metronome: httpx.AsyncClient, stripe: httpx.AsyncClient) -> Self:
        return cls(clock, MockControl(metronome, "metronome"), MockControl(stripe, "stripe"))

    async def join(self) -> None:
        """Go by the mocks' time from the start: they may have been set ahead in an earlier life of ours."""
        try:
            await self.follow()
        except ProviderError as problem:
            log.warning("sandbox.clock_unknown", problem=str(problem))

    async def follow(self) -> None:
        """Raises a `ProviderError` when a mock does not tell its time."""
        self.clock.set_ahead(max(await self.metronome.offset(), await self.stripe.offset()))

    async def advance_to(self, moment: datetime) -> None:
        """Stripe's clock, ours, Metronome's: each is ahead by the time that the next one tells of it."""
        async with self._moving:
            now = self.clock.now()
            if not timedelta(0) < moment - now <= LONGEST_STEP:
                raise InvalidInput("to", f"must be after {now.isoformat()} and within {LONGEST_STEP.days} days")
            try:
                await self.stripe.advance_to(moment)
                self.clock.advance_to(moment)
                await self.metronome.advance_to(moment)
            except ProviderError as problem:
                raise _told(problem) from problem

    async def add_fault(self, provider: Provider, fault: FaultKind, *, times: int | None) -> None:
        if times is not None and not 1 <= times <= 1000:
            raise InvalidInput("times", "must be from 1 to 1000")
        try:
            await self._control(provider).add_fault(fault, times=times)
        except ProviderError as problem:
            raise _told(problem) from problem

    async def clear_faults(self) -> None:
        try:
            for control in (self.metronome, self.stripe):
                await control.clear_faults()
        except ProviderError as problem:
            raise _told(problem) from problem

    async def faults(self) -> list[tuple[Provider, MockFault]]:
        """Those that still strike. A mock that is away has none to tell of."""
        found = []
        for provider in Provider:
            try:
                found += [(provider, fault) for fault in await self._control(provider).faults() if not fault.spent]
            except ProviderError:
                continue
        return found

    async def authenticate(self, payment_id: str, *, success: bool) -> None:
        """Answer the 3-D Secure question of a payment as its cardholder would."""
        payment = await Payment.get_or_none(id=payment_id)
        if payment is None or payment.stripe_payment_intent_id is None:
            raise PaymentNotFound(payment_id)
        try:
            await self.stripe.authenticate(payment.stripe_payment_intent_id, success=success)
        except ProviderError as problem:
            raise _told(problem) from problem

    def _control(self, provider: Provider) -> MockControl:
        return self.stripe if provider is Provider.STRIPE else self.metronome


async def next_due(now: datetime) -> Due | None:
    """The earliest of: a period's end, a credit month's end, a retry of a payment, the end of a wait for a payer."""
    dues = [await _period_end(now), await _credit_month(now), await _retry(now), await _wait(now)]
    return min((due for due in dues if due), key=lambda due: due.at, default=None)


async def _period_end(now: datetime) -> Due | None:
    query = Subscription.filter(status__in=LIVE, period_end__gt=now.date()).order_by("period_end")
    row = await query.first().values_list("period_end")
    return Due(midnight(row[0]) + _JUST_AFTER, "A billing period ends") if row else None


async def _credit_month(now: datetime) -> Due | None:
    today = now.date()
    anchors = (
        await Subscription.filter(status__in=LIVE, credit_anchor__lte=today).distinct().values_list("credit_anchor")
    )
    end = min((credit_month_at(anchor, today).end for (anchor,) in anchors), default=None)
    return Due(midnight(end) + _JUST_AFTER, "Monthly credits are renewed") if end else None


async def _retry(now: datetime) -> Due | None:
    row = (
        await Invoice.filter(next_attempt_at__gt=now).order_by("next_attempt_at").first().values_list("next_attempt_at")
    )
    return Due(row[0] + _JUST_AFTER, "An overdue invoice is tried again") if row else None


async def _wait(now: datetime) -> Due | None:
    waiting = Operation.filter(status=OperationStatus.REQUIRES_ACTION, action_expires_at__gt=now)
    row = await waiting.order_by("action_expires_at").first().values_list("action_expires_at")
    return Due(row[0] + _JUST_AFTER, "An operation stops waiting for its payer") if row else None


def _told(problem: ProviderError) -> BillingError:
    if isinstance(problem, Rejected):
        return ProviderRejected(problem.provider, problem.message)
    return ProviderUnavailable(problem.provider)
