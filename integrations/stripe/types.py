"""What Stripe tells us, parsed at the edge. Every `read` raises `Unreadable` on a missing or wrong field.

Stripe adds values to its enums without a new API version, so every status here has an UNKNOWN; nothing may be
concluded from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Self

from billing.money import Money
from integrations.fields import Fields, read_object


class _OpenEnum(StrEnum):
    @classmethod
    def _missing_(cls, value: object) -> Self:
        return cls("unknown")


class PaymentIntentStatus(_OpenEnum):
    REQUIRES_PAYMENT_METHOD = "requires_payment_method"
    REQUIRES_CONFIRMATION = "requires_confirmation"
    REQUIRES_ACTION = "requires_action"
    REQUIRES_CAPTURE = "requires_capture"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    CANCELED = "canceled"
    UNKNOWN = "unknown"


class SetupIntentStatus(_OpenEnum):
    REQUIRES_PAYMENT_METHOD = "requires_payment_method"
    REQUIRES_CONFIRMATION = "requires_confirmation"
    REQUIRES_ACTION = "requires_action"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    CANCELED = "canceled"
    UNKNOWN = "unknown"


class ChargeStatus(_OpenEnum):
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"


class RefundStatus(_OpenEnum):
    PENDING = "pending"
    REQUIRES_ACTION = "requires_action"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Decline:
    """Why a card was refused. `message` is written for the payer; `advice_code` says whether another try may help."""

    code: str
    decline_code: str | None
    message: str
    advice_code: str | None

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(
            code=fields.optional_text("code") or "unknown",
            decline_code=fields.optional_text("decline_code"),
            message=fields.optional_text("message") or "",
            advice_code=fields.optional_text("advice_code"),
        )


@dataclass(frozen=True, slots=True)
class StripeCustomer:
    """A deleted customer keeps its id and nothing else."""

    id: str
    entity_id: str | None
    name: str | None = field(repr=False)
    email: str | None = field(repr=False)
    default_payment_method_id: str | None
    metadata: Mapping[str, str]
    created: datetime | None
    deleted: bool

    @classmethod
    def read(cls, fields: Fields) -> Self:
        deleted = fields.optional_flag("deleted") is True
        metadata = fields.labels("metadata")
        invoice_settings = fields.optional_child("invoice_settings") or Fields({})
        return cls(
            id=fields.text("id"),
            entity_id=metadata.get("entity_id"),
            name=fields.optional_text("name"),
            email=fields.optional_text("email"),
            default_payment_method_id=invoice_settings.reference("default_payment_method"),
            metadata=metadata,
            created=None if deleted else fields.epoch("created"),
            deleted=deleted,
        )


@dataclass(frozen=True, slots=True)
class PaymentMethod:
    """A card, as far as it may be shown; for other kinds the card's fields are None."""

    id: str
    customer_id: str | None
    kind: str
    brand: str | None
    last4: str | None
    exp_month: int | None
    exp_year: int | None

    @classmethod
    def read(cls, fields: Fields) -> Self:
        card = fields.optional_child("card") or Fields({})
        return cls(
            id=fields.text("id"),
            customer_id=fields.reference("customer"),
            kind=fields.text("type"),
            brand=card.optional_text("brand"),
            last4=card.optional_text("last4"),
            exp_month=card.optional_whole("exp_month"),
            exp_year=card.optional_whole("exp_year"),
        )


@dataclass(frozen=True, slots=True)
class PaymentIntent:
    """`client_secret` lets the payer's browser finish the payment: only for them. `decline` is the last refusal."""

    id: str
    status: PaymentIntentStatus
    amount: Money
    amount_received: Money
    customer_id: str | None
    payment_method_id: str | None
    client_secret: str | None = field(repr=False)
    latest_charge_id: str | None
    decline: Decline | None
    next_action_type: str | None
    metadata: Mapping[str, str]
    created: datetime

    @classmethod
    def read(cls, fields: Fields) -> Self:
        currency = fields.currency("currency")
        last_error = fields.optional_child("last_payment_error")
        next_action = fields.optional_child("next_action")
        return cls(
            id=fields.text("id"),
            status=fields.choice("status", PaymentIntentStatus),
            amount=Money(fields.whole("amount"), currency),
            amount_received=Money(fields.whole("amount_received"), currency),
            customer_id=fields.reference("customer"),
            payment_method_id=fields.reference("payment_method"),
            client_secret=fields.optional_text("client_secret"),
            latest_charge_id=fields.reference("latest_charge"),
            decline=Decline.read(last_error) if last_error else None,
            next_action_type=next_action.text("type") if next_action else None,
            metadata=fields.labels("metadata"),
            created=fields.epoch("created"),
        )


@dataclass(frozen=True, slots=True)
class Charge:
    """`decline` is set on a failed one."""

    id: str
    status: ChargeStatus
    amount: Money
    amount_captured: Money
    amount_refunded: Money
    customer_id: str | None
    payment_intent_id: str | None
    decline: Decline | None
    metadata: Mapping[str, str]
    created: datetime

    @classmethod
    def read(cls, fields: Fields) -> Self:
        currency = fields.currency("currency")
        return cls(
            id=fields.text("id"),
            status=fields.choice("status", ChargeStatus),
            amount=Money(fields.whole("amount"), currency),
            amount_captured=Money(fields.whole("amount_captured"), currency),
            amount_refunded=Money(fields.whole("amount_refunded"), currency),
            customer_id=fields.reference("customer"),
            payment_intent_id=fields.reference("payment_intent"),
            decline=_charge_decline(fields),
            metadata=fields.labels("metadata"),
            created=fields.epoch("created"),
        )


def _charge_decline(fields: Fields) -> Decline | None:
    code = fields.optional_text("failure_code")
    if code is None:
        return None
    outcome = fields.optional_child("outcome") or Fields({})
    return Decline(
        code=code,
        decline_code=outcome.optional_text("reason"),
        message=fields.optional_text("failure_message") or "",
        advice_code=outcome.optional_text("advice_code"),
    )


@dataclass(frozen=True, slots=True)
class Refund:
    id: str
    status: RefundStatus
    amount: Money
    charge_id: str | None
    payment_intent_id: str | None
    failure_reason: str | None
    metadata: Mapping[str, str]
    created: datetime

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(
            id=fields.text("id"),
            status=fields.choice("status", RefundStatus),
            amount=Money(fields.whole("amount"), fields.currency("currency")),
            charge_id=fields.reference("charge"),
            payment_intent_id=fields.reference("payment_intent"),
            failure_reason=fields.optional_text("failure_reason"),
            metadata=fields.labels("metadata"),
            created=fields.epoch("created"),
        )


@dataclass(frozen=True, slots=True)
class SetupIntent:
    """`client_secret` lets a browser store a card for this customer: for the customer's session only."""

    id: str
    status: SetupIntentStatus
    customer_id: str | None
    payment_method_id: str | None
    client_secret: str | None = field(repr=False)
    metadata: Mapping[str, str]
    created: datetime

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(
            id=fields.text("id"),
            status=fields.choice("status", SetupIntentStatus),
            customer_id=fields.reference("customer"),
            payment_method_id=fields.reference("payment_method"),
            client_secret=fields.optional_text("client_secret"),
            metadata=fields.labels("metadata"),
            created=fields.epoch("created"),
        )


Snapshot = StripeCustomer | PaymentMethod | PaymentIntent | Charge | Refund | SetupIntent

_SNAPSHOTS: dict[str, type[Snapshot]] = {
    "customer": StripeCustomer,
    "payment_method": PaymentMethod,
    "payment_intent": PaymentIntent,
    "charge": Charge,
    "refund": Refund,
    "setup_intent": SetupIntent,
}


@dataclass(frozen=True, slots=True)
class Event:
    """`snapshot` is the object as it stood then, None for a kind we do not use.

    `previous_customer_id` tells whose payment method was detached; `idempotency_key` which call of ours caused this.
    """

    id: str
    type: str
    created: datetime
    api_version: str | None
    snapshot: Snapshot | None
    previous_customer_id: str | None
    idempotency_key: str | None

    @classmethod
    def read(cls, fields: Fields) -> Self:
        data = fields.child("data")
        snapshot = data.child("object")
        kind = _SNAPSHOTS.get(snapshot.text("object"))
        return cls(
            id=fields.text("id"),
            type=fields.text("type"),
            created=fields.epoch("created"),
            api_version=fields.optional_text("api_version"),
            snapshot=kind.read(snapshot) if kind else None,
            previous_customer_id=(data.optional_child("previous_attributes") or Fields({})).reference("customer"),
            idempotency_key=(fields.optional_child("request") or Fields({})).optional_text("idempotency_key"),
        )

    @classmethod
    def from_json(cls, raw: bytes) -> Self:
        """A stored webhook body, read in full."""
        return cls.read(read_object(raw))
