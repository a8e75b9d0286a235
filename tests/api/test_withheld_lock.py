"""An end that is decided while a bank transfer is being written down. PostgreSQL: SQLite has one writer at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

import asyncpg

import models
from tests.api.changing import customers_at
from tests.api.test_refund_locks import WAITING
from tests.webhooks.delivery import until


async def test_what_is_being_paid_when_the_end_is_decided_is_credited(postgresql_url: str, tmp_path: Path) -> None:
    async with customers_at("2028-01-01T09:00:00", postgresql_url, tmp_path) as customers:
        await customers.onboard("user_1", tier="TEAM", card=None)
        customers.go_to(date(2028, 1, 16))
        (invoice,) = await models.Invoice.all()
        assert invoice.metronome_invoice_id is not None
        await customers.tools.metronome.pay_invoice(
            invoice_id=invoice.metronome_invoice_id, external_payment_id="wire-1", idempotency_key="wire-1"
        )

        async with being_paid(postgresql_url, invoice) as looking:
            ending = asyncio.create_task(customers.cancel("user_1", effective="IMMEDIATELY"))
            await until(lambda: looking.fetchval(WAITING), what="the end decided, and the invoice waited for")
        ended = await ending

        assert ended["userErrors"] == []
        await customers.agree("user_1")
        customer = await customers.customer("user_1")
        assert (customer["subscription"]["status"], customer["accountBalance"]["minorUnits"]) == ("CANCELLED", 1497)


@asynccontextmanager
async def being_paid(url: str, invoice: models.Invoice) -> AsyncIterator[Any]:
    """As an event of Metronome's does it: everything written, and the commit still to come. Yields one to look with."""
    connection, looking = await asyncpg.connect(url), await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute(
                "UPDATE invoice SET status = 'PAID', paid_at = issued_at WHERE id = $1", invoice.id
            )
            await connection.execute(
                "UPDATE subscription SET paid_minor = paid_minor + $2 WHERE id = $1",
                invoice.subscription_id,
                invoice.due_minor,
            )
            yield looking
    finally:
        await connection.close()
        await looking.close()
