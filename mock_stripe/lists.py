"""Lists (newest first, cursors, `created` filters) and search results."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypedDict, TypeVar

from mock_stripe.call import Call
from mock_stripe.errors import InvalidRequestError, NoSuchObjectError, ParameterError
from mock_stripe.params import Params

DEFAULT_LIMIT = 10
LARGEST_LIMIT = 100

T = TypeVar("T", bound=Mapping[str, object])

Rows = Sequence[Mapping[str, object]]


class ListObject(TypedDict):
    object: Literal["list"]
    data: Rows
    has_more: bool
    url: str


class SearchResult(TypedDict):
    object: Literal["search_result"]
    data: Rows
    has_more: bool
    next_page: str | None
    url: str


def list_page(rows: Iterable[T], call: Call, *, noun: str) -> ListObject:
    """`rows` oldest first, already filtered by what only the resource knows."""
    params = call.params
    limit = _limit(params)
    newest_first = [row for row in reversed(list(rows)) if _created_within(row, params)]
    if params.given("starting_after") and params.given("ending_before"):
        raise ParameterError("You can only provide one of these parameters: starting_after, ending_before.")
    if before := params.text("ending_before"):
        return _page_before(newest_first[: _position(newest_first, before, noun, "ending_before")], limit, call)
    if after := params.text("starting_after"):
        newest_first = newest_first[_position(newest_first, after, noun, "starting_after") + 1 :]
    return {
        "object": "list",
        "data": newest_first[:limit],
        "has_more": len(newest_first) > limit,
        "url": call.path,
    }


def search_page(rows: Iterable[T], call: Call) -> SearchResult:
    """`rows` oldest first, those that match. A page is named by how many results lie before it."""
    page = call.params.text("page") or "0"
    if not re.fullmatch(r"[0-9]{1,9}", page):
        raise InvalidRequestError("Invalid page token.", param="page")
    start, limit = int(page), _limit(call.params)
    newest_first = list(reversed(list(rows)))
    end = start + limit
    has_more = len(newest_first) > end
    return {
        "object": "search_result",
        "data": newest_first[start:end],
        "has_more": has_more,
        "next_page": str(end) if has_more else None,
        "url": call.path,
    }


def _page_before(preceding: list[T], limit: int, call: Call) -> ListObject:
    return {
        "object": "list",
        "data": preceding[-limit:],
        "has_more": len(preceding) > limit,
        "url": call.path,
    }


def _limit(params: Params) -> int:
    limit = params.integer("limit")
    if limit is None:
        return DEFAULT_LIMIT
    if not 1 <= limit <= LARGEST_LIMIT:
        bound = "less than or equal to 100" if limit > LARGEST_LIMIT else "greater than or equal to 1"
        raise ParameterError(f"This value must be {bound}.", code="parameter_invalid_integer", param="limit")
    return limit


def _position(rows: list[T], object_id: str, noun: str, param: str) -> int:
    for index, row in enumerate(rows):
        if row["id"] == object_id:
            return index
    raise NoSuchObjectError(noun, object_id, param=param)


def _created_within(row: T, params: Params) -> bool:
    created = row["created"]
    assert isinstance(created, int)
    exact = params.integer("created")
    bounds = params.hash("created")
    gt, gte = bounds.integer("gt"), bounds.integer("gte")
    lt, lte = bounds.integer("lt"), bounds.integer("lte")
    return (
        (exact is None or created == exact)
        and (gt is None or created > gt)
        and (gte is None or created >= gte)
        and (lt is None or created < lt)
        and (lte is None or created <= lte)
    )
