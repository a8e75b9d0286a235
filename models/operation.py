from enum import StrEnum
from typing import Any

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from models.customer import Customer
from models.ids import ID_LENGTH, operation_id, provider_effect_id
from telemetry.tracing import here


class OperationKind(StrEnum):
    ONBOARD = "ONBOARD"
    CHANGE_TIER = "CHANGE_TIER"
    SCHEDULE_CHANGE = "SCHEDULE_CHANGE"
    WITHDRAW_CHANGE = "WITHDRAW_CHANGE"
    CANCEL = "CANCEL"
    REACTIVATE = "REACTIVATE"
    RENEW = "RENEW"
    END = "END"
    COLLECT = "COLLECT"
    SETTLE_PAYMENT = "SETTLE_PAYMENT"
    REFUND = "REFUND"
    GRANT_CREDITS = "GRANT_CREDITS"
    ATTACH_PAYMENT_METHOD = "ATTACH_PAYMENT_METHOD"
    SET_DEFAULT_PAYMENT_METHOD = "SET_DEFAULT_PAYMENT_METHOD"
    DETACH_PAYMENT_METHOD = "DETACH_PAYMENT_METHOD"
    CREATE_SETUP_INTENT = "CREATE_SETUP_INTENT"


class OperationStatus(StrEnum):
    RUNNING = "RUNNING"
    REQUIRES_ACTION = "REQUIRES_ACTION"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


class EffectState(StrEnum):
    INTENDED = "INTENDED"
    DONE = "DONE"
    REFUSED = "REFUSED"


class Operation(Model):
    """A verb that was accepted: what was asked, how far it is, how it ended."""

    id = fields.CharField(max_length=ID_LENGTH, primary_key=True, default=operation_id)
    kind = fields.CharEnumField(OperationKind, max_length=32)
    customer: fields.ForeignKeyRelation[Customer] = fields.ForeignKeyField(
        "models.Customer", related_name="operations", on_delete=fields.RESTRICT
    )
    customer_id: str
    input: fields.JSONField[dict[str, Any]] = fields.JSONField()
    input_hash = fields.CharField(max_length=64)
    status = fields.CharEnumField(OperationStatus, max_length=16)
    step = fields.CharField(max_length=64, null=True)
    warnings: fields.JSONField[list[dict[str, str | None]]] = fields.JSONField(default=list)
    error_code = fields.CharField(max_length=64, null=True)
    error_message = fields.CharField(max_length=1000, null=True)
    error_field = fields.CharField(max_length=128, null=True)
    # Why it is still running: the last thing a provider said or failed to say.
    last_problem = fields.CharField(max_length=1000, null=True)
    # What the verb found and made on its way, for its later steps and for its answer.
    result: fields.JSONField[dict[str, Any]] = fields.JSONField(default=dict)
    # How often it was taken up again after it had waited for the payer; each time is a workflow of its own.
    leg = fields.IntField(default=0)
    # When it stops waiting for the payer.
    action_expires_at = fields.DatetimeField(null=True)
    # How often another worker picked it up after its own had died.
    takeovers = fields.IntField(default=0)
    # Where its trace goes on, whoever runs it: a W3C traceparent.
    trace_parent = fields.CharField(max_length=55, null=True, default=here)
    created_at = fields.DatetimeField()
    updated_at = fields.DatetimeField()
    finished_at = fields.DatetimeField(null=True)

    class Meta:
        table = "operation"
        indexes = (
            Index(fields=("created_at", "id")),
            Index(fields=("status", "updated_at")),
            Index(fields=("customer_id", "created_at", "id")),
        )


class ProviderEffect(Model):
    """One remote change an operation makes: written before the call, settled after the answer."""

    id = fields.CharField(max_length=ID_LENGTH, primary_key=True, default=provider_effect_id)
    operation: fields.ForeignKeyRelation[Operation] = fields.ForeignKeyField(
        "models.Operation", related_name="effects", on_delete=fields.RESTRICT
    )
    operation_id: str
    step = fields.CharField(max_length=64)
    # Rises only after a definite refusal was recorded.
    attempt = fields.IntField()
    provider = fields.CharField(max_length=16)
    state = fields.CharEnumField(EffectState, max_length=16)
    idempotency_key = fields.CharField(max_length=255, unique=True)
    # How often the call was sent; every send uses the same idempotency key.
    sends = fields.IntField(default=0)
    object_id = fields.CharField(max_length=64, null=True)
    request_id = fields.CharField(max_length=128, null=True)
    error_code = fields.CharField(max_length=64, null=True)
    error_message = fields.CharField(max_length=1000, null=True)
    first_sent_at = fields.DatetimeField()
    settled_at = fields.DatetimeField(null=True)

    class Meta:
        table = "provider_effect"
        unique_together = (("operation_id", "step", "attempt"),)
        indexes = (Index(fields=("object_id",)),)


class IdempotencyKey(Model):
    """A caller's name for one request, and the operation that answers it."""

    key = fields.CharField(max_length=255, primary_key=True)
    operation: fields.ForeignKeyRelation[Operation] = fields.ForeignKeyField(
        "models.Operation", related_name="idempotency_keys", on_delete=fields.RESTRICT
    )
    operation_id: str
    input_hash = fields.CharField(max_length=64)
    created_at = fields.DatetimeField()

    class Meta:
        table = "idempotency_key"
