from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from models.ids import reconciliation_id
from telemetry.tracing import here


class Migration(migrations.Migration):
    dependencies = [("models", "0005_subscription_lists")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Reconciliation",
            fields=[
                (
                    "id",
                    fields.CharField(
                        primary_key=True, default=reconciliation_id, unique=True, db_index=True, max_length=40
                    ),
                ),
                ("started_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("finished_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("customers", fields.IntField()),
                ("differences_high", fields.IntField()),
                ("differences_low", fields.IntField()),
            ],
            options={
                "table": "reconciliation",
                "app": "models",
                "indexes": [Index(fields=["finished_at"])],
                "pk_attr": "id",
                "table_description": "One comparison of every customer with both providers, and how many differences it found.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="WorkerHeartbeat",
            fields=[
                ("name", fields.CharField(primary_key=True, unique=True, db_index=True, max_length=32)),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("started_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "worker_heartbeat",
                "app": "models",
                "pk_attr": "name",
                "table_description": "A worker that runs: it writes the time every few seconds, and takes its row along when it stops in good order.",
            },
            bases=["Model"],
        ),
        ops.AddField(
            model_name="Operation",
            name="trace_parent",
            field=fields.CharField(null=True, default=here, max_length=55),
        ),
        ops.AddField(
            model_name="WebhookEvent",
            name="trace_parent",
            field=fields.CharField(null=True, max_length=55),
        ),
    ]
