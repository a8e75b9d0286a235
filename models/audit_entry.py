from enum import StrEnum
from typing import Any

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from models.ids import ID_LENGTH, audit_entry_id


class ActorKind(StrEnum):
    API_KEY = "API_KEY"
    SESSION = "SESSION"
    CUSTOMER_TOKEN = "CUSTOMER_TOKEN"  # noqa: S105  a name, not a secret
    COMMAND_LINE = "COMMAND_LINE"
    SERVICE = "SERVICE"


class AuditOutcome(StrEnum):
    ACCEPTED = "ACCEPTED"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    REFUSED = "REFUSED"
    REPEATED = "REPEATED"
    FAULT = "FAULT"


class AuditEntry(Model):
    """Who did what, when, from where, and how things stood before and after. The database refuses to change a row."""

    id = fields.CharField(max_length=ID_LENGTH, primary_key=True, default=audit_entry_id)
    at = fields.DatetimeField()
    actor_kind = fields.CharEnumField(ActorKind, max_length=16)
    # The key's id, also for its sessions and for the customer tokens it minted.
    key_id = fields.CharField(max_length=ID_LENGTH, null=True)
    # The session or the token itself.
    credential_id = fields.CharField(max_length=ID_LENGTH, null=True)
    actor_name = fields.CharField(max_length=128)
    address = fields.CharField(max_length=64, null=True)
    request_id = fields.CharField(max_length=64, null=True)
    action = fields.CharField(max_length=64)
    outcome = fields.CharEnumField(AuditOutcome, max_length=16)
    error_code = fields.CharField(max_length=64, null=True)
    # What a fault was answered with, and is logged under.
    correlation_id = fields.CharField(max_length=64, null=True)
    # No foreign keys: an entry outlives what it is about.
    customer_id = fields.CharField(max_length=ID_LENGTH, null=True)
    entity_id = fields.CharField(max_length=128, null=True)
    operation_id = fields.CharField(max_length=ID_LENGTH, null=True)
    asked: fields.JSONField[dict[str, Any]] = fields.JSONField(default=dict)
    before: fields.JSONField[dict[str, Any]] = fields.JSONField(null=True)
    after: fields.JSONField[dict[str, Any]] = fields.JSONField(null=True)

    class Meta:
        table = "audit_entry"
        indexes = (
            Index(fields=("at", "id")),
            Index(fields=("entity_id", "at")),
            Index(fields=("operation_id",)),
            Index(fields=("key_id", "at")),
            Index(fields=("action", "at")),
        )
