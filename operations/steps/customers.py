"""The customer, at each provider. Neither needs the other."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from integrations.errors import Rejected
from integrations.metronome import types as metronome
from integrations.stripe.types import StripeCustomer
from models import Customer, Provider
from operations.effects import Effect, Refusal, perform
from operations.steps.case import Case, settled
from operations.tools import Tools

Theirs = TypeVar("Theirs", metronome.Customer, StripeCustomer)

ENTITY_ID = "entity_id"
"""What Stripe's metadata has besides ours."""

# How far Stripe's clock and ours may differ.
CLOCKS_APART = timedelta(minutes=5)


async def create_metronome_customer(case: Case, tools: Tools) -> Refusal | None:
    customer = case.customer

    async def settle(created: metronome.Customer) -> None:
        await Customer.filter(id=customer.id).update(metronome_customer_id=created.id, updated_at=tools.now())

    return await perform(
        case.operation.id,
        Effect(
            step="metronome_customer",
            provider=Provider.METRONOME,
            send=lambda key: tools.metronome.create_customer(
                entity_id=customer.entity_id,
                entity_type=customer.entity_type,
                name=customer.name,
                email=customer.email,
                metadata=customer.metadata,
                idempotency_key=key,
            ),
            look_up=lambda _: tools.metronome.find_customer(entity_id=customer.entity_id),
            settle=settle,
        ),
        tools.now,
    )


async def create_stripe_customer(case: Case, tools: Tools) -> Refusal | None:
    customer = case.customer

    async def settle(created: StripeCustomer) -> None:
        await Customer.filter(id=customer.id).update(stripe_customer_id=created.id, updated_at=tools.now())

    return await perform(
        case.operation.id,
        Effect(
            step="stripe_customer",
            provider=Provider.STRIPE,
            send=lambda key: tools.stripe.create_customer(
                entity_id=customer.entity_id,
                name=customer.name,
                email=customer.email,
                metadata=customer.metadata,
                idempotency_key=key,
            ),
            look_up=lambda since: tools.stripe.find_customer(
                entity_id=customer.entity_id, created_since=since - CLOCKS_APART
            ),
            settle=settle,
        ),
        tools.now,
    )


async def correct_metronome_customer(case: Case, tools: Tools) -> Refusal | None:
    """An onboarding that failed left a customer there; what was asked since may be another name."""
    customer_id = settled(case.customer.metronome_customer_id)
    get = partial(tools.metronome.get_customer, customer_id=customer_id)
    update = partial(tools.metronome.update_customer, customer_id=customer_id)
    return await _correct(case, tools, Provider.METRONOME, get=get, update=update)


async def correct_stripe_customer(case: Case, tools: Tools) -> Refusal | None:
    customer_id = settled(case.customer.stripe_customer_id)
    get = partial(tools.stripe.get_customer, customer_id=customer_id)
    update = partial(tools.stripe.update_customer, customer_id=customer_id, entity_id=case.customer.entity_id)
    return await _correct(case, tools, Provider.STRIPE, get=get, update=update)


async def _correct(
    case: Case,
    tools: Tools,
    provider: Provider,
    *,
    get: Callable[[], Awaitable[Theirs]],
    update: Callable[..., Awaitable[Theirs]],
) -> Refusal | None:
    customer = case.customer
    try:
        found = await get()
    except Rejected as gone:
        return Refusal(gone.code, gone.message)
    if _says(found, customer):
        return None
    metadata = {**dict.fromkeys(found.metadata), **customer.metadata}  # None: what is to go

    async def look_up(_: datetime) -> Theirs | None:
        there = await get()
        return there if _says(there, customer) else None

    return await perform(
        case.operation.id,
        Effect(
            step=f"{provider.value.lower()}_customer_corrected",
            provider=provider,
            send=lambda key: update(name=customer.name, email=customer.email, metadata=metadata, idempotency_key=key),
            look_up=look_up,
        ),
        tools.now,
    )


def _says(theirs: metronome.Customer | StripeCustomer, ours: Customer) -> bool:
    metadata = {key: value for key, value in theirs.metadata.items() if key != ENTITY_ID}
    return (theirs.name, theirs.email, metadata) == (ours.name, ours.email, ours.metadata)
