"""Keyset pages: where a page starts is a row, named by an opaque cursor, never an offset."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, TypeVar

import orjson
from tortoise.expressions import Q
from tortoise.models import Model
from tortoise.queryset import QuerySet

import models
from access.callers import Caller
from billing.entity import LONGEST_ENTITY_ID
from models.ids import ID_LENGTH
from schema.types.connection import BadInput, Connection, check_first, connection

LONGEST_NAME = 200
UNKNOWN = "\N{REPLACEMENT CHARACTER}"

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Order:
    """Sorted by one column, then by id; `columns` of the row must start with the id and hold the sort column."""

    column: str
    descending: bool
    of: type[datetime | date | str] = datetime

    @property
    def terms(self) -> tuple[str, str]:
        sign = "-" if self.descending else ""
        return f"{sign}{self.column}", f"{sign}id"

    def after(self, value: object, row_id: str) -> Q:
        beyond = "lt" if self.descending else "gt"
        past: dict[str, Any] = {f"{self.column}__{beyond}": value}
        level: dict[str, Any] = {self.column: value, f"id__{beyond}": row_id}
        return Q(**past) | Q(**level)


NEWEST_BY_CREATION = Order("created_at", descending=True)


def searchable(text: str, *, longest: int = LONGEST_ENTITY_ID) -> str:
    """What a column of at most `longest` characters may be asked for.

    PostgreSQL refuses a NUL in any text, and Tortoise looks for nothing that is longer than the column. We hold
    neither, so either becomes something that nothing is called.
    """
    return text.replace("\x00", UNKNOWN) if len(text) <= longest else UNKNOWN


def encode_cursor(order: Order, value: object, row_id: str) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([order.column, value, row_id])).decode()


def decode_cursor(order: Order, cursor: str) -> tuple[object, str]:
    try:
        match orjson.loads(base64.b64decode(cursor.encode("ascii"), b"-_", validate=True)):
            case [order.column, str(text), str(row_id)]:
                return _value(order, text), searchable(row_id, longest=ID_LENGTH)
    except (ValueError, OverflowError):
        pass
    raise BadInput("after is not a cursor of this list.")


def _value(order: Order, text: str) -> object:
    if order.of is datetime:
        return _instant(text)
    return date.fromisoformat(text) if order.of is date else searchable(text, longest=LONGEST_NAME)


def _instant(text: str) -> datetime:
    """As we wrote it: an instant without an offset is nothing of ours."""
    return datetime.fromisoformat(text.removesuffix("+00:00") + "+00:00").astimezone(UTC)


async def one(query: QuerySet[M], columns: Sequence[str]) -> tuple[Any, ...] | None:
    """The first row, as the values of these columns."""
    rows = await query.limit(1).values_list(*columns)
    return rows[0] if rows else None


async def page(
    query: QuerySet[M], node_type: Any, *, first: int, after: str | None, order: Order = NEWEST_BY_CREATION
) -> Connection[Any]:
    """One statement for the page; one more only if the client asks for the total."""
    columns: Sequence[str] = node_type.COLUMNS
    rows_query = query.filter(order.after(*decode_cursor(order, after))) if after is not None else query
    rows = await rows_query.order_by(*order.terms).limit(check_first(first) + 1).values_list(*columns)
    place = columns.index(order.column)
    return connection(
        [node_type.from_row(row) for row in rows],
        [encode_cursor(order, row[place], row[0]) for row in rows],
        first=first,
        is_first_page=after is None,
        count=query.count,
    )


async def page_of_customer(
    caller: Caller,
    entity_id: str,
    model: type[Model],
    node_type: Any,
    *,
    first: int,
    after: str | None,
    order: Order,
) -> Connection[Any] | None:
    """A page of what one customer has; None when there is no such customer, or none for this caller."""
    owner = searchable(entity_id)
    query = model.filter(customer__entity_id=owner, **caller.only("customer_id"))
    found = await page(query, node_type, first=first, after=after, order=order)
    # Only an empty page leaves the question open.
    return found if found.edges or await models.Customer.filter(entity_id=owner, **caller.only("id")).exists() else None
