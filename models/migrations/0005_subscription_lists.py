from tortoise import migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("models", "0004_activity_in_order")]

    initial = False

    operations = [
        ops.AddIndex(
            model_name="Subscription",
            index=Index(fields=["created_at", "id"]),
        ),
        ops.AddIndex(
            model_name="Subscription",
            index=Index(fields=["period_end", "id"]),
        ),
    ]
