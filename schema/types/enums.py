"""The domain's own enums, named and described for the schema. Types import them from here, so that both are known."""

from enum import Enum
from typing import TypeVar

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

from billing.credits import EntryKind
from billing.error_codes import ErrorCode
from billing.invoices import InvoiceStatus
from billing.lifecycle import SubscriptionStatus
from billing.tiers import BillingPeriod, EntityType, Tier
from models import EffectState, OperationKind, OperationStatus, PaymentStatus, Provider

__all__ = [
    "BillingPeriod",
    "EffectState",
    "EntityType",
    "EntryKind",
    "ErrorCode",
    "InvoiceStatus",
    "OperationKind",
    "OperationStatus",
    "PaymentStatus",
    "Provider",
    "SubscriptionStatus",
    "Tier",
]

E = TypeVar("E", bound=type[Enum])


def _named(enum: E, name: str, description: str) -> StrawberryEnumDefinition:
    strawberry.enum(enum, name=name, description=description)
    definition: StrawberryEnumDefinition = enum.__strawberry_definition__  # type: ignore[attr-defined]
    return definition


_named(Tier, "Tier", "What a customer can be on, from least to most.")
_named(BillingPeriod, "BillingPeriod", "How long a price buys. Credits are released monthly on both.")
_named(EntityType, "EntityType", "Who is billed.")
_named(SubscriptionStatus, "SubscriptionStatus", "PENDING while it is being provisioned; PAST_DUE after a decline.")
_named(EntryKind, "CreditEntryKind", "Why a credit balance changed.")
_named(InvoiceStatus, "InvoiceStatus", "OPEN invoices wait for money; UNCOLLECTIBLE ones no longer do.")
_named(PaymentStatus, "PaymentStatus", "REQUIRES_ACTION: the payer must confirm (3-D Secure) with the client secret.")
_named(OperationKind, "OperationKind", "The verb.")
_named(OperationStatus, "OperationStatus", "RUNNING operations go on by themselves, also across restarts.")
_named(EffectState, "OperationStepState", "INTENDED: the call may or may not have reached the provider yet.")
_named(Provider, "Provider", "One of the two systems this service drives.")

for _code in _named(ErrorCode, "ErrorCode", "What a client can act on.").values:
    _code.description = ErrorCode[_code.name].meaning
