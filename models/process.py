"""What processes tell each other, and an operator, of themselves."""

from datetime import datetime

from tortoise import fields
from tortoise.models import Model

from models.ids import ID_LENGTH, reconciliation_id


class WorkerHeartbeat(Model):
    """A worker that runs: it writes the time every few seconds, and takes its row along when it stops in good order."""

    name = fields.CharField(max_length=32, primary_key=True)
    at = fields.DatetimeField()
    started_at = fields.DatetimeField()

    class Meta:
        table = "worker_heartbeat"

    @classmethod
    async def beat(cls, name: str, *, at: datetime, started_at: datetime) -> None:
        await cls.update_or_create(name=name, defaults={"at": at, "started_at": started_at})


class Reconciliation(Model):
    """One comparison of every customer with both providers, and how many differences it found."""

    id = fields.CharField(max_length=ID_LENGTH, primary_key=True, default=reconciliation_id)
    started_at = fields.DatetimeField()
    finished_at = fields.DatetimeField()
    customers = fields.IntField()
    differences_high = fields.IntField()
    differences_low = fields.IntField()

    class Meta:
        table = "reconciliation"
        indexes = (("finished_at",),)
