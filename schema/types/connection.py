"""Relay connections by keyset: a page starts after a row, never at an offset."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import strawberry

T = TypeVar("T")


@strawberry.type
class PageInfo:
    has_next_page: bool
    end_cursor: str | None


@strawberry.type
class Edge(Generic[T]):
    cursor: str
    node: T


@strawberry.type
class Connection(Generic[T]):
    edges: list[Edge[T]]
    page_info: PageInfo
    count: strawberry.Private[Callable[[], Awaitable[int]]]

    @strawberry.field(description="How many there are in all; counted only when asked for.")
    async def total_count(self) -> int:
        return await self.count()

    @strawberry.field(description="The nodes without their cursors.")
    def nodes(self) -> list[T]:
        return [edge.node for edge in self.edges]


def connection(
    nodes: Sequence[T], cursors: Sequence[str], *, first: int, count: Callable[[], Awaitable[int]]
) -> Connection[T]:
    """`nodes` may hold one more than `first`: that there is a next page is all it tells."""
    edges = [Edge(cursor=cursor, node=node) for node, cursor in zip(nodes[:first], cursors[:first], strict=True)]
    page = PageInfo(has_next_page=len(nodes) > first, end_cursor=edges[-1].cursor if edges else None)
    return Connection(edges=edges, page_info=page, count=count)
