from tortoise import fields, migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint


class Migration(migrations.Migration):
    dependencies = [("models", "0013_payment_status")]

    initial = False

    operations = [
        ops.AddField(
            model_name="Invoice",
            name="withheld_minor",
            field=fields.BigIntField(default=0),
        ),
        ops.AddConstraint(
            model_name="Invoice",
            constraint=CheckConstraint(check="withheld_minor >= 0", name="invoice_withheld_not_negative"),
        ),
    ]
