"""The table of contents: every query and mutation, and the room that answers it."""

import strawberry
from strawberry.schema.config import StrawberryConfig

import resolvers.credits
import resolvers.customers
import resolvers.health
import resolvers.invoices
import resolvers.onboarding
import resolvers.operations
import resolvers.subscriptions
from schema.extensions import GuardedSchema
from schema.types.connection import Connection
from schema.types.credits import CreditBalance, CreditEntry
from schema.types.customer import Customer
from schema.types.health import ServiceHealth
from schema.types.invoice import Invoice
from schema.types.onboarding import OnboardPayload
from schema.types.operation import Operation
from schema.types.payment import Payment
from schema.types.scalars import SCALARS
from schema.types.subscription import Subscription
from schema.types.tier import TierInfo


@strawberry.type
class Query:
    customer: Customer | None = strawberry.field(
        resolver=resolvers.customers.customer, description="One customer, by your id."
    )
    customers: Connection[Customer] = strawberry.field(resolver=resolvers.customers.customers)
    subscription: Subscription | None = strawberry.field(
        resolver=resolvers.subscriptions.subscription,
        description="A customer's live subscription, or the last that was.",
    )
    credits: CreditBalance | None = strawberry.field(
        resolver=resolvers.credits.credits, description="The balance now, or as of an earlier instant."
    )
    credit_ledger: Connection[CreditEntry] = strawberry.field(resolver=resolvers.credits.credit_ledger)
    invoices: Connection[Invoice] = strawberry.field(resolver=resolvers.invoices.invoices)
    payments: Connection[Payment] = strawberry.field(resolver=resolvers.invoices.payments)
    tiers: list[TierInfo] = strawberry.field(resolver=resolvers.subscriptions.tiers, description="What can be bought.")
    operation: Operation | None = strawberry.field(resolver=resolvers.operations.operation)
    operations: Connection[Operation] = strawberry.field(resolver=resolvers.operations.operations)
    service_health: ServiceHealth = strawberry.field(resolver=resolvers.health.service_health)


@strawberry.type
class Mutation:
    onboard: OnboardPayload = strawberry.field(
        resolver=resolvers.onboarding.onboard,
        description="Create a customer in Metronome and Stripe, on a plan, with credits and, if paid, a first invoice.",
    )


def make_schema() -> GuardedSchema:
    return GuardedSchema(Query, mutation=Mutation, config=StrawberryConfig(scalar_map=SCALARS))


__all__ = ["Mutation", "Query", "make_schema"]
