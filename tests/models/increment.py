"""One of several processes that each add to the same number: `python -m tests.models.increment URL TIMES`."""

import asyncio
import sys

from tortoise.transactions import in_transaction

from models import WebhookEvent
from models.database import database


async def increment(url: str, *, times: int) -> None:
    async with database(url):
        for _ in range(times):
            async with in_transaction():
                event = await WebhookEvent.select_for_update().get()
                event.attempts += 1
                await event.save(update_fields=["attempts"])


if __name__ == "__main__":
    asyncio.run(increment(sys.argv[1], times=int(sys.argv[2])))
