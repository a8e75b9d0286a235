"""What may exist once at a time: partial unique indexes, the same SQL on SQLite and PostgreSQL."""

from tortoise import migrations
from tortoise.migrations import operations as ops


def one_of_each(*, name: str, table: str, column: str, among: str) -> ops.RunSQL:
    return ops.RunSQL(
        sql=f"CREATE UNIQUE INDEX {name} ON {table} ({column}) WHERE {among}",
        reverse_sql=f"DROP INDEX {name}",
    )


class Migration(migrations.Migration):
    dependencies = [("models", "0001_initial")]

    operations = [
        one_of_each(
            name="subscription_one_live_per_customer",
            table="subscription",
            column="customer_id",
            among="status IN ('PENDING', 'ACTIVE', 'PAST_DUE')",
        ),
        one_of_each(
            name="subscription_one_current_per_customer",
            table="subscription",
            column="customer_id",
            among="is_current",
        ),
        one_of_each(
            name="operation_one_under_way_per_customer",
            table="operation",
            column="customer_id",
            among="status IN ('RUNNING', 'REQUIRES_ACTION')",
        ),
        one_of_each(
            name="payment_one_success_per_invoice",
            table="payment",
            column="invoice_id",
            among="status = 'SUCCEEDED'",
        ),
        one_of_each(
            name="payment_one_open_per_invoice",
            table="payment",
            column="invoice_id",
            among="status IN ('PROCESSING', 'REQUIRES_ACTION')",
        ),
        one_of_each(
            name="payment_method_one_default_per_customer",
            table="payment_method",
            column="customer_id",
            among="is_default",
        ),
    ]
