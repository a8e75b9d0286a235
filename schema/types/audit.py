from datetime import datetime
from typing import Any, Self

import strawberry

from schema.types.enums import ActorKind, AuditOutcome
from schema.types.scalars import JSON


@strawberry.type(description="Who did it, by what, and from where.")
class Actor:
    kind: ActorKind
    name: str = strawberry.field(description="The key's name, the customer, or the operator's on the command line.")
    key_id: strawberry.ID | None = strawberry.field(description="Also of its sessions and customer tokens.")
    credential_id: strawberry.ID | None = strawberry.field(description="The session or the token itself.")
    address: str | None
    request_id: str | None = strawberry.field(description="What its log lines are found by.")


@strawberry.type(description="One thing that was done, or that somebody wanted to do. It can never be changed.")
class AuditEntry:
    id: strawberry.ID
    at: datetime
    actor: Actor
    action: str = strawberry.field(description="The mutation; for what the service does by itself, the operation.")
    outcome: AuditOutcome
    error_code: str | None = strawberry.field(description="Why it was refused, or failed.")
    correlation_id: str | None = strawberry.field(description="Of a fault: what its answer and the log call it.")
    customer_id: strawberry.ID | None
    entity_id: str | None = strawberry.field(description="The customer, by your own id.")
    operation_id: strawberry.ID | None
    asked: JSON = strawberry.field(description="Ids, choices and amounts of the request; no names, secrets or cards.")
    before: JSON | None = strawberry.field(description="How things stood.")
    after: JSON | None = strawberry.field(description="How they stood then.")

    COLUMNS = (
        "id",
        "at",
        "actor_kind",
        "actor_name",
        "key_id",
        "credential_id",
        "address",
        "request_id",
        "action",
        "outcome",
        "error_code",
        "correlation_id",
        "customer_id",
        "entity_id",
        "operation_id",
        "asked",
        "before",
        "after",
    )

    @classmethod
    def from_row(cls, row: tuple[Any, ...]) -> Self:
        id_, at, kind, name, key_id, credential_id, address, request_id, *rest = row
        actor = Actor(
            kind=kind, name=name, key_id=key_id, credential_id=credential_id, address=address, request_id=request_id
        )
        return cls(id=id_, at=at, actor=actor, **dict(zip(cls.COLUMNS[-len(rest) :], rest, strict=True)))
