from datetime import datetime
from typing import Any, Self

import strawberry

from schema.context import Info
from schema.types.enums import EffectState, ErrorCode, OperationKind, OperationStatus, Provider
from schema.types.errors import UserError, Warning


@strawberry.type(description="One change an operation makes at a provider.")
class OperationStep:
    step: str
    attempt: int = strawberry.field(description="Rises only after the provider definitely refused the one before.")
    provider: Provider
    state: EffectState
    sends: int = strawberry.field(description="How often the call was sent; always with the same idempotency key.")
    idempotency_key: str
    object_id: str | None = strawberry.field(description="What the provider calls the result.")
    error_code: str | None
    error_message: str | None
    first_sent_at: datetime
    settled_at: datetime | None

    COLUMNS = (
        "step",
        "attempt",
        "provider",
        "state",
        "sends",
        "idempotency_key",
        "object_id",
        "error_code",
        "error_message",
        "first_sent_at",
        "settled_at",
    )

    @classmethod
    def from_row(cls, row: tuple[Any, ...]) -> Self:
        values: dict[str, Any] = dict(zip(cls.COLUMNS, row, strict=True))
        return cls(**{**values, "provider": Provider(values["provider"])})


@strawberry.type(description="A verb that was accepted: how far it is, and how it ended.")
class Operation:
    id: strawberry.ID
    kind: OperationKind
    status: OperationStatus
    entity_id: str
    step: str | None = strawberry.field(description="The step it is in, or was in when it ended.")
    warnings: list[Warning]
    error: UserError | None
    last_problem: str | None = strawberry.field(description="Why it is still running.")
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None

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

    @strawberry.field(description="What it did at the providers, in order.")
    async def steps(self, info: Info) -> list[OperationStep]:
        return await info.context.loaders.operation_steps.load(self.id)

    @classmethod
    def from_row(cls, row: tuple[Any, ...]) -> Self:
        (
            id_, kind, status, entity_id, step, warnings, error_code, error_message, error_field, last_problem,
            created_at, updated_at, finished_at,
        ) = row  # fmt: skip
        return cls(
            id=id_,
            kind=kind,
            status=status,
            entity_id=entity_id,
            step=step,
            warnings=[
                Warning(code=ErrorCode[each["code"]], message=each["message"], field=each["field"]) for each in warnings
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
    return UserError(code=ErrorCode[code], message=message or "", field=field, retryable=False)
