from datetime import datetime
from typing import Any, Self

import strawberry

from schema.types.enums import EntryKind
from schema.types.scalars import BigInt


@strawberry.type(description="How many credits are left at an instant.")
class CreditBalance:
    balance: BigInt
    as_of: datetime


@strawberry.type(description="One change of a credit balance. The balance is the sum of all of them.")
class CreditEntry:
    id: strawberry.ID
    kind: EntryKind
    amount: BigInt = strawberry.field(description="Above zero when credits were added, below when they were taken.")
    at: datetime
    cause: str = strawberry.field(description='What caused it: "operation:op_...", "invoice:..." or "event:...".')
    reason: str | None = strawberry.field(description="For people to read.")
    expires_at: datetime | None = strawberry.field(description="When what is left of a GRANT is lost.")

    COLUMNS = ("id", "kind", "amount", "at", "cause", "reason", "expires_at")

    @classmethod
    def from_row(cls, row: tuple[Any, ...]) -> Self:
        id_, kind, amount, at, cause, reason, expires_at = row
        return cls(id=id_, kind=kind, amount=amount, at=at, cause=cause, reason=reason, expires_at=expires_at)
