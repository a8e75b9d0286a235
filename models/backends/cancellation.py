import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def to_the_end(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` to its end even if the caller is cancelled meanwhile; then raise the cancellation.

    A half-entered or half-left transaction is what Tortoise 1.1.9 cannot recover from: whoever is cancelled there
    keeps SQLite's only lock, or a connection of PostgreSQL's pool, for ever.
    """
    task = asyncio.ensure_future(work)
    cancellation: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancellation = error
    if cancellation is None:
        return task.result()
    if not task.cancelled() and (failure := task.exception()):
        raise cancellation from failure
    raise cancellation
