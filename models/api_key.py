from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from models.ids import ID_LENGTH, api_key_id, session_id


class ApiKey(Model):
    """A key of somebody who may ask for something. The key itself was shown once and is not here, only its hash."""

    id = fields.CharField(max_length=ID_LENGTH, primary_key=True, default=api_key_id)
    name = fields.CharField(max_length=100)
    # The beginning of the key, which finds the row and tells people which one it is.
    prefix = fields.CharField(max_length=32, unique=True)
    # SHA-256 of the whole key. A slow hash protects guessable secrets; 256 random bits are not.
    key_hash = fields.CharField(max_length=64)
    scopes: fields.JSONField[list[str]] = fields.JSONField()
    created_at = fields.DatetimeField()
    expires_at = fields.DatetimeField(null=True)
    revoked_at = fields.DatetimeField(null=True)
    # To the minute: it is not written with every request.
    last_used_at = fields.DatetimeField(null=True)

    class Meta:
        table = "api_key"
        indexes = (Index(fields=("created_at", "id")),)


class Session(Model):
    """A browser that has signed in with a key. It ends with the key, if not before."""

    id = fields.CharField(max_length=ID_LENGTH, primary_key=True, default=session_id)
    token_hash = fields.CharField(max_length=64, unique=True)
    api_key: fields.ForeignKeyRelation[ApiKey] = fields.ForeignKeyField(
        "models.ApiKey", related_name="sessions", on_delete=fields.RESTRICT
    )
    api_key_id: str
    created_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    revoked_at = fields.DatetimeField(null=True)

    class Meta:
        table = "session"
        indexes = (Index(fields=("expires_at",)),)
