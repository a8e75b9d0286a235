from orjson import loads
from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from models.audit_entry import ActorKind, AuditOutcome
from models.ids import api_key_id, audit_entry_id, session_id


class Migration(migrations.Migration):
    dependencies = [("models", "0006_operating")]

    initial = False

    operations = [
        ops.CreateModel(
            name="ApiKey",
            fields=[
                (
                    "id",
                    fields.CharField(primary_key=True, default=api_key_id, unique=True, db_index=True, max_length=40),
                ),
                ("name", fields.CharField(max_length=100)),
                ("prefix", fields.CharField(unique=True, max_length=32)),
                ("key_hash", fields.CharField(max_length=64)),
                ("scopes", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("revoked_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("last_used_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "api_key",
                "app": "models",
                "indexes": [Index(fields=["created_at", "id"])],
                "pk_attr": "id",
                "table_description": "A key of somebody who may ask for something. The key itself was shown once and is not here, only its hash.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="AuditEntry",
            fields=[
                (
                    "id",
                    fields.CharField(
                        primary_key=True, default=audit_entry_id, unique=True, db_index=True, max_length=40
                    ),
                ),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "actor_kind",
                    fields.CharEnumField(
                        description="API_KEY: API_KEY\nSESSION: SESSION\nCUSTOMER_TOKEN: CUSTOMER_TOKEN\nCOMMAND_LINE: COMMAND_LINE\nSERVICE: SERVICE",
                        enum_type=ActorKind,
                        max_length=16,
                    ),
                ),
                ("key_id", fields.CharField(null=True, max_length=40)),
                ("credential_id", fields.CharField(null=True, max_length=40)),
                ("actor_name", fields.CharField(max_length=128)),
                ("address", fields.CharField(null=True, max_length=64)),
                ("request_id", fields.CharField(null=True, max_length=64)),
                ("action", fields.CharField(max_length=64)),
                (
                    "outcome",
                    fields.CharEnumField(
                        description="ACCEPTED: ACCEPTED\nSUCCEEDED: SUCCEEDED\nFAILED: FAILED\nREFUSED: REFUSED\nREPEATED: REPEATED",
                        enum_type=AuditOutcome,
                        max_length=16,
                    ),
                ),
                ("error_code", fields.CharField(null=True, max_length=64)),
                ("customer_id", fields.CharField(null=True, max_length=40)),
                ("entity_id", fields.CharField(null=True, max_length=128)),
                ("operation_id", fields.CharField(null=True, max_length=40)),
                ("asked", fields.JSONField(default=dict, encoder=JSON_DUMPS, decoder=loads)),
                ("before", fields.JSONField(null=True, encoder=JSON_DUMPS, decoder=loads)),
                ("after", fields.JSONField(null=True, encoder=JSON_DUMPS, decoder=loads)),
            ],
            options={
                "table": "audit_entry",
                "app": "models",
                "indexes": [
                    Index(fields=["at", "id"]),
                    Index(fields=["entity_id", "at"]),
                    Index(fields=["operation_id"]),
                    Index(fields=["key_id", "at"]),
                    Index(fields=["action", "at"]),
                ],
                "pk_attr": "id",
                "table_description": "Who did what, when, from where, and how things stood before and after. The database refuses to change a row.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Session",
            fields=[
                (
                    "id",
                    fields.CharField(primary_key=True, default=session_id, unique=True, db_index=True, max_length=40),
                ),
                ("token_hash", fields.CharField(unique=True, max_length=64)),
                (
                    "api_key",
                    fields.ForeignKeyField(
                        "models.ApiKey",
                        source_field="api_key_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="sessions",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("revoked_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "session",
                "app": "models",
                "indexes": [Index(fields=["expires_at"])],
                "pk_attr": "id",
                "table_description": "A browser that has signed in with a key. It ends with the key, if not before.",
            },
            bases=["Model"],
        ),
    ]
