"""The two append-only ledgers of a customer: credits (counted) and account balance (money)."""

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint
from tortoise.models import Model

from billing.credits import EntryKind
from models.customer import Customer
from models.ids import ID_LENGTH, account_balance_entry_id, credit_entry_id


class CreditEntry(Model):
    """One change of a credit balance. `key` names its cause, so the same cause is written once."""

    id = fields.CharField(max_length=ID_LENGTH, primary_key=True, default=credit_entry_id)
    customer: fields.ForeignKeyRelation[Customer] = fields.ForeignKeyField(
        "models.Customer", related_name="credit_entries", on_delete=fields.RESTRICT
    )
    customer_id: str
    kind = fields.CharEnumField(EntryKind, max_length=16)
    amount = fields.BigIntField()
    at = fields.DatetimeField()
    key = fields.CharField(max_length=200, unique=True)
    # What caused it: an operation, an invoice or a webhook event, as "operation:op_...".
    cause = fields.CharField(max_length=200)
    reason = fields.CharField(max_length=500, null=True)
    # The key of the grant an entry draws on; null on the grant itself.
    grant_key = fields.CharField(max_length=200, null=True)
    expires_at = fields.DatetimeField(null=True)
    metronome_credit_id = fields.CharField(max_length=64, null=True)

    class Meta:
        table = "credit_entry"
        indexes = (Index(fields=("customer_id", "at", "id")), Index(fields=("metronome_credit_id",)))
        constraints = (CheckConstraint(check="amount <> 0", name="credit_entry_amount_not_zero"),)


class AccountBalanceEntry(Model):
    """One change of the money a customer holds with us: a credit (+) or its use on an invoice (-)."""

    id = fields.CharField(max_length=ID_LENGTH, primary_key=True, default=account_balance_entry_id)
    customer: fields.ForeignKeyRelation[Customer] = fields.ForeignKeyField(
        "models.Customer", related_name="account_balance_entries", on_delete=fields.RESTRICT
    )
    customer_id: str
    amount_minor = fields.BigIntField()
    currency = fields.CharField(max_length=3)
    at = fields.DatetimeField()
    key = fields.CharField(max_length=200, unique=True)
    cause = fields.CharField(max_length=200)
    invoice_id = fields.CharField(max_length=ID_LENGTH, null=True)

    class Meta:
        table = "account_balance_entry"
        indexes = (Index(fields=("customer_id", "at", "id")),)
        constraints = (CheckConstraint(check="amount_minor <> 0", name="account_balance_entry_amount_not_zero"),)
