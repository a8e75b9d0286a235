"""The table of contents: every query and mutation, and the room that answers it."""

from collections.abc import AsyncGenerator

import strawberry
from strawberry.schema.config import StrawberryConfig

import resolvers.api_keys
import resolvers.audit
import resolvers.changes
import resolvers.credits
import resolvers.customer_tokens
import resolvers.customers
import resolvers.environment
import resolvers.granting
import resolvers.health
import resolvers.invoices
import resolvers.live
import resolvers.onboarding
import resolvers.operations
import resolvers.overview
import resolvers.payment_methods
import resolvers.payments
import resolvers.sandbox
import resolvers.subscriptions
import resolvers.webhooks
import schema.viewer
from schema.extensions import GuardedSchema
from schema.gate import AuditedGate, guarded
from schema.measured import Measured
from schema.policy import MUTATIONS, QUERIES, SUBSCRIPTIONS
from schema.request_errors import RequestErrorCode
from schema.types.api_key import ApiKey, CreateApiKeyPayload, RevokeApiKeyPayload
from schema.types.audit import AuditEntry
from schema.types.changes import (
    CancelPayload,
    ChangeTierPayload,
    QuoteTierChangePayload,
    ReactivatePayload,
    WithdrawScheduledChangePayload,
)
from schema.types.connection import Connection
from schema.types.credits import CreditBalance, CreditEntry
from schema.types.customer import Customer
from schema.types.customer_token import MintCustomerTokenPayload
from schema.types.environment import Environment
from schema.types.health import ServiceHealth
from schema.types.invoice import Invoice
from schema.types.live import LiveEvent
from schema.types.onboarding import OnboardPayload
from schema.types.operation import Operation
from schema.types.overview import Overview
from schema.types.payment import Payment
from schema.types.payment_inputs import (
    AttachPaymentMethodPayload,
    ConfirmPaymentPayload,
    CreateSetupIntentPayload,
    DetachPaymentMethodPayload,
    GrantCreditsPayload,
    PayInvoicePayload,
    RefundPaymentPayload,
    ResumeOperationPayload,
    SetDefaultPaymentMethodPayload,
)
from schema.types.sandbox import Sandbox, SandboxPayload
from schema.types.scalars import SCALARS
from schema.types.subscription import Subscription
from schema.types.tier import TierInfo
from schema.types.viewer import Viewer
from schema.types.webhook import ReplayDeadWebhookEventsPayload, ReplayWebhookEventPayload, WebhookEvent


@guarded(QUERIES)
@strawberry.type(description="What can be read.")
class Query:
    customer: Customer | None = strawberry.field(
        resolver=resolvers.customers.customer, description="One customer, by your own id. Null when there is none."
    )
    customers: Connection[Customer] = strawberry.field(
        resolver=resolvers.customers.customers, description="All customers, page by page."
    )
    subscription: Subscription | None = strawberry.field(
        resolver=resolvers.subscriptions.subscription,
        description="A customer's live subscription, or the last that was. Null when there is no such customer.",
    )
    subscriptions: Connection[Subscription] = strawberry.field(
        resolver=resolvers.subscriptions.subscriptions,
        description="Every subscription, the ended ones too, page by page.",
    )
    credits: CreditBalance | None = strawberry.field(
        resolver=resolvers.credits.credits,
        description="A customer's balance, now or as of an instant. Null when there is no such customer.",
    )
    credit_ledger: Connection[CreditEntry] | None = strawberry.field(
        resolver=resolvers.credits.credit_ledger,
        description="Every change of a customer's balance, newest first. Null when there is no such customer.",
    )
    invoices: Connection[Invoice] | None = strawberry.field(
        resolver=resolvers.invoices.invoices,
        description="A customer's invoices, newest first. Null when there is no such customer.",
    )
    payments: Connection[Payment] | None = strawberry.field(
        resolver=resolvers.invoices.payments,
        description="The attempts to collect a customer's invoices, newest first. Null when there is no such customer.",
    )
    tiers: list[TierInfo] = strawberry.field(
        resolver=resolvers.subscriptions.tiers, description="What can be bought, from least to most."
    )
    quote_tier_change: QuoteTierChangePayload = strawberry.field(
        resolver=resolvers.changes.quote_tier_change,
        description="What a change of tier would come to; `changeTier(quoteId)` does exactly that.",
    )
    operation: Operation | None = strawberry.field(
        resolver=resolvers.operations.operation, description="How far a verb is, by its id. Null when there is none."
    )
    operations: Connection[Operation] = strawberry.field(
        resolver=resolvers.operations.operations, description="Every verb that was accepted, newest first."
    )
    webhook_events: Connection[WebhookEvent] = strawberry.field(
        resolver=resolvers.webhooks.webhook_events,
        description="What the providers told us and what became of it, newest first.",
    )
    latest_activity: list[LiveEvent] = strawberry.field(
        resolver=resolvers.live.latest_activity, description="What happened last, newest first."
    )
    overview: Overview = strawberry.field(
        resolver=resolvers.overview.overview, description="The business at a glance, for a dashboard."
    )
    environment: Environment = strawberry.field(
        resolver=resolvers.environment.environment, description="Whether what is done here moves money, and where."
    )
    service_health: ServiceHealth = strawberry.field(
        resolver=resolvers.health.service_health, description="Whether the service and all it needs are up."
    )
    api_keys: list[ApiKey] = strawberry.field(
        resolver=resolvers.api_keys.api_keys, description="Every key there was, newest first."
    )
    audit_log: Connection[AuditEntry] = strawberry.field(
        resolver=resolvers.audit.audit_log, description="Who did what, when and from where, newest first."
    )
    viewer: Viewer = strawberry.field(
        resolver=schema.viewer.viewer, description="Who asks, and what they may not do: for a client to know before."
    )
    sandbox: Sandbox | None = strawberry.field(
        resolver=resolvers.sandbox.sandbox,
        description="The clock and the faults of the providers' mocks. Null with real providers.",
    )


@guarded(MUTATIONS, AuditedGate)
@strawberry.type(description="What can be done. Each verb answers with its objects, its operation and what went wrong.")
class Mutation:
    onboard: OnboardPayload = strawberry.field(
        resolver=resolvers.onboarding.onboard,
        description="Create a customer in Metronome and Stripe, on a plan, with credits and, if paid, a first invoice.",
    )
    change_tier: ChangeTierPayload = strawberry.field(
        resolver=resolvers.changes.change_tier,
        description="Another tier or billing period. An upgrade takes effect only when its payment succeeds.",
    )
    withdraw_scheduled_change: WithdrawScheduledChangePayload = strawberry.field(
        resolver=resolvers.changes.withdraw_scheduled_change,
        description="Take back a change that waits for the period end.",
    )
    cancel: CancelPayload = strawberry.field(
        resolver=resolvers.changes.cancel, description="End the subscription, now or at the period end."
    )
    reactivate: ReactivatePayload = strawberry.field(
        resolver=resolvers.changes.reactivate,
        description="Take back a cancellation that waits, or start anew after the end.",
    )
    pay_invoice: PayInvoicePayload = strawberry.field(
        resolver=resolvers.payments.pay_invoice,
        description="Collect an open or uncollectible invoice now, with the default payment method or another.",
    )
    confirm_payment: ConfirmPaymentPayload = strawberry.field(
        resolver=resolvers.payments.confirm_payment,
        description="Find out what became of a payment that its payer had to confirm, and go on with what waited.",
    )
    refund_payment: RefundPaymentPayload = strawberry.field(
        resolver=resolvers.payments.refund_payment,
        description="Give back a payment, or part of it: never more than was captured and not refunded yet.",
    )
    attach_payment_method: AttachPaymentMethodPayload = strawberry.field(
        resolver=resolvers.payment_methods.attach_payment_method,
        description="Put a card on file.",
    )
    set_default_payment_method: SetDefaultPaymentMethodPayload = strawberry.field(
        resolver=resolvers.payment_methods.set_default_payment_method,
        description="Collect invoices with another card on file, beginning with those that are overdue.",
    )
    detach_payment_method: DetachPaymentMethodPayload = strawberry.field(
        resolver=resolvers.payment_methods.detach_payment_method,
        description="Forget a card on file, for good.",
    )
    create_setup_intent: CreateSetupIntentPayload = strawberry.field(
        resolver=resolvers.payment_methods.create_setup_intent,
        description="Let a browser put a card on file without it passing through here.",
    )
    grant_credits: GrantCreditsPayload = strawberry.field(
        resolver=resolvers.granting.grant_credits,
        description="Give credits by hand, with an expiry of their own.",
    )
    resume_operation: ResumeOperationPayload = strawberry.field(
        resolver=resolvers.payments.resume_operation,
        description="Look again at what an operation waits for. Harmless at any time.",
    )
    replay_webhook_event: ReplayWebhookEventPayload = strawberry.field(
        resolver=resolvers.webhooks.replay_webhook_event,
        description="Handle a stored event again. What it changed before, it does not change twice.",
    )
    replay_dead_webhook_events: ReplayDeadWebhookEventsPayload = strawberry.field(
        resolver=resolvers.webhooks.replay_dead_webhook_events,
        description="Handle every DEAD event again, for example after an outage.",
    )
    mint_customer_token: MintCustomerTokenPayload = strawberry.field(
        resolver=resolvers.customer_tokens.mint_customer_token,
        description="Let a customer's own browser in, for a while. The token never opens more than the key it is "
        "minted with, and ends with it.",
    )
    create_api_key: CreateApiKeyPayload = strawberry.field(
        resolver=resolvers.api_keys.create_api_key, description="Make a key for somebody. It is shown this once."
    )
    revoke_api_key: RevokeApiKeyPayload = strawberry.field(
        resolver=resolvers.api_keys.revoke_api_key,
        description="End a key at once, with all its sessions and customer tokens. Harmless when it has ended already.",
    )
    advance_sandbox_clock: SandboxPayload = strawberry.field(
        resolver=resolvers.sandbox.advance_sandbox_clock,
        description="Set the clock of the service and of both mocks ahead; what is due by then happens. Sandbox only.",
    )
    add_sandbox_fault: SandboxPayload = strawberry.field(
        resolver=resolvers.sandbox.add_sandbox_fault, description="Let a mock fail on purpose. Sandbox only."
    )
    clear_sandbox_faults: SandboxPayload = strawberry.field(
        resolver=resolvers.sandbox.clear_sandbox_faults, description="Let both mocks work again. Sandbox only."
    )
    authenticate_sandbox_payment: SandboxPayload = strawberry.field(
        resolver=resolvers.sandbox.authenticate_sandbox_payment,
        description="Answer a payment's 3-D Secure question as its cardholder would. Sandbox only.",
    )


@guarded(SUBSCRIPTIONS)
@strawberry.type(description="What can be watched, over graphql-transport-ws or as server-sent events.")
class Live:
    """GraphQL's subscriptions; `Subscription` is what a customer has."""

    customer_changed: AsyncGenerator[LiveEvent, None] = strawberry.subscription(
        resolver=resolvers.live.customer_changed,
        description="Whatever happens to one customer. An unknown one is refused with BAD_USER_INPUT.",
    )
    operation_progress: AsyncGenerator[LiveEvent, None] = strawberry.subscription(
        resolver=resolvers.live.operation_progress,
        description="One operation, step by step; completes when it has ended. An unknown one is refused with "
        "BAD_USER_INPUT.",
    )
    activity: AsyncGenerator[LiveEvent, None] = strawberry.subscription(
        resolver=resolvers.live.activity,
        description="Whatever happens; for a customer token, to that customer.",
    )


def make_schema() -> GuardedSchema:
    return GuardedSchema(
        Query,
        mutation=Mutation,
        subscription=Live,
        types=(RequestErrorCode,),
        extensions=(Measured,),
        config=StrawberryConfig(scalar_map=SCALARS),
    )


__all__ = ["Live", "Mutation", "Query", "make_schema"]
