"""Whose an event is, and whether this is the moment to act on it."""

from datetime import datetime, timedelta

from models import Customer, Operation, OperationStatus, Provider
from operations.accepting import UNDER_WAY
from webhooks.inbox import Claimed
from webhooks.outcomes import Busy, Ignored, NotYet, Parked

EARLY = timedelta(minutes=5)
"""An event may be faster than the commit that makes its object known here."""


async def owner(row: Claimed, *, provider_customer_id: str | None, entity_id: str | None, now: datetime) -> Customer:
    """The customer an event is about. `entity_id` is what the provider's object says, while our row lacks its id."""
    if provider_customer_id is None:
        raise Ignored("The event names no customer.")
    if customer := await _customer(row.provider, provider_customer_id):
        return customer
    unknown = f"No customer here is {provider_customer_id} at {row.provider.capitalize()}."
    if is_early(row, now):
        raise NotYet(unknown)
    if entity_id and (running := await _running(customer__entity_id=entity_id)):
        raise Busy(f"{unknown} Operation {running} of {entity_id} is still running.")
    raise Parked(unknown)


def is_early(row: Claimed, now: datetime) -> bool:
    return now - row.received_at < EARLY


async def require_idle(customer: Customer) -> None:
    """Within the change's transaction: what a running operation is about to write is left to it."""
    if running := await _running(customer_id=customer.id):
        raise Busy(f"Operation {running} of {customer.entity_id} is still running.")


async def require_free(customer: Customer) -> None:
    """The same, and no operation that waits for its payer either: there is room for one of ours."""
    await require_idle(customer)
    if waiting := await _under_way(customer):
        raise Busy(f"Operation {waiting} of {customer.entity_id} waits for its payer.")


async def not_worked_in(customer: Customer, what: str) -> NotYet:
    """What to raise for something whose own event is still to be handled, maybe because it waits itself."""
    return Busy(what) if await _under_way(customer) else NotYet(what)


async def unknown_object(row: Claimed, customer: Customer, *, what: str, now: datetime) -> NotYet | Parked:
    """What to raise for an object of a customer of ours that our rows do not have."""
    if running := await _running(customer_id=customer.id):
        return Busy(f"{what} is not known here, and operation {running} of {customer.entity_id} is still running.")
    return NotYet(f"{what} is not known here yet.") if is_early(row, now) else Parked(f"{what} was not made here.")


async def _customer(provider: Provider, provider_customer_id: str) -> Customer | None:
    if provider is Provider.METRONOME:
        return await Customer.get_or_none(metronome_customer_id=provider_customer_id)
    return await Customer.get_or_none(stripe_customer_id=provider_customer_id)


async def _under_way(customer: Customer) -> str | None:
    operation = await Operation.filter(customer_id=customer.id, status__in=UNDER_WAY).first()
    return operation.id if operation else None


async def _running(**whose: str) -> str | None:
    operation = await Operation.filter(status=OperationStatus.RUNNING, **whose).first()
    return operation.id if operation else None
