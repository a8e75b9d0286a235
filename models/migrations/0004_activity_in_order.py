"""On PostgreSQL an activity's id tells who may still be writing: a shared lock is taken before it, and held to the end.

Ids are given out in order, but a transaction with a lower one may commit later. A reader that sees a gap asks who holds
the lock, and waits for these alone; see `operations/live.py`. On SQLite there is one writer, so ids commit in order.
"""

from tortoise import migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from tortoise.migrations.schema_editor.base import BaseSchemaEditor

LOCKED_ID = (
    """
    CREATE FUNCTION activity_next_id() RETURNS bigint LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock_shared(hashtextextended('billing-service activity', 0));
        RETURN nextval('activity_id_seq');
    END
    $$
    """,
    "ALTER TABLE activity ALTER COLUMN id SET DEFAULT activity_next_id()",
)
PLAIN_ID = (
    "ALTER TABLE activity ALTER COLUMN id SET DEFAULT nextval('activity_id_seq')",
    "DROP FUNCTION activity_next_id()",
)


async def lock_before_id(_: object, editor: BaseSchemaEditor) -> None:
    await _on_postgresql(editor, LOCKED_ID)


async def plain_id(_: object, editor: BaseSchemaEditor) -> None:
    await _on_postgresql(editor, PLAIN_ID)


async def _on_postgresql(editor: BaseSchemaEditor, statements: tuple[str, ...]) -> None:
    if editor.client.capabilities.dialect == "postgres":
        for statement in statements:
            await editor.client.execute_script(statement)


class Migration(migrations.Migration):
    dependencies = [("models", "0003_webhooks")]

    operations = [
        ops.RunPython(lock_before_id, plain_id),
        ops.AlterModelOptions(
            name="Activity",
            options={
                "table": "activity",
                "app": "models",
                "indexes": [
                    Index(fields=["customer_id", "id"]),
                    Index(fields=["operation_id", "id"]),
                    Index(fields=["at"]),
                ],
                "pk_attr": "id",
                "table_description": "What happened, in order: written in the transaction that made it happen, read on by live clients.",
            },
        ),
    ]
