from typing import Any

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from models.customer import Customer
from models.ids import ID_LENGTH, quote_id


class Quote(Model):
    """What a change of tier was said to cost, and until when that binds."""

    id = fields.CharField(max_length=ID_LENGTH, primary_key=True, default=quote_id)
    customer: fields.ForeignKeyRelation[Customer] = fields.ForeignKeyField(
        "models.Customer", related_name="quotes", on_delete=fields.RESTRICT
    )
    customer_id: str
    input: fields.JSONField[dict[str, Any]] = fields.JSONField()
    terms: fields.JSONField[dict[str, Any]] = fields.JSONField()
    created_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()

    class Meta:
        table = "quote"
        indexes = (Index(fields=("customer_id", "created_at")), Index(fields=("expires_at",)))
