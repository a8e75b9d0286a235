from enum import StrEnum

from tortoise import fields
from tortoise.models import Model

from models.customer import Customer
from models.ids import ID_LENGTH, customer_drift_id
from models.webhook_event import Provider


class DriftKind(StrEnum):
    NAME = "NAME"
    EMAIL = "EMAIL"
    DELETED = "DELETED"


class CustomerDrift(Model):
    """A provider holds something else of a customer than we do, as far as its events have told."""

    id = fields.CharField(max_length=ID_LENGTH, primary_key=True, default=customer_drift_id)
    customer: fields.ForeignKeyRelation[Customer] = fields.ForeignKeyField(
        "models.Customer", related_name="drifts", on_delete=fields.RESTRICT
    )
    customer_id: str
    provider = fields.CharEnumField(Provider, max_length=16)
    kind = fields.CharEnumField(DriftKind, max_length=16)
    since = fields.DatetimeField()

    class Meta:
        table = "customer_drift"
        unique_together = (("customer_id", "provider", "kind"),)
