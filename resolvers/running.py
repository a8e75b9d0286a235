"""Running a verb for a mutation, and answering with the payload of its operation."""

from collections.abc import Awaitable
from typing import TypedDict

from billing.errors import BillingError
from models.ids import ID_LENGTH
from operations.engine import Engine
from operations.tools import Tools
from resolvers.pages import searchable
from resolvers.verbs import payload_of, refused
from schema.context import Info
from schema.types.payload import P


def named(given: str) -> str:
    """An id of ours, or of a provider's, as it may be looked up."""
    return searchable(given, longest=ID_LENGTH)


class Means(TypedDict):
    """What every verb needs besides what is asked."""

    engine: Engine
    tools: Tools
    wait_seconds: float


def means(info: Info) -> Means:
    context = info.context
    return Means(engine=context.engine, tools=context.tools, wait_seconds=context.wait_seconds)


async def answer(kind: type[P], verb: Awaitable[str]) -> P:
    """`verb` comes to the id of an operation, or refuses."""
    try:
        operation_id = await verb
    except BillingError as problem:
        return refused(kind, problem)
    return await payload_of(kind, operation_id)
