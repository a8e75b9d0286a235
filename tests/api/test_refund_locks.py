"""A refund that is asked for while another one is being written down. PostgreSQL: SQLite has one writer at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

import models
from tests.api.onboarding import onboard, stripe_list
from tests.api.paying import codes, send
from tests.service import running_service
from tests.webhooks.delivery import until

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


async def test_what_another_transaction_is_giving_back_is_not_given_back_again(
    postgresql_url: str, tmp_path: Path
) -> None:
    async with running_service(postgresql_url, tmp_path) as service:
        payload = await onboard(service, "user_1", tier="PRO", paymentMethodId="pm_card_visa")
        payment = payload["payment"]["id"]
        asked = {"paymentId": payment, "amount": {"minorUnits": 400}}

        async with being_refunded(postgresql_url, payment, 600) as looking:
            asking = asyncio.create_task(send(service, "refundPayment", **asked))
            await until(lambda: looking.fetchval(WAITING), what="the request waiting for the other transaction")
        refused = await asking

        assert codes(refused) == [("REFUND_EXCEEDS_CAPTURED", "amount")]
        assert (await models.Payment.get(id=payment)).refunded_minor == 600
        assert await stripe_list(service.stripe, "refunds") == []


@asynccontextmanager
async def being_refunded(url: str, payment_id: str, amount_minor: int) -> AsyncIterator[Any]:
    """As an event of Stripe's does it: the payment locked, more given back of it, and the commit still to come.

    Yields a connection to look with: within a transaction, who waits is told as it was first asked about.
    """
    connection, looking = await asyncpg.connect(url), await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute("SELECT id FROM payment WHERE id = $1 FOR UPDATE", payment_id)
            await connection.execute("UPDATE payment SET refunded_minor = $2 WHERE id = $1", payment_id, amount_minor)
            yield looking
    finally:
        await connection.close()
        await looking.close()
