from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.migrations import operations as ops

from models.customer_drift import DriftKind
from models.ids import customer_drift_id
from models.webhook_event import Provider


class Migration(migrations.Migration):
    dependencies = [("models", "0007_access")]

    initial = False

    operations = [
        ops.CreateModel(
            name="CustomerDrift",
            fields=[
                (
                    "id",
                    fields.CharField(
                        primary_key=True, default=customer_drift_id, unique=True, db_index=True, max_length=40
                    ),
                ),
                (
                    "customer",
                    fields.ForeignKeyField(
                        "models.Customer",
                        source_field="customer_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="drifts",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "provider",
                    fields.CharEnumField(
                        description="METRONOME: METRONOME\nSTRIPE: STRIPE", enum_type=Provider, max_length=16
                    ),
                ),
                (
                    "kind",
                    fields.CharEnumField(
                        description="NAME: NAME\nEMAIL: EMAIL\nDELETED: DELETED", enum_type=DriftKind, max_length=16
                    ),
                ),
                ("since", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "customer_drift",
                "app": "models",
                "unique_together": (("customer_id", "provider", "kind"),),
                "pk_attr": "id",
                "table_description": "A provider holds something else of a customer than we do, as far as its events have told.",
            },
            bases=["Model"],
        ),
    ]
