"""Where a customer stands, as the core wants to know it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from billing.changes import Position
from billing.credits import LedgerEntry, allowance_key, draw, expire_due
from billing.errors import (
    BillingError,
    CustomerNotFound,
    EndScheduled,
    NoLiveSubscription,
    ProviderRejected,
    ProviderUnavailable,
    RenewalPending,
)
from billing.lifecycle import LIVE, SubscriptionEvent, next_status
from billing.money import Money
from billing.periods import credit_month_at
from integrations.errors import Rejected, Unavailable
from models import CreditEntry, Customer, Provider, Subscription
from operations.effects import TOO_LATE, Refusal
from operations.steps.ledger import append_credits, credit_entries
from operations.tools import Tools


async def current(entity_id: str) -> tuple[Customer, Subscription]:
    customer = await Customer.get_or_none(entity_id=entity_id)
    if customer is None:
        raise CustomerNotFound(entity_id)
    return customer, await Subscription.get(customer_id=customer.id, is_current=True)


def position_of(customer: Customer, subscription: Subscription, entries: Sequence[LedgerEntry]) -> Position:
    return Position(
        plan=subscription.plan,
        period=subscription.period,
        anchor=subscription.anchor,
        credit_anchor=subscription.credit_anchor,
        paid_uncredited=Money(subscription.paid_minor, subscription.currency),
        account_balance=Money(customer.account_balance_minor, subscription.currency),
        owner=customer.id,
        entries=entries,
    )


def check_changeable(customer: Customer, subscription: Subscription, at: datetime) -> None:
    """Raises a `BillingError` unless the plan may be changed now."""
    check_live(customer, subscription)
    next_status(subscription.status, SubscriptionEvent.PLAN_CHANGED)
    if subscription.cancel_at_period_end:
        raise EndScheduled(customer.entity_id, subscription.period_end)
    check_period(customer, subscription, at)


def check_live(customer: Customer, subscription: Subscription) -> None:
    if subscription.status not in LIVE:
        raise NoLiveSubscription(customer.entity_id)


def check_period(customer: Customer, subscription: Subscription, at: datetime) -> None:
    """The period's end is the engine's to announce; until its news is worked in, nothing is decided on old ground."""
    if at.date() >= subscription.period_end:
        raise RenewalPending(customer.entity_id)


def check_month(customer: Customer, subscription: Subscription, entries: Sequence[LedgerEntry], at: datetime) -> None:
    """The same for the credit month: its allowance must be in the ledger."""
    key = allowance_key(customer.id, credit_month_at(subscription.credit_anchor, at.date()))
    if subscription.credits_per_month and all(entry.pool != key for entry in entries):
        raise RenewalPending(customer.entity_id)


def why_not(refusal: Refusal, entity_id: str) -> BillingError:
    """Metronome did not take what was decided: because it would not, or was away until that day's period had ended."""
    if refusal.code == TOO_LATE:
        return RenewalPending(entity_id)
    return ProviderRejected(Provider.METRONOME.value.lower(), refusal.message)


@dataclass(frozen=True, slots=True)
class CreditsLeft:
    """What Metronome said is left, and how many entries the ledger had just before it was asked."""

    amount: int
    ledger_length: int


async def credits_in_metronome(customer: Customer, tools: Tools) -> CreditsLeft | None:
    """What is left there; usage is known only to the provider."""
    if customer.metronome_customer_id is None:
        return None
    ledger_length = await CreditEntry.filter(customer_id=customer.id).count()
    found = await tools.metronome.balance(customer_id=customer.metronome_customer_id)
    return CreditsLeft(found.balance, ledger_length)


async def credits_to_decide_on(customer: Customer, tools: Tools) -> CreditsLeft | None:
    """The same before a verb is accepted: that Metronome does not tell is the caller's to know."""
    try:
        return await credits_in_metronome(customer, tools)
    except Unavailable as problem:
        raise ProviderUnavailable(problem.provider) from problem
    except Rejected as problem:
        raise ProviderRejected(problem.provider, problem.message) from problem


def unrecorded(
    entries: Sequence[LedgerEntry], left: CreditsLeft | None, *, key: str, at: datetime
) -> tuple[LedgerEntry, ...]:
    """What went in Metronome since the ledger last heard of it, as entries to append: expired, or spent.

    What has expired is no part of Metronome's balance, so it must not be taken for spent. An answer older than the
    ledger tells nothing: what came in between would look spent, or hide what was.
    """
    if left is None or left.ledger_length != len(entries):
        return ()
    expired = expire_due(entries, at=at)
    standing = [*entries, *expired]
    spent = sum(entry.amount for entry in standing) - left.amount
    return expired + (draw(standing, amount=spent, at=at, key=key) if spent > 0 else ())


async def record_usage(
    customer: Customer, left: CreditsLeft | None, *, operation_id: str, at: datetime
) -> list[LedgerEntry]:
    """Bring the ledger up to what Metronome said, and return all of it. Called in the accepting transaction."""
    entries = await credit_entries(customer.id)
    gone = unrecorded(entries, left, key=f"operation:{operation_id}:usage", at=at)
    await append_credits(customer.id, gone, cause=f"operation:{operation_id}", reason="Spent or expired")
    return [*entries, *gone]
