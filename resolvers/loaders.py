"""Nested lists: one statement for all parents of a page."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from strawberry.dataloader import DataLoader
from tortoise.models import Model

import models
from access.callers import Caller
from access.scopes import Scope
from billing.invoices import PAYABLE
from schema.context import Loaders, PerCustomer
from schema.errors import require
from schema.types.credits import CreditEntry
from schema.types.customer import Customer, CustomerDrift
from schema.types.invoice import Invoice, InvoiceLine
from schema.types.money import Money
from schema.types.operation import Operation, OperationStep
from schema.types.payment import Payment, PaymentMethod, Refund
from schema.types.scalars import BigInt

T = TypeVar("T")


def make_loaders(caller: Caller) -> Loaders:
    """Fresh for each request: a loader remembers what it loaded, and for whom.

    All that lies below a node is read by one of these, so here is where it is asked who may read it: nobody without
    `customers:read`, and a customer's token only what is that customer's, whatever node it hangs on.
    """
    return Loaders(
        credit_entries=_newest(caller, models.CreditEntry, CreditEntry, by="at"),
        invoices=_newest(caller, models.Invoice, Invoice, by="issued_at"),
        payments=_newest(caller, models.Payment, Payment, by="created_at"),
        operations=_newest(caller, models.Operation, Operation, by="created_at"),
        customers=_loader(caller, _customers),
        operation=_loader(caller, _operations),
        unpaid_invoices=_loader(caller, _unpaid_invoices),
        payment_methods=_loader(caller, _payment_methods),
        customer_drift=_loader(caller, _customer_drift),
        invoice_lines=_loader(caller, _invoice_lines),
        invoice_payments=_loader(caller, _invoice_payments),
        payment_refunds=_loader(caller, _payment_refunds),
        operation_steps=_loader(caller, _operation_steps),
    )


def _loader(caller: Caller, read: Callable[[Caller, list[str]], Awaitable[list[T]]]) -> DataLoader[str, T]:
    async def load(owners: list[str]) -> list[T]:
        require(caller, Scope.CUSTOMERS_READ)
        return await read(caller, owners)

    return DataLoader(load)


def _newest(caller: Caller, model: type[Model], node_type: Any, *, by: str) -> DataLoader[PerCustomer, list[Any]]:
    async def load(keys: list[PerCustomer]) -> list[list[Any]]:
        require(caller, Scope.CUSTOMERS_READ)
        found: dict[PerCustomer, list[Any]] = defaultdict(list)
        for first in sorted({key.first for key in keys}):
            owners = [key.customer_id for key in keys if key.first == first and caller.sees(key.customer_id)]
            for customer_id, row in await _newest_rows(model, node_type.COLUMNS, owners, by=by, first=first):
                found[PerCustomer(customer_id, first)].append(node_type.from_row(row))
        return [found[key] for key in keys]

    return DataLoader(load)


async def _newest_rows(
    model: type[Model], columns: Sequence[str], customer_ids: Sequence[str], *, by: str, first: int
) -> list[tuple[str, tuple[Any, ...]]]:
    """The newest rows of each customer. A window function: Tortoise has no word for it."""
    if not customer_ids:
        return []
    table = model._meta.db_table
    selected = ", ".join(_expression(column) for column in columns)
    connection = model._meta.db
    marks = _placeholders(connection.capabilities.dialect, len(customer_ids) + 1)
    rows = await connection.execute_query_dict(
        f"SELECT customer_id, {selected} FROM ("  # noqa: S608  every name is ours; every value is a parameter
        f"SELECT *, ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY {by} DESC, id DESC) AS place "
        f"FROM {table} WHERE customer_id IN ({', '.join(marks[:-1])})) AS ranked "
        f"WHERE place <= {marks[-1]} ORDER BY customer_id, place",
        [*customer_ids, first],
    )
    return [(row["customer_id"], tuple(_value(model, column, row[column]) for column in columns)) for row in rows]


def _expression(column: str) -> str:
    if column == "customer__entity_id":
        return "(SELECT entity_id FROM customer WHERE customer.id = ranked.customer_id) AS customer__entity_id"
    return column


def _value(model: type[Model], column: str, raw: Any) -> Any:
    field = model._meta.fields_map.get(column)
    return raw if field is None else field.to_python_value(raw)


def _placeholders(dialect: str, count: int) -> list[str]:
    return [f"${place}" for place in range(1, count + 1)] if dialect == "postgres" else ["?"] * count


async def _customers(caller: Caller, customer_ids: list[str]) -> list[Customer]:
    query = models.Customer.filter(id__in=customer_ids, subscriptions__is_current=True, **caller.only("id"))
    found = {row[0]: Customer.from_row(row) for row in await query.values_list(*Customer.COLUMNS)}
    return [found[customer_id] for customer_id in customer_ids]


async def _operations(caller: Caller, ids: list[str]) -> list[Operation | None]:
    query = models.Operation.filter(id__in=ids, **caller.only("customer_id"))
    found = {row[0]: Operation.from_row(row) for row in await query.values_list(*Operation.COLUMNS)}
    return [found.get(id_) for id_ in ids]


async def _unpaid_invoices(caller: Caller, subscription_ids: list[str]) -> list[list[Invoice]]:
    query = models.Invoice.filter(
        subscription_id__in=subscription_ids, status__in=PAYABLE, **caller.only("customer_id")
    ).order_by("issued_at", "id")
    return _grouped(subscription_ids, await query.values_list("subscription_id", *Invoice.COLUMNS), Invoice.from_row)


async def _payment_methods(caller: Caller, customer_ids: list[str]) -> list[list[PaymentMethod]]:
    query = models.PaymentMethod.filter(customer_id__in=customer_ids, detached_at=None, **caller.only("customer_id"))
    rows = await query.order_by("-is_default", "-attached_at").values_list("customer_id", *PaymentMethod.COLUMNS)
    return _grouped(customer_ids, rows, PaymentMethod.from_row)


async def _customer_drift(caller: Caller, customer_ids: list[str]) -> list[list[CustomerDrift]]:
    query = models.CustomerDrift.filter(customer_id__in=customer_ids, **caller.only("customer_id"))
    rows = await query.order_by("since", "provider", "kind").values_list("customer_id", *CustomerDrift.COLUMNS)
    return _grouped(customer_ids, rows, CustomerDrift.from_row)


async def _invoice_lines(caller: Caller, invoice_ids: list[str]) -> list[list[InvoiceLine]]:
    rows = (
        await models.InvoiceLine.filter(invoice_id__in=invoice_ids, **caller.only("invoice__customer_id"))
        .order_by("invoice_id", "position")
        .values_list("invoice_id", "description", "quantity", "unit_price_minor", "amount_minor", "invoice__currency")
    )
    return _grouped(invoice_ids, rows, _line)


def _line(row: tuple[Any, ...]) -> InvoiceLine:
    description, quantity, unit_price_minor, amount_minor, currency = row
    return InvoiceLine(
        description=description,
        quantity=BigInt(quantity),
        unit_price=Money.of(unit_price_minor, currency),
        amount=Money.of(amount_minor, currency),
    )


async def _invoice_payments(caller: Caller, invoice_ids: list[str]) -> list[list[Payment]]:
    query = models.Payment.filter(invoice_id__in=invoice_ids, **caller.only("customer_id")).order_by("-attempt")
    return _grouped(invoice_ids, await query.values_list("invoice_id", *Payment.COLUMNS), Payment.from_row)


async def _payment_refunds(caller: Caller, payment_ids: list[str]) -> list[list[Refund]]:
    query = models.Refund.filter(payment_id__in=payment_ids, **caller.only("customer_id"))
    query = query.order_by("-created_at", "-id")
    return _grouped(payment_ids, await query.values_list("payment_id", *Refund.COLUMNS), Refund.from_row)


async def _operation_steps(caller: Caller, operation_ids: list[str]) -> list[list[OperationStep]]:
    query = models.ProviderEffect.filter(operation_id__in=operation_ids, **caller.only("operation__customer_id"))
    query = query.order_by("first_sent_at", "step", "attempt")
    rows = await query.values_list("operation_id", *OperationStep.COLUMNS)
    return _grouped(operation_ids, rows, OperationStep.from_row)


def _grouped(
    owners: Sequence[str], rows: Sequence[tuple[Any, ...]], make: Callable[[tuple[Any, ...]], T]
) -> list[list[T]]:
    """Rows that start with their owner's id, as one list for each owner, in the owners' order."""
    found: dict[str, list[T]] = defaultdict(list)
    for owner, *row in rows:
        found[owner].append(make(tuple(row)))
    return [found[owner] for owner in owners]
