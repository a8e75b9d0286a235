"""The domain's own enums, named and described for the schema. Types import them from here, so that both are known."""

from enum import Enum
from typing import TypeVar

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

from access.scopes import Scope
from billing.changes import Effective
from billing.credits import EntryKind
from billing.error_codes import ErrorCode
from billing.invoices import InvoiceStatus
from billing.lifecycle import SubscriptionStatus
from billing.tiers import BillingPeriod, EntityType, Tier
from integrations.mocks import FaultKind as SandboxFaultKind
from models import (
    ActorKind,
    AuditOutcome,
    DriftKind,
    EffectState,
    OperationKind,
    OperationStatus,
    PaymentStatus,
    Provider,
    RefundStatus,
    WebhookEventState,
)
from operations.sandbox import SandboxStep
from schema.request_errors import RequestErrorCode

__all__ = [
    "ActorKind",
    "AuditOutcome",
    "BillingPeriod",
    "DriftKind",
    "EffectState",
    "Effective",
    "EntityType",
    "EntryKind",
    "ErrorCode",
    "InvoiceStatus",
    "OperationKind",
    "OperationStatus",
    "PaymentStatus",
    "Provider",
    "RefundStatus",
    "RequestErrorCode",
    "SandboxFaultKind",
    "SandboxStep",
    "Scope",
    "SubscriptionStatus",
    "Tier",
    "WebhookEventState",
]

E = TypeVar("E", bound=type[Enum])


def _named(enum: E, name: str, description: str, **values: str) -> StrawberryEnumDefinition:
    """`values` describes those that do not speak for themselves."""
    strawberry.enum(enum, name=name, description=description)
    definition: StrawberryEnumDefinition = enum.__strawberry_definition__  # type: ignore[attr-defined]
    for value in definition.values:
        value.description = values.pop(value.name, value.description)
    assert not values, f"{name} has no {', '.join(values)}"
    return definition


_named(Tier, "Tier", "What a customer can be on, from least to most.")
_named(BillingPeriod, "BillingPeriod", "How long a price buys. Credits are released monthly on both.")
_named(Effective, "Effective", "When a change takes hold.")
_named(EntityType, "EntityType", "Who is billed.")
_named(
    DriftKind,
    "CustomerDriftKind",
    "What a provider holds otherwise than we do.",
    NAME="Another name.",
    EMAIL="Another e-mail address.",
    DELETED="Nothing: the customer was deleted there.",
)
_named(
    SubscriptionStatus,
    "SubscriptionStatus",
    "Where a subscription stands. It is live until it is CANCELLED or EXPIRED.",
    PENDING="It is being provisioned.",
    ACTIVE="It is provisioned; its invoice is paid, or waits for money until it is due.",
    PAST_DUE="A payment was declined; its invoice is open.",
    CANCELLED="It was ended by a cancellation.",
    EXPIRED="It was ended because it was not paid.",
)
_named(
    EntryKind,
    "CreditEntryKind",
    "Why a credit balance changed.",
    GRANT="Credits were released: an allowance, or by hand.",
    ADJUSTMENT="What is owed: spent credits that could not be taken back (+), or came off later ones (-).",
    USAGE="Credits were spent.",
    EXPIRY="What was left of a grant ran out of time.",
    CLAWBACK="A change to a smaller tier, or an end, took back what is not paid for any more.",
)
_named(
    InvoiceStatus,
    "InvoiceStatus",
    "Whether an invoice is settled.",
    DRAFT="It is not issued yet.",
    OPEN="It waits for money.",
    VOID="It was withdrawn; nothing is owed.",
    UNCOLLECTIBLE="Nobody tries to collect it any more; it can still be paid.",
)
_named(
    PaymentStatus,
    "PaymentStatus",
    "How one attempt to collect an invoice stands.",
    PROCESSING="It is under way.",
    REQUIRES_ACTION="The payer must confirm it (3-D Secure) with the client secret.",
    FAILED="It was declined or refused; the codes say why.",
    CANCELLED="It was given up before it was decided.",
)
_named(RefundStatus, "RefundStatus", "How a refund stands.", PENDING="It is on its way.")
_named(OperationKind, "OperationKind", "Which verb was accepted: the mutation of that name.")
_named(
    OperationStatus,
    "OperationStatus",
    "How an operation stands.",
    RUNNING="It goes on by itself, also when a provider is away or the service restarts.",
    SUCCEEDED="It did all it could; a declined card does not make it fail.",
    FAILED="A provider refused; `error` says what.",
)
_named(
    EffectState,
    "OperationStepState",
    "Whether a change stands at the provider.",
    INTENDED="The call may or may not have reached the provider yet.",
    DONE="The provider confirmed it.",
    REFUSED="The provider definitely refused it.",
)
_named(Provider, "Provider", "One of the two systems this service drives.")
_named(
    WebhookEventState,
    "WebhookEventState",
    "What became of a provider's event.",
    PENDING="It is stored and waits for its turn, or for its next attempt.",
    DONE="It is handled: what it says stands in our rows.",
    IGNORED="It says nothing that concerns this service; `lastError` says why.",
    PARKED="It can never be handled as things are; `lastError` says why. Replay it once they have changed.",
    DEAD="It was attempted too often. Replay it once the reason is mended.",
)
_named(
    SandboxFaultKind,
    "SandboxFaultKind",
    "How a mock fails.",
    OUTAGE="It answers 503 and does nothing.",
    LOST_ANSWERS="It does what it is asked, and the answer never arrives.",
    NOT_JSON="It does what it is asked, and a proxy's error page is the answer.",
    SLOW="It answers after two seconds.",
)
_named(
    SandboxStep,
    "SandboxStep",
    "How far the sandbox's clock goes at once.",
    NEXT_EVENT="To the next thing that happens by itself, as a renewal or a retry.",
)
_named(
    ActorKind,
    "ActorKind",
    "By what somebody did something.",
    CUSTOMER_TOKEN="The customer's own browser.",  # noqa: S106  a name, not a secret
    COMMAND_LINE="An operator, on the database itself.",
    SERVICE="The service by itself: renewals, due payments, what a provider told.",
)
_named(
    AuditOutcome,
    "AuditOutcome",
    "What came of it.",
    ACCEPTED="It was taken on; another entry tells how it ended.",
    SUCCEEDED="It was done.",
    FAILED="It was taken on, and a provider refused.",
    REFUSED="Nothing was done.",
    REPEATED="It had been asked before; that answer was given again.",
)
_named(
    Scope,
    "Scope",
    "What a key is good for.",
    CUSTOMERS_READ="Every query about customers, and the subscriptions.",
    BILLING_WRITE="Onboard, change, cancel, reactivate, grant credits.",
    PAYMENTS_WRITE="Pay, refund, payment methods.",
    WEBHOOKS_ADMIN="See and replay what the providers sent.",
    ADMIN="All others, the keys themselves and the audit log.",
)
_named(ErrorCode, "ErrorCode", "What a client can act on.", **{code.name: code.meaning for code in ErrorCode})
_named(
    RequestErrorCode,
    "RequestErrorCode",
    "What a request's own error, outside of any payload, carries as `extensions.code`.",
    **{code.name: code.meaning for code in RequestErrorCode},
)
