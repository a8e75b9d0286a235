from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint
from tortoise.models import Model

from billing.invoices import InvoiceStatus
from models.customer import Customer
from models.ids import ID_LENGTH, invoice_id, invoice_line_id
from models.subscription import Subscription


class Invoice(Model):
    """What a customer owes for one period or change. Its lines sum to `amount_minor`."""

    id = fields.CharField(max_length=ID_LENGTH, primary_key=True, default=invoice_id)
    customer: fields.ForeignKeyRelation[Customer] = fields.ForeignKeyField(
        "models.Customer", related_name="invoices", on_delete=fields.RESTRICT
    )
    customer_id: str
    subscription: fields.ForeignKeyRelation[Subscription] = fields.ForeignKeyField(
        "models.Subscription", related_name="invoices", on_delete=fields.RESTRICT
    )
    subscription_id: str
    # Names the cause, so the same cause makes one invoice.
    key = fields.CharField(max_length=200, unique=True)
    status = fields.CharEnumField(InvoiceStatus, max_length=16)
    amount_minor = fields.BigIntField()
    # What is left to collect after the account balance was applied.
    due_minor = fields.BigIntField()
    # For time on a plan that was left before this was paid: credited to the account balance when it is.
    withheld_minor = fields.BigIntField(default=0)
    currency = fields.CharField(max_length=3)
    period_start = fields.DateField()
    period_end = fields.DateField()
    due_date = fields.DateField()
    metronome_invoice_id = fields.CharField(max_length=64, null=True, unique=True)
    # Dunning: counted from the first failure; no next attempt while nothing failed, or nothing more will be tried.
    first_failed_at = fields.DatetimeField(null=True)
    failed_attempts = fields.IntField(default=0)
    next_attempt_at = fields.DatetimeField(null=True)
    issued_at = fields.DatetimeField()
    paid_at = fields.DatetimeField(null=True)
    updated_at = fields.DatetimeField()
    lines: fields.ReverseRelation["InvoiceLine"]

    class Meta:
        table = "invoice"
        indexes = (
            Index(fields=("customer_id", "issued_at", "id")),
            Index(fields=("status", "due_date")),
            Index(fields=("next_attempt_at",)),
            Index(fields=("subscription_id",)),
        )
        constraints = (
            CheckConstraint(check="amount_minor >= 0", name="invoice_amount_not_negative"),
            CheckConstraint(check="due_minor >= 0", name="invoice_due_not_negative"),
            CheckConstraint(check="withheld_minor >= 0", name="invoice_withheld_not_negative"),
        )


class InvoiceLine(Model):
    id = fields.CharField(max_length=ID_LENGTH, primary_key=True, default=invoice_line_id)
    invoice: fields.ForeignKeyRelation[Invoice] = fields.ForeignKeyField(
        "models.Invoice", related_name="lines", on_delete=fields.RESTRICT
    )
    invoice_id: str
    position = fields.IntField()
    description = fields.CharField(max_length=500)
    quantity = fields.BigIntField()
    unit_price_minor = fields.BigIntField()
    amount_minor = fields.BigIntField()

    class Meta:
        table = "invoice_line"
        unique_together = (("invoice_id", "position"),)
        constraints = (
            CheckConstraint(check="quantity >= 1", name="invoice_line_quantity_positive"),
            CheckConstraint(check="amount_minor = quantity * unit_price_minor", name="invoice_line_amount_is_product"),
        )
