from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.changing import Customers, customers_at


@pytest.fixture
async def customers(database_url: str, tmp_path: Path) -> AsyncIterator[Customers]:
    async with customers_at("2028-01-31T09:00:00", database_url, tmp_path, webhooks=True) as running:
        yield running


async def test_a_renewal_is_invoiced_collected_and_resets_the_allowance(customers: Customers) -> None:
    await customers.onboard("ada")
    await customers.settled()

    customers.to("2028-02-29T00:00:10")
    await customers.settled()

    ada = await customers.customer("ada")
    assert ada["subscription"]["currentPeriod"] == {"start": "2028-02-29", "end": "2028-03-31"}
    assert [invoice["status"] for invoice in ada["invoices"]] == ["PAID", "PAID"]
    assert [invoice["period"]["start"] for invoice in ada["invoices"]] == ["2028-02-29", "2028-01-31"]
    assert [payment["status"] for payment in ada["invoices"][0]["payments"]] == ["SUCCEEDED"]
    assert ada["credits"]["balance"] == 10_000
    assert sorted((entry["kind"], entry["amount"]) for entry in ada["creditLedger"]) == [
        ("EXPIRY", -10_000),
        ("GRANT", 10_000),
        ("GRANT", 10_000),
    ]


async def test_a_scheduled_downgrade_follows_at_the_period_end(customers: Customers) -> None:
    await customers.onboard("ada", tier="TEAM")
    await customers.change("ada", tier="PRO", effective="AT_PERIOD_END")
    await customers.settled()

    customers.to("2028-02-29T00:00:10")
    await customers.settled()

    ada = await customers.customer("ada")
    assert ada["subscription"]["tier"] == "PRO"
    assert ada["subscription"]["status"] == "ACTIVE"
    assert ada["subscription"]["scheduledChange"] is None
    assert ada["subscription"]["currentPeriod"] == {"start": "2028-02-29", "end": "2028-03-31"}
    assert [invoice["amount"]["minorUnits"] for invoice in ada["invoices"]] == [900, 2900]
    assert ada["credits"]["balance"] == 10_000


async def test_a_cancellation_takes_hold_at_the_period_end_and_nothing_wakes_later(customers: Customers) -> None:
    await customers.onboard("ada")
    await customers.cancel("ada")
    await customers.settled()

    customers.to("2028-02-29T00:00:10")
    await customers.settled()
    customers.to("2028-04-10T00:00:10")
    await customers.settled()

    ada = await customers.customer("ada")
    assert ada["subscription"]["status"] == "CANCELLED"
    assert len(ada["invoices"]) == 1
    assert ada["credits"]["balance"] == 0


async def test_three_periods_that_passed_at_once_are_three_invoices(customers: Customers) -> None:
    await customers.onboard("ada")
    await customers.settled()

    customers.to("2028-05-01T00:00:10")
    await customers.settled()

    ada = await customers.customer("ada")
    assert [invoice["period"]["start"] for invoice in reversed(ada["invoices"])] == [
        "2028-01-31",
        "2028-02-29",
        "2028-03-31",
        "2028-04-30",
    ]
    assert {invoice["status"] for invoice in ada["invoices"]} == {"PAID"}
    assert ada["credits"]["balance"] == 10_000


async def test_a_yearly_plan_is_granted_credits_every_month(customers: Customers) -> None:
    await customers.onboard("ada", billingPeriod="YEARLY")
    await customers.settled()

    customers.to("2029-01-31T00:00:10")
    await customers.settled()

    ada = await customers.customer("ada")
    grants = [entry for entry in ada["creditLedger"] if entry["kind"] == "GRANT"]
    assert len(grants) == 13
    assert ada["credits"]["balance"] == 10_000
    assert len(ada["invoices"]) == 2
