"""The end of a contract, set or taken back at Metronome by somebody else: the subscription shows what will happen."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from billing.lifecycle import STANDING
from billing.periods import midnight
from integrations.metronome.types import Contract
from models import Customer, Subscription
from operations.activity import record
from operations.schedule_change import NOTHING_SCHEDULED


@dataclass(frozen=True, slots=True)
class Turn:
    """What becomes of the subscription, and how its customer's timeline tells it."""

    changes: Mapping[str, object]
    kind: str
    summary: str


def turn_of(subscription: Subscription, contract: Contract) -> Turn | None:
    """None when the subscription says already how its contract ends. An end in a later period is none yet."""
    if subscription.status not in STANDING:
        return None
    end = contract.end_date
    ends = end is not None and end <= midnight(subscription.period_end)
    plan = f"{subscription.tier} {subscription.billing_period}"
    # Where a change is scheduled, the contract ends for it, unless somebody has cancelled it besides.
    is_to_be_followed = subscription.scheduled_plan is not None and contract.cancelled_at is None
    if ends and not subscription.cancel_at_period_end and not is_to_be_followed:
        return Turn(
            {**NOTHING_SCHEDULED, "cancel_at_period_end": True},
            "subscription.cancellation_scheduled",
            f"Ends on {end:%Y-%m-%d}, as set at Metronome",
        )
    if not ends and subscription.cancel_at_period_end:
        return Turn(
            {"cancel_at_period_end": False},
            "subscription.reactivated",
            f"On {plan}: the end was taken back at Metronome",
        )
    if not ends and subscription.scheduled_plan is not None:
        return Turn(
            NOTHING_SCHEDULED,
            "subscription.change_withdrawn",
            f"Stays on {plan}: the end of its contract was taken back at Metronome",
        )
    return None


async def follow_end(subscription: Subscription, contract: Contract, at: datetime) -> None:
    """Called within a transaction, with the subscription's row locked and no operation that is about to change it."""
    turn = turn_of(subscription, contract)
    if turn is None:
        return
    await Subscription.filter(id=subscription.id).update(**turn.changes, updated_at=at)
    await record(
        turn.kind,
        turn.summary,
        at=at,
        customer=await Customer.get(id=subscription.customer_id),
        data={"subscription": subscription.id, "contract": contract.id},
    )
