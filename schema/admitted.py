"""A stream ends with the key, session or token that opened it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TypeVar

import structlog
from graphql import GraphQLError

from access.errors import NotAdmitted
from schema.context import Context
from schema.request_errors import RequestErrorCode

log = structlog.get_logger("graphql")

T = TypeVar("T")


class Unauthenticated(GraphQLError):  # noqa: N818  named for what is wrong, as all our errors
    def __init__(self, problem: NotAdmitted) -> None:
        super().__init__(str(problem), extensions={"code": RequestErrorCode.UNAUTHENTICATED})


async def while_admitted(events: AsyncGenerator[T, None], context: Context) -> AsyncGenerator[T, None]:
    """Asks before every event, and every so often while there is none."""
    async with aclosing(events):
        while True:
            try:
                event = await _next(events, context)
            except StopAsyncIteration:
                return
            await _ask_again(context)
            yield event


async def _next(events: AsyncGenerator[T, None], context: Context) -> T:
    """To be cut off would be the end of `events`: so it is a task that is waited for."""
    upcoming = asyncio.create_task(_taken(events))
    try:
        while not (await asyncio.wait({upcoming}, timeout=context.ask_again_seconds))[0]:
            await _ask_again_if_possible(context)
        return upcoming.result()
    finally:
        upcoming.cancel()
        await asyncio.gather(upcoming, return_exceptions=True)


async def _taken(events: AsyncGenerator[T, None]) -> T:
    return await anext(events)


async def _ask_again(context: Context) -> None:
    try:
        await context.ask_again()
    except NotAdmitted as problem:
        raise Unauthenticated(problem) from None


async def _ask_again_if_possible(context: Context) -> None:
    """Nothing is sent meanwhile: a database that is away for a moment need not end every stream."""
    try:
        await _ask_again(context)
    except Unauthenticated:
        raise
    except Exception:
        log.exception("live.not_asked_again")
