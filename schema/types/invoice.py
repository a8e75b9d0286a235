from datetime import date, datetime
from typing import Any, Self

import strawberry

from schema.context import Info
from schema.types.enums import InvoiceStatus
from schema.types.money import Money
from schema.types.payment import Payment
from schema.types.scalars import BigInt
from schema.types.subscription import Period


@strawberry.type(description="One item of an invoice.")
class InvoiceLine:
    description: str
    quantity: BigInt
    unit_price: Money
    amount: Money = strawberry.field(description="The quantity times the unit price; below zero for a credit.")


@strawberry.type(description="What a customer owes for one period or change. Its lines sum to its amount.")
class Invoice:
    id: strawberry.ID
    status: InvoiceStatus
    amount: Money
    period: Period = strawberry.field(description="What it is for.")
    due_date: date
    metronome_invoice_id: str | None
    issued_at: datetime
    paid_at: datetime | None
    failed_attempts: int = strawberry.field(
        description="How much of the retry schedule is used up: the first failure, and each retry at its time."
    )
    next_attempt_at: datetime | None = strawberry.field(
        description="When it is collected again by itself. Null while nothing failed, and when nothing more is tried."
    )

    COLUMNS = (
        "id",
        "status",
        "amount_minor",
        "currency",
        "period_start",
        "period_end",
        "due_date",
        "metronome_invoice_id",
        "issued_at",
        "paid_at",
        "failed_attempts",
        "next_attempt_at",
    )

    @strawberry.field(description="What it is made of, in the order they are printed.")
    async def lines(self, info: Info) -> list[InvoiceLine]:
        return await info.context.loaders.invoice_lines.load(self.id)

    @strawberry.field(description="The attempts to collect it, the latest first.")
    async def payments(self, info: Info) -> list[Payment]:
        return await info.context.loaders.invoice_payments.load(self.id)

    @classmethod
    def from_row(cls, row: tuple[Any, ...]) -> Self:
        (
            id_, status, amount_minor, currency, start, end, due_date, metronome_id, issued_at, paid_at,
            failed_attempts, next_attempt_at,
        ) = row  # fmt: skip
        return cls(
            id=id_,
            status=status,
            amount=Money.of(amount_minor, currency),
            period=Period(start=start, end=end),
            due_date=due_date,
            metronome_invoice_id=metronome_id,
            issued_at=issued_at,
            paid_at=paid_at,
            failed_attempts=failed_attempts,
            next_attempt_at=next_attempt_at,
        )
