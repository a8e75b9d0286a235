from datetime import datetime
from typing import Any, Self

import strawberry

from schema.context import Info, PerCustomer
from schema.types.connection import First, check_first
from schema.types.credits import CreditBalance, CreditEntry
from schema.types.enums import DriftKind, EntityType, Provider
from schema.types.invoice import Invoice
from schema.types.money import Money
from schema.types.operation import Operation
from schema.types.payment import Payment, PaymentMethod
from schema.types.scalars import JSON, BigInt
from schema.types.subscription import Subscription


@strawberry.type(description="A provider holds something else of the customer than we do, and a person has to look.")
class CustomerDrift:
    provider: Provider
    kind: DriftKind
    since: datetime = strawberry.field(description="When we learned of it.")

    COLUMNS = ("provider", "kind", "since")

    @classmethod
    def from_row(cls, row: tuple[Any, ...]) -> Self:
        provider, kind, since = row
        return cls(provider=provider, kind=kind, since=since)


@strawberry.type(description="One user or organization, and who it is at each provider.")
class Customer:
    id: strawberry.ID
    entity_id: str = strawberry.field(description="Your own id for it.")
    entity_type: EntityType
    name: str
    email: str
    metadata: JSON = strawberry.field(description="Your own notes: an object of strings.")
    metronome_customer_id: str | None = strawberry.field(description="Null until it exists there.")
    stripe_customer_id: str | None = strawberry.field(description="Null until it exists there.")
    account_balance: Money = strawberry.field(
        description="Money held for the next invoices; below zero while it carries an amount too small to charge."
    )
    created_at: datetime
    updated_at: datetime
    subscription: Subscription = strawberry.field(description="The live one, or the last that was.")
    credit_balance: strawberry.Private[int]

    COLUMNS = (
        "id",
        "entity_id",
        "entity_type",
        "name",
        "email",
        "metadata",
        "metronome_customer_id",
        "stripe_customer_id",
        "account_balance_minor",
        "currency",
        "credit_balance",
        "created_at",
        "updated_at",
        *(f"subscriptions__{column}" for column in Subscription.COLUMNS),
    )
    OWN_COLUMNS = 13

    @strawberry.field(description="The credits left now.")
    def credits(self, info: Info) -> CreditBalance:
        return CreditBalance(balance=BigInt(self.credit_balance), as_of=info.context.now())

    @strawberry.field(description="The newest changes of the credit balance.")
    async def credit_ledger(self, info: Info, first: First = 20) -> list[CreditEntry]:
        return await info.context.loaders.credit_entries.load(PerCustomer(self.id, check_first(first)))

    @strawberry.field(description="The newest invoices.")
    async def invoices(self, info: Info, first: First = 20) -> list[Invoice]:
        return await info.context.loaders.invoices.load(PerCustomer(self.id, check_first(first)))

    @strawberry.field(description="The newest payments.")
    async def payments(self, info: Info, first: First = 20) -> list[Payment]:
        return await info.context.loaders.payments.load(PerCustomer(self.id, check_first(first)))

    @strawberry.field(description="The cards on file, the default first.")
    async def payment_methods(self, info: Info) -> list[PaymentMethod]:
        return await info.context.loaders.payment_methods.load(self.id)

    @strawberry.field(description="Where a provider holds something else, as far as its events tell. Empty: nowhere.")
    async def drift(self, info: Info) -> list[CustomerDrift]:
        return await info.context.loaders.customer_drift.load(self.id)

    @strawberry.field(description="The newest operations.")
    async def operations(self, info: Info, first: First = 20) -> list[Operation]:
        return await info.context.loaders.operations.load(PerCustomer(self.id, check_first(first)))

    @classmethod
    def from_row(cls, row: tuple[Any, ...]) -> Self:
        (
            id_, entity_id, entity_type, name, email, metadata, metronome_id, stripe_id, account_balance_minor,
            currency, credit_balance, created_at, updated_at,
        ) = row[: cls.OWN_COLUMNS]  # fmt: skip
        return cls(
            id=id_,
            entity_id=entity_id,
            entity_type=entity_type,
            name=name,
            email=email,
            metadata=metadata,
            metronome_customer_id=metronome_id,
            stripe_customer_id=stripe_id,
            account_balance=Money.of(account_balance_minor, currency),
            credit_balance=credit_balance,
            created_at=created_at,
            updated_at=updated_at,
            subscription=Subscription.from_row(row[cls.OWN_COLUMNS :]),
        )
