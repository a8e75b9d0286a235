import strawberry

from schema.types.customer import Customer
from schema.types.enums import BillingPeriod, EntityType, Tier
from schema.types.errors import OperationWarning, UserError
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
    name: str = strawberry.field(description="1 to 200 characters.")
    email: str
    metadata: JSON | None = strawberry.field(
        default=None, description="An object of at most 49 strings: keys of 1 to 40 characters, values of 1 to 500."
    )


@strawberry.input(description="What an ENTERPRISE customer agreed to.")
class EnterpriseTermsInput:
    price: MoneyInput = strawberry.field(description="For one billing period: zero, or at least what can be charged.")
    credits_per_month: BigInt


@strawberry.input(description="Who, on which plan, paid with what.")
class OnboardInput:
    entity: EntityInput
    tier: Tier = Tier.FREE
    billing_period: BillingPeriod = BillingPeriod.MONTHLY
    enterprise_terms: EnterpriseTermsInput | None = strawberry.field(
        default=None, description="Required for ENTERPRISE, refused for every other tier."
    )
    payment_method_id: str | None = strawberry.field(
        default=None, description="A Stripe payment method, as `pm_...`; becomes the default."
    )
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="Your name for this request, 1 to 255 characters: sent again, it gets the same answer.",
    )


@strawberry.type(description="What an onboarding came to, or how far it is.")
class OnboardPayload:
    customer: Customer | None = strawberry.field(default=None, description="Null only when the request was refused.")
    subscription: Subscription | None = strawberry.field(
        default=None, description="The customer's, PENDING until all is done."
    )
    invoice: Invoice | None = strawberry.field(default=None, description="The first invoice; FREE has none.")
    payment: Payment | None = strawberry.field(default=None, description="The latest attempt to collect it.")
    operation: Operation | None = strawberry.field(
        default=None,
        description="Follow it with `operation(id:)` while it is RUNNING. Null when the request was refused.",
    )
    warnings: list[OperationWarning] = strawberry.field(
        default_factory=list, description="What did not work out and stopped nothing, as a card that was not accepted."
    )
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why the request was refused, or why its operation FAILED."
    )
