from datetime import datetime
from typing import Any, Self

import strawberry

from access.scopes import Scope
from schema.context import Info
from schema.types.enums import PaymentStatus, RefundStatus
from schema.types.money import Money

SEE_SECRETS = {Scope.BILLING_WRITE, Scope.PAYMENTS_WRITE}


@strawberry.type(description="A card on file: what may be shown of it, never more.")
class PaymentMethod:
    id: strawberry.ID
    stripe_payment_method_id: str
    brand: str | None = strawberry.field(description="As `visa`. Null, like the next three, for what is not a card.")
    last4: str | None
    exp_month: int | None
    exp_year: int | None
    is_default: bool = strawberry.field(description="Whether invoices are collected with it.")
    attached_at: datetime

    COLUMNS = ("id", "stripe_payment_method_id", "brand", "last4", "exp_month", "exp_year", "is_default", "attached_at")

    @classmethod
    def from_row(cls, row: tuple[Any, ...]) -> Self:
        id_, stripe_id, brand, last4, exp_month, exp_year, is_default, attached_at = row
        return cls(
            id=id_,
            stripe_payment_method_id=stripe_id,
            brand=brand,
            last4=last4,
            exp_month=exp_month,
            exp_year=exp_year,
            is_default=bool(is_default),
            attached_at=attached_at,
        )


@strawberry.type(description="Money given back of one payment.")
class Refund:
    id: strawberry.ID
    payment_id: strawberry.ID
    status: RefundStatus
    amount: Money
    reason: str | None = strawberry.field(description="For people to read.")
    stripe_refund_id: str | None = strawberry.field(description="Null until Stripe has taken it.")
    failure_reason: str | None = strawberry.field(description="Why it FAILED, in Stripe's words.")
    created_at: datetime

    COLUMNS = (
        "id",
        "payment_id",
        "status",
        "amount_minor",
        "currency",
        "reason",
        "stripe_refund_id",
        "failure_reason",
        "created_at",
    )

    @classmethod
    def from_row(cls, row: tuple[Any, ...]) -> Self:
        id_, payment_id, status, amount_minor, currency, reason, stripe_id, failure_reason, created_at = row
        return cls(
            id=id_,
            payment_id=payment_id,
            status=status,
            amount=Money.of(amount_minor, currency),
            reason=reason,
            stripe_refund_id=stripe_id,
            failure_reason=failure_reason,
            created_at=created_at,
        )


@strawberry.type(description="One attempt to collect one invoice. At most one of an invoice's attempts succeeds.")
class Payment:
    id: strawberry.ID
    invoice_id: strawberry.ID
    attempt: int = strawberry.field(description="From 1, counted for each invoice.")
    status: PaymentStatus
    amount: Money
    stripe_payment_intent_id: str | None
    stripe_charge_id: str | None
    secret: strawberry.Private[str | None]
    error_code: str | None = strawberry.field(description="Why it failed, in Stripe's words, as `card_declined`.")
    decline_code: str | None = strawberry.field(description="The issuer's own word, as `insufficient_funds`.")
    error_message: str | None = strawberry.field(description="A sentence that may be shown to the payer.")
    refunded_amount: Money = strawberry.field(description="What was given back of it, or is about to be.")
    created_at: datetime

    @strawberry.field(
        description="Only while the status is REQUIRES_ACTION: what the payer's browser confirms the payment with. "
        "Null for a key that may only read."
    )
    def client_secret(self, info: Info) -> str | None:
        return self.secret if info.context.caller.scopes & SEE_SECRETS else None

    COLUMNS = (
        "id",
        "invoice_id",
        "attempt",
        "status",
        "amount_minor",
        "currency",
        "stripe_payment_intent_id",
        "stripe_charge_id",
        "client_secret",
        "error_code",
        "decline_code",
        "error_message",
        "refunded_minor",
        "created_at",
    )

    @strawberry.field(description="The refunds of it, the newest first, those that failed included.")
    async def refunds(self, info: Info) -> list[Refund]:
        return await info.context.loaders.payment_refunds.load(self.id)

    @classmethod
    def from_row(cls, row: tuple[Any, ...]) -> Self:
        (
            id_, invoice_id, attempt, status, amount_minor, currency, intent_id, charge_id, client_secret,
            error_code, decline_code, error_message, refunded_minor, created_at,
        ) = row  # fmt: skip
        return cls(
            id=id_,
            invoice_id=invoice_id,
            attempt=attempt,
            status=status,
            amount=Money.of(amount_minor, currency),
            stripe_payment_intent_id=intent_id,
            stripe_charge_id=charge_id,
            secret=client_secret,
            error_code=error_code,
            decline_code=decline_code,
            error_message=error_message,
            refunded_amount=Money.of(refunded_minor, currency),
            created_at=created_at,
        )
