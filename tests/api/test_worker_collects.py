"""The worker's own rounds: what falls due is collected without anybody asking."""

from pathlib import Path

from tests.api.changing import Customers, customers_at
from tests.webhooks.delivery import until


async def test_a_declined_first_payment_is_tried_again_by_itself_and_ends_with_the_schedule(
    database_url: str, tmp_path: Path
) -> None:
    async with customers_at("2026-01-01", database_url, tmp_path, webhooks=True, collect_seconds=0.05) as customers:
        await customers.onboard("ada", card="pm_card_chargeCustomerFail")
        attempts: list[int] = []
        for moment in ("2026-01-02T00:05", "2026-01-04T00:05", "2026-01-06T00:05", "2026-01-08T00:05"):
            customers.to(moment)
            attempts.append(await _tried(customers, times=len(attempts) + 2))
            await customers.settled()
        await until(lambda: _status(customers, "EXPIRED"), what="the subscription expired")

    assert attempts == [2, 3, 4, 5]


async def _tried(customers: Customers, *, times: int) -> int:
    async def enough() -> int | None:
        ada = await customers.customer("ada")
        tried = len(ada["invoices"][0]["payments"])
        return tried if tried >= times else None

    return await until(enough, what=f"attempt {times}")


async def _status(customers: Customers, status: str) -> bool:
    ada = await customers.customer("ada")
    return bool(ada["subscription"]["status"] == status)
