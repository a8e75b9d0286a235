import strawberry

from schema.types.customer import Customer
from schema.types.enums import BillingPeriod, EntityType, Tier
from schema.types.errors import UserError, Warning
from schema.types.invoice import Invoice
from schema.types.money import MoneyInput
from schema.types.operation import Operation
from schema.types.payment import Payment
from schema.types.scalars import JSON, BigInt
from schema.types.subscription import Subscription


@strawberry.input(description="Who is billed.")
class EntityInput:
    id: str = strawberry.field(description="Your own id: 1 to 128 letters, digits and . _ : @ -")
    type: EntityType
    name: str
    email: str
    metadata: JSON | None = strawberry.field(default=None, description="Up to 49 short strings of your own, by key.")


@strawberry.input(description="What an ENTERPRISE customer agreed to.")
class EnterpriseTermsInput:
    price: MoneyInput = strawberry.field(description="For one billing period.")
    credits_per_month: BigInt


@strawberry.input
class OnboardInput:
    entity: EntityInput
    tier: Tier = Tier.FREE
    billing_period: BillingPeriod = BillingPeriod.MONTHLY
    enterprise_terms: EnterpriseTermsInput | None = strawberry.field(
        default=None, description="Required for ENTERPRISE, refused for every other tier."
    )
    payment_method_id: str | None = strawberry.field(
        default=None, description="A Stripe payment method; becomes the default."
    )
    idempotency_key: str | None = strawberry.field(
        default=None, description="Your name for this request: sent again, it gets the same answer."
    )


@strawberry.type(description="What an onboarding came to, or how far it is.")
class OnboardPayload:
    customer: Customer | None = None
    subscription: Subscription | None = None
    invoice: Invoice | None = strawberry.field(default=None, description="The first invoice; FREE has none.")
    payment: Payment | None = strawberry.field(default=None, description="The latest attempt to collect it.")
    operation: Operation | None = None
    warnings: list[Warning] = strawberry.field(default_factory=list)
    user_errors: list[UserError] = strawberry.field(default_factory=list)
