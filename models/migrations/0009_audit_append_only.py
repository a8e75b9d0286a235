"""The audit log can be added to and nothing else: the database itself refuses to change or delete what is in it."""

from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.schema_editor.base import BaseSchemaEditor

REFUSAL = "the audit log can only be added to"
SQLITE = tuple(
    f"CREATE TRIGGER audit_entry_no_{event.lower()} BEFORE {event} ON audit_entry "
    f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    for event in ("UPDATE", "DELETE")
)
SQLITE_UNDONE = ("DROP TRIGGER audit_entry_no_update", "DROP TRIGGER audit_entry_no_delete")
POSTGRESQL = (
    f"""
    CREATE FUNCTION audit_entry_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'restrict_violation';
    END
    $$
    """,
    "CREATE TRIGGER audit_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry "
    "FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_refuse()",
)
POSTGRESQL_UNDONE = ("DROP TRIGGER audit_entry_append_only ON audit_entry", "DROP FUNCTION audit_entry_refuse()")


async def refuse_changes(_: object, editor: BaseSchemaEditor) -> None:
    await _run(editor, sqlite=SQLITE, postgresql=POSTGRESQL)


async def allow_changes(_: object, editor: BaseSchemaEditor) -> None:
    await _run(editor, sqlite=SQLITE_UNDONE, postgresql=POSTGRESQL_UNDONE)


async def _run(editor: BaseSchemaEditor, *, sqlite: tuple[str, ...], postgresql: tuple[str, ...]) -> None:
    for statement in postgresql if editor.client.capabilities.dialect == "postgres" else sqlite:
        await editor.client.execute_script(statement)


class Migration(migrations.Migration):
    dependencies = [("models", "0008_customer_drift")]

    operations = [ops.RunPython(refuse_changes, allow_changes)]
