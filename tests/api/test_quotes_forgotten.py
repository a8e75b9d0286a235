"""Quotes that nothing was done by are deleted a week after they expired."""

from pathlib import Path

import models
from tests.api.changing import codes, customers_at
from tests.webhooks.delivery import until


async def test_what_expired_unused_is_forgotten_and_what_was_used_still_answers(
    database_url: str, tmp_path: Path
) -> None:
    async with customers_at("2028-01-01T09:00", database_url, tmp_path, prune_seconds=0.1) as customers:
        await customers.onboard("ada")
        customers.pass_days(9)
        unused = await customers.quoted("ada", tier="TEAM")
        used = await customers.quoted("ada", tier="TEAM")
        done = await customers.change("ada", quoteId=used["id"], idempotencyKey="upgrade")
        assert done["operation"]["status"] == "SUCCEEDED"
        customers.pass_days(6)
        expired = await customers.quoted("ada", tier="PRO")
        assert await models.Quote.all().count() == 3
        customers.pass_days(2)

        async def forgotten() -> bool:
            return not await models.Quote.exists(id=unused["id"])

        await until(forgotten, what="the quote that nobody used")

        assert {quote.id async for quote in models.Quote.all()} == {used["id"], expired["id"]}
        assert await customers.change("ada", quoteId=used["id"], idempotencyKey="upgrade") == done
        assert codes(await customers.change("ada", quoteId=unused["id"])) == [("QUOTE_NOT_FOUND", "quoteId")]
        assert codes(await customers.change("ada", quoteId=expired["id"])) == [("QUOTE_EXPIRED", "quoteId")]
