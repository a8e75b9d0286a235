"""The customer, at each provider. Neither needs the other."""

from datetime import timedelta

from integrations.metronome import types as metronome
from integrations.stripe.types import StripeCustomer
from models import Customer, Provider
from operations.effects import Effect, Refusal, perform
from operations.steps.case import Case
from operations.tools import Tools

# How far Stripe's clock and ours may differ.
CLOCKS_APART = timedelta(minutes=5)


async def create_metronome_customer(case: Case, tools: Tools) -> Refusal | None:
    customer = case.customer
    if customer.metronome_customer_id is not None:
        return None

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
    if customer.stripe_customer_id is not None:
        return None

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
