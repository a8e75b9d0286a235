from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("models", "0002_one_of_each")]

    initial = False

    operations = [
        ops.CreateModel(
            name="EventCursor",
            fields=[
                ("provider", fields.CharField(primary_key=True, unique=True, db_index=True, max_length=16)),
                ("read_until", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("last_event_id", fields.CharField(null=True, max_length=255)),
            ],
            options={
                "table": "event_cursor",
                "app": "models",
                "pk_attr": "provider",
                "table_description": "How far a provider's own list of events was read, so that what never arrived is found.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="WebhookReplay",
            fields=[
                ("key", fields.CharField(primary_key=True, unique=True, db_index=True, max_length=255)),
                (
                    "event",
                    fields.ForeignKeyField(
                        "models.WebhookEvent",
                        source_field="event_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="replays",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("requested_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "webhook_replay",
                "app": "models",
                "pk_attr": "key",
                "table_description": "A caller's name for one request to handle an event again.",
            },
            bases=["Model"],
        ),
        ops.RemoveField(model_name="WebhookEvent", name="customer_id"),
        ops.AddField(
            model_name="WebhookEvent",
            name="customer",
            field=fields.ForeignKeyField(
                "models.Customer",
                source_field="customer_id",
                null=True,
                db_constraint=True,
                to_field="id",
                related_name="webhook_events",
                on_delete=OnDelete.RESTRICT,
            ),
        ),
        ops.AddField(
            model_name="WebhookEvent",
            name="provider_customer_id",
            field=fields.CharField(null=True, max_length=64),
        ),
        ops.AddIndex(
            model_name="WebhookEvent",
            index=Index(fields=["customer_id", "received_at", "id"]),
        ),
        ops.AddIndex(
            model_name="WebhookEvent",
            index=Index(fields=["leased_until"]),
        ),
    ]
