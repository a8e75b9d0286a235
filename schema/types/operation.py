from datetime import datetime
from typing import Any, Self

import strawberry

from schema.context import Info
from schema.types.enums import EffectState, ErrorCode, OperationKind, OperationStatus, Provider
from schema.types.errors import OperationWarning, UserError


@strawberry.type(description="One change an operation makes at a provider.")
class OperationStep:
    name: str = strawberry.field(description="What is changed there, as `metronome_customer` or `payment_1`.")
    attempt: int = strawberry.field(
        description="From 1; rises only after the provider definitely refused the one before."
    )
    provider: Provider
    state: EffectState
    sends: int = strawberry.field(description="How often the call was sent; always with the same idempotency key.")
    idempotency_key: str = strawberry.field(description="What the call is known by at the provider.")
    object_id: str | None = strawberry.field(description="The provider's id of the result.")
    request_id: str | None = strawberry.field(description="The provider's id of the request, for its support.")
    error_code: str | None = strawberry.field(description="Why it was refused, in the provider's words.")
    error_message: str | None
    first_sent_at: datetime
    settled_at: datetime | None = strawberry.field(description="Null while it is INTENDED.")

    COLUMNS = (
        "step",
        "attempt",
        "provider",
        "state",
        "sends",
        "idempotency_key",
        "object_id",
        "request_id",
        "error_code",
        "error_message",
        "first_sent_at",
        "settled_at",
    )

    @classmethod
    def from_row(cls, row: tuple[Any, ...]) -> Self:
        (
            name, attempt, provider, state, sends, idempotency_key, object_id, request_id, error_code, error_message,
            first_sent_at, settled_at,
        ) = row  # fmt: skip
        return cls(
            name=name,
            attempt=attempt,
            provider=Provider(provider),
            state=state,
            sends=sends,
            idempotency_key=idempotency_key,
            object_id=object_id,
            request_id=request_id,
            error_code=error_code,
            error_message=error_message,
            first_sent_at=first_sent_at,
            settled_at=settled_at,
        )


@strawberry.type(description="A verb that was accepted: how far it is, and how it ended.")
class Operation:
    id: strawberry.ID
    kind: OperationKind
    status: OperationStatus
    entity_id: str = strawberry.field(description="The customer it changes, by your own id.")
    stage: str | None = strawberry.field(
        description="Which part of the verb it is in, or was in when it ended, as `create_customers`."
    )
    warnings: list[OperationWarning]
    error: UserError | None = strawberry.field(description="Why it FAILED.")
    last_problem: str | None = strawberry.field(
        description="Why it is still RUNNING: the last thing a provider said or failed to say."
    )
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None = strawberry.field(description="Null while it is RUNNING.")

    COLUMNS = (
        "id",
        "kind",
        "status",
        "customer__entity_id",
        "step",
        "warnings",
        "error_code",
        "error_message",
        "error_field",
        "last_problem",
        "created_at",
        "updated_at",
        "finished_at",
    )

    @strawberry.field(description="The changes it made or is making at the providers, in the order they were begun.")
    async def steps(self, info: Info) -> list[OperationStep]:
        return await info.context.loaders.operation_steps.load(self.id)

    @classmethod
    def from_row(cls, row: tuple[Any, ...]) -> Self:
        (
            id_, kind, status, entity_id, stage, warnings, error_code, error_message, error_field, last_problem,
            created_at, updated_at, finished_at,
        ) = row  # fmt: skip
        return cls(
            id=id_,
            kind=kind,
            status=status,
            entity_id=entity_id,
            stage=stage,
            warnings=[
                OperationWarning(code=ErrorCode[each["code"]], message=each["message"], field=each["field"])
                for each in warnings
            ],
            error=_error(error_code, error_message, error_field),
            last_problem=last_problem,
            created_at=created_at,
            updated_at=updated_at,
            finished_at=finished_at,
        )


def _error(code: str | None, message: str | None, field: str | None) -> UserError | None:
    if code is None:
        return None
    return UserError(code=ErrorCode[code], message=message or "", field=field, retryable=ErrorCode[code].retryable)
