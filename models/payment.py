from enum import StrEnum

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint
from tortoise.models import Model

from models.customer import Customer
from models.ids import ID_LENGTH, payment_id, payment_method_id, refund_id
from models.invoice import Invoice


class PaymentStatus(StrEnum):
    PROCESSING = "PROCESSING"
    REQUIRES_ACTION = "REQUIRES_ACTION"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


UNDECIDED = (PaymentStatus.PROCESSING, PaymentStatus.REQUIRES_ACTION)
"""Such a payment may still succeed."""


class RefundStatus(StrEnum):
    PENDING = "PENDING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


class PaymentMethod(Model):
    """A card on file: what may be shown of it, never more."""

    id = fields.CharField(max_length=ID_LENGTH, primary_key=True, default=payment_method_id)
    customer: fields.ForeignKeyRelation[Customer] = fields.ForeignKeyField(
        "models.Customer", related_name="payment_methods", on_delete=fields.RESTRICT
    )
    customer_id: str
    stripe_payment_method_id = fields.CharField(max_length=64, unique=True)
    # Null for what is not a card.
    brand = fields.CharField(max_length=32, null=True)
    last4 = fields.CharField(max_length=4, null=True)
    exp_month = fields.IntField(null=True)
    exp_year = fields.IntField(null=True)
    is_default = fields.BooleanField(default=False)
    attached_at = fields.DatetimeField()
    detached_at = fields.DatetimeField(null=True)

    @property
    def label(self) -> str:
        """What a person calls it."""
        return f"Card {self.brand} ending in {self.last4}" if self.last4 else "Payment method"

    class Meta:
        table = "payment_method"
        indexes = (Index(fields=("customer_id", "attached_at")),)


class Payment(Model):
    """One attempt to collect one invoice. At most one of an invoice's attempts succeeds."""

    id = fields.CharField(max_length=ID_LENGTH, primary_key=True, default=payment_id)
    customer: fields.ForeignKeyRelation[Customer] = fields.ForeignKeyField(
        "models.Customer", related_name="payments", on_delete=fields.RESTRICT
    )
    customer_id: str
    invoice: fields.ForeignKeyRelation[Invoice] = fields.ForeignKeyField(
        "models.Invoice", related_name="payments", on_delete=fields.RESTRICT
    )
    invoice_id: str
    attempt = fields.IntField()
    # The operation that makes this attempt: when it is taken up again, it finds its own attempt and makes no other.
    operation_id = fields.CharField(max_length=ID_LENGTH)
    status = fields.CharEnumField(PaymentStatus, max_length=20)
    amount_minor = fields.BigIntField()
    currency = fields.CharField(max_length=3)
    stripe_payment_intent_id = fields.CharField(max_length=64, null=True, unique=True)
    stripe_charge_id = fields.CharField(max_length=64, null=True)
    stripe_payment_method_id = fields.CharField(max_length=64, null=True)
    # Only while the customer has to act; cleared with the outcome.
    client_secret = fields.CharField(max_length=200, null=True)
    error_code = fields.CharField(max_length=64, null=True)
    decline_code = fields.CharField(max_length=64, null=True)
    error_message = fields.CharField(max_length=500, null=True)
    # Reserved or given back by refunds that did not fail; raised under the row's lock before Stripe is asked.
    refunded_minor = fields.BigIntField(default=0)
    # When it was found to have succeeded though nothing was owed: it settles nothing, and all of it goes back.
    in_vain_at = fields.DatetimeField(null=True)
    created_at = fields.DatetimeField()
    updated_at = fields.DatetimeField()

    class Meta:
        table = "payment"
        unique_together = (("invoice_id", "attempt"),)
        indexes = (
            Index(fields=("customer_id", "created_at", "id")),
            Index(fields=("in_vain_at",)),
            Index(fields=("status",)),
        )
        constraints = (
            CheckConstraint(check="amount_minor > 0", name="payment_amount_positive"),
            CheckConstraint(
                check="refunded_minor >= 0 AND refunded_minor <= amount_minor", name="payment_refunds_within_amount"
            ),
        )


class Refund(Model):
    """Money given back of one payment: asked for by us, or seen at Stripe."""

    id = fields.CharField(max_length=ID_LENGTH, primary_key=True, default=refund_id)
    customer: fields.ForeignKeyRelation[Customer] = fields.ForeignKeyField(
        "models.Customer", related_name="refunds", on_delete=fields.RESTRICT
    )
    customer_id: str
    payment: fields.ForeignKeyRelation[Payment] = fields.ForeignKeyField(
        "models.Payment", related_name="refunds", on_delete=fields.RESTRICT
    )
    payment_id: str
    amount_minor = fields.BigIntField()
    currency = fields.CharField(max_length=3)
    status = fields.CharEnumField(RefundStatus, max_length=16)
    reason = fields.CharField(max_length=500, null=True)
    stripe_refund_id = fields.CharField(max_length=64, null=True, unique=True)
    failure_reason = fields.CharField(max_length=200, null=True)
    created_at = fields.DatetimeField()
    updated_at = fields.DatetimeField()

    class Meta:
        table = "refund"
        indexes = (Index(fields=("payment_id", "created_at")), Index(fields=("customer_id", "created_at", "id")))
        constraints = (CheckConstraint(check="amount_minor > 0", name="refund_amount_positive"),)
