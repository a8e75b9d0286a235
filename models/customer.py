from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint
from tortoise.models import Model

from billing.tiers import EntityType
from models.ids import ID_LENGTH, customer_id


class Customer(Model):
    """One user or organization, and who it is at each provider."""

    id = fields.CharField(max_length=ID_LENGTH, primary_key=True, default=customer_id)
    entity_id = fields.CharField(max_length=128, unique=True)
    entity_type = fields.CharEnumField(EntityType, max_length=16)
    name = fields.CharField(max_length=200)
    email = fields.CharField(max_length=320)
    metadata: fields.JSONField[dict[str, str]] = fields.JSONField(default=dict)
    metronome_customer_id = fields.CharField(max_length=64, null=True, unique=True)
    stripe_customer_id = fields.CharField(max_length=64, null=True, unique=True)
    # Sums of the two ledgers, written in the transaction that appends the entry. The account balance is below zero
    # while it carries an amount too small to charge.
    credit_balance = fields.BigIntField(default=0)
    account_balance_minor = fields.BigIntField(default=0)
    currency = fields.CharField(max_length=3, default="USD")
    created_at = fields.DatetimeField()
    updated_at = fields.DatetimeField()

    class Meta:
        table = "customer"
        indexes = (Index(fields=("created_at", "id")), Index(fields=("name", "id")))
        constraints = (CheckConstraint(check="credit_balance >= 0", name="customer_credit_balance_not_negative"),)
