from typing import Any

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from models.ids import ID_LENGTH

# Whoever has taken an id and has not committed it yet; migration 0004 takes the lock.
_WRITERS = """
SELECT virtualtransaction AS writer FROM pg_locks
WHERE locktype = 'advisory' AND objsubid = 1
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND (classid::bigint << 32) | objid::bigint = hashtextextended('billing-service activity', 0)
"""


class Activity(Model):
    """What happened, in order: written in the transaction that made it happen, read on by live clients."""

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

    @classmethod
    async def oldest_id(cls) -> int | None:
        row = await cls.all().order_by("id").first().values_list("id")
        return row[0] if row else None

    @classmethod
    async def newest_id(cls) -> int | None:
        row = await cls.all().order_by("-id").first().values_list("id")
        return row[0] if row else None

    @classmethod
    async def writers(cls) -> frozenset[str]:
        """The transactions, of any process, that may still commit an id below one that is visible already."""
        connection = cls._meta.db
        if connection.capabilities.dialect == "sqlite":
            return frozenset()
        return frozenset(row["writer"] for row in await connection.execute_query_dict(_WRITERS))
