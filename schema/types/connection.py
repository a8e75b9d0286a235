"""Relay connections by keyset: a page starts after a row, never at an offset."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Generic, TypeVar

import strawberry
from graphql import GraphQLError

from schema.request_errors import RequestErrorCode

MAX_PAGE = 50

T = TypeVar("T")

First = Annotated[int, strawberry.argument(description=f"How many at most, from 1 to {MAX_PAGE}.")]
After = Annotated[
    str | None, strawberry.argument(description="The cursor to start after: an `endCursor` of the same list and order.")
]


class BadInput(GraphQLError):  # noqa: N818  named for what is wrong, as all our errors
    """A refused argument of a query: the client's fault, told as such."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, extensions={"code": RequestErrorCode.BAD_USER_INPUT})


def check_first(first: int) -> int:
    if not 1 <= first <= MAX_PAGE:
        raise BadInput(f"first must be between 1 and {MAX_PAGE}, not {first}.")
    return first


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    has_next_page: bool
    has_previous_page: bool = strawberry.field(description="Whether the page started after a cursor.")
    start_cursor: str | None = strawberry.field(description="Null on an empty page.")
    end_cursor: str | None = strawberry.field(
        description="Give it as `after` to get the next page. Null on an empty page."
    )


@strawberry.type(description="One place in a list.")
class Edge(Generic[T]):
    cursor: str
    node: T


@strawberry.type(description="One page of a list. What is added or removed meanwhile moves nothing between pages.")
class Connection(Generic[T]):
    edges: list[Edge[T]]
    page_info: PageInfo
    count: strawberry.Private[Callable[[], Awaitable[int]]]

    @strawberry.field(description="How many there are on all pages together; counted only when asked for.")
    async def total_count(self) -> int:
        return await self.count()

    @strawberry.field(description="The nodes of the page without their cursors.")
    def nodes(self) -> list[T]:
        return [edge.node for edge in self.edges]


def connection(
    nodes: Sequence[T], cursors: Sequence[str], *, first: int, is_first_page: bool, count: Callable[[], Awaitable[int]]
) -> Connection[T]:
    """`nodes` may hold one more than `first`: that there is a next page is all it tells."""
    edges = [Edge(cursor=cursor, node=node) for node, cursor in zip(nodes[:first], cursors[:first], strict=True)]
    page = PageInfo(
        has_next_page=len(nodes) > first,
        has_previous_page=not is_first_page,
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else None,
    )
    return Connection(edges=edges, page_info=page, count=count)
