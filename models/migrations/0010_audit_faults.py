from tortoise import fields, migrations
from tortoise.migrations import operations as ops

from models.audit_entry import AuditOutcome


class Migration(migrations.Migration):
    dependencies = [("models", "0009_audit_append_only")]

    initial = False

    operations = [
        ops.AlterField(
            model_name="AuditEntry",
            name="outcome",
            field=fields.CharEnumField(
                description="ACCEPTED: ACCEPTED\nSUCCEEDED: SUCCEEDED\nFAILED: FAILED\nREFUSED: REFUSED\nREPEATED: REPEATED\nFAULT: FAULT",
                enum_type=AuditOutcome,
                max_length=16,
            ),
        ),
        ops.AddField(
            model_name="AuditEntry",
            name="correlation_id",
            field=fields.CharField(null=True, max_length=64),
        ),
    ]
