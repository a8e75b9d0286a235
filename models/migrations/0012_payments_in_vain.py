from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("models", "0011_look_ups")]

    initial = False

    operations = [
        ops.AddField(
            model_name="Payment",
            name="in_vain_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddIndex(
            model_name="Payment",
            index=Index(fields=["in_vain_at"]),
        ),
    ]
