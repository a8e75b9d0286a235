from tortoise import migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("models", "0010_audit_faults")]

    initial = False

    operations = [
        ops.AddIndex(
            model_name="CreditEntry",
            index=Index(fields=["metronome_credit_id"]),
        ),
        ops.AddIndex(
            model_name="Invoice",
            index=Index(fields=["subscription_id"]),
        ),
        ops.AddIndex(
            model_name="Operation",
            index=Index(fields=["customer_id", "created_at", "id"]),
        ),
        ops.AddIndex(
            model_name="ProviderEffect",
            index=Index(fields=["object_id"]),
        ),
        ops.AddIndex(
            model_name="WebhookReplay",
            index=Index(fields=["event_id"]),
        ),
    ]
