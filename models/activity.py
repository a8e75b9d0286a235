from typing import Any

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from models.ids import ID_LENGTH


class Activity(Model):
    """What happened, in order. Written in the transaction that made it happen; live clients read on from their cursor."""

    id = fields.BigIntField(primary_key=True, generated=True)
    at = fields.DatetimeField()
    kind = fields.CharField(max_length=64)
    customer_id = fields.CharField(max_length=ID_LENGTH, null=True)
    entity_id = fields.CharField(max_length=128, null=True)
    operation_id = fields.CharField(max_length=ID_LENGTH, null=True)
    summary = fields.CharField(max_length=500)
    data: fields.JSONField[dict[str, Any]] = fields.JSONField(default=dict)

    class Meta:
        table = "activity"
        indexes = (Index(fields=("customer_id", "id")), Index(fields=("operation_id", "id")), Index(fields=("at",)))
