"""Keyset pages: where a page starts is a row, named by an opaque cursor, never an offset."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import orjson
from graphql import GraphQLError
from tortoise.expressions import Q
from tortoise.models import Model
from tortoise.queryset import QuerySet

from schema.types.connection import Connection, connection

MAX_PAGE = 50

M = TypeVar("M", bound=Model)


class BadInput(GraphQLError):
    """A refused argument of a query: the client's fault, told as such."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, extensions={"code": "BAD_USER_INPUT"})


@dataclass(frozen=True, slots=True)
class Order:
    """Sorted by one column, then by id; `columns` of the row must start with the id and hold the sort column."""

    column: str
    descending: bool

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


def check_first(first: int) -> int:
    if not 1 <= first <= MAX_PAGE:
        raise BadInput(f"first must be between 1 and {MAX_PAGE}, not {first}.")
    return first


def encode_cursor(order: Order, value: object, row_id: str) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([order.column, value, row_id])).decode()


def decode_cursor(order: Order, cursor: str) -> tuple[object, str]:
    try:
        column, value, row_id = orjson.loads(base64.b64decode(cursor.encode("ascii"), b"-_", validate=True))
        if column != order.column or not isinstance(value, str) or not isinstance(row_id, str):
            raise ValueError
        return (datetime.fromisoformat(value) if column.endswith("_at") or column == "at" else value), row_id
    except (ValueError, TypeError, binascii.Error):
        raise BadInput("after is not a cursor of this list.") from None


async def one(query: QuerySet[M], columns: Sequence[str]) -> tuple[Any, ...] | None:
    """The first row, as the values of these columns."""
    rows = await query.limit(1).values_list(*columns)
    return rows[0] if rows else None


async def page(
    query: QuerySet[M],
    node_type: Any,
    *,
    first: int,
    after: str | None,
    order: Order = NEWEST_BY_CREATION,
    columns: Sequence[str] | None = None,
) -> Connection[Any]:
    """One statement for the page; one more only if the client asks for the total."""
    columns = columns or node_type.COLUMNS
    rows_query = query.filter(order.after(*decode_cursor(order, after))) if after is not None else query
    rows = await rows_query.order_by(*order.terms).limit(check_first(first) + 1).values_list(*columns)
    place = list(columns).index(order.column)
    cursors = [encode_cursor(order, row[place], row[0]) for row in rows]
    return connection([node_type.from_row(row) for row in rows], cursors, first=first, count=query.count)
