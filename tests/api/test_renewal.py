"""What happens by itself at the end of a period, as Metronome tells it over webhooks: one year, lived once.

The story is told by the fixture `year`; each test is a claim about how a customer stood on one of its days.
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.api.changing import DECLINING, Customers, amounts, customers_at
from tests.database import PostgresDatabases, SqliteDatabases

Year = dict[tuple[str, str], dict[str, Any]]
"""How each customer stood, by entity id and day."""

PEOPLE = ("ada", "bea", "cyd", "dan", "eve", "fay", "gus")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def year(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Year]:
    databases = request.getfixturevalue(f"{request.param}_databases")
    assert isinstance(databases, SqliteDatabases | PostgresDatabases)
    folder = tmp_path_factory.mktemp("year")
    async with (
        databases.migrated() as url,
        customers_at("2028-01-31T09:00:00", url, folder, webhooks=True) as customers,
    ):
        yield await _live(customers)


async def _live(customers: Customers) -> Year:
    found: Year = {}
    await customers.onboard("ada")
    await customers.onboard("bea", tier="TEAM")
    await customers.change("bea", tier="PRO", effective="AT_PERIOD_END")
    await customers.onboard("cyd")
    await customers.cancel("cyd")
    await customers.onboard("dan", billingPeriod="YEARLY")
    await customers.onboard("eve", tier="FREE")
    await customers.onboard("fay", tier="FREE")
    await customers.attach("fay", DECLINING)
    await customers.change("fay", tier="TEAM", billingPeriod="YEARLY", effective="AT_PERIOD_END")
    await _reach(customers, found, "2028-02-28")
    await customers.change("eve", tier="PRO")
    await _reach(customers, found, "2028-02-29")
    await _reach(customers, found, "2028-04-10")
    await customers.onboard("gus", card=None)
    await customers.cancel("gus", effective="IMMEDIATELY")
    await _reach(customers, found, "2028-05-31")
    await _reach(customers, found, "2028-08-31")
    await _reach(customers, found, "2029-01-31")
    return found


async def _reach(customers: Customers, found: Year, day: str) -> None:
    await customers.settled()
    customers.to(f"{day}T00:00:10")
    await customers.settled()
    for person in PEOPLE:
        if (standing := await customers.customer(person)) is not None:
            found[person, day] = standing
            await customers.agree(person)


async def test_a_renewal_is_invoiced_collected_and_resets_the_allowance(year: Year) -> None:
    ada = year["ada", "2028-02-29"]

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


async def test_periods_that_passed_at_once_are_an_invoice_each(year: Year) -> None:
    ada = year["ada", "2028-08-31"]

    assert [invoice["period"]["start"] for invoice in reversed(ada["invoices"])] == [
        "2028-01-31",
        "2028-02-29",
        "2028-03-31",
        "2028-04-30",
        "2028-05-31",
        "2028-06-30",
        "2028-07-31",
        "2028-08-31",
    ]
    assert {invoice["status"] for invoice in ada["invoices"]} == {"PAID"}
    assert ada["credits"]["balance"] == 10_000


async def test_a_scheduled_downgrade_follows_at_the_period_end(year: Year) -> None:
    bea = year["bea", "2028-02-29"]

    assert (bea["subscription"]["tier"], bea["subscription"]["status"]) == ("PRO", "ACTIVE")
    assert bea["subscription"]["scheduledChange"] is None
    assert bea["subscription"]["currentPeriod"] == {"start": "2028-02-29", "end": "2028-03-31"}
    assert [invoice["amount"]["minorUnits"] for invoice in bea["invoices"]] == [900, 2900]
    assert bea["credits"]["balance"] == 10_000


async def test_what_followed_renews_on_the_same_anchor(year: Year) -> None:
    bea = year["bea", "2028-05-31"]

    assert bea["subscription"]["currentPeriod"] == {"start": "2028-05-31", "end": "2028-06-30"}
    assert [invoice["amount"]["minorUnits"] for invoice in bea["invoices"]] == [900, 900, 900, 900, 2900]


async def test_a_cancellation_takes_hold_at_the_period_end_and_nothing_wakes_later(year: Year) -> None:
    for day in ("2028-02-29", "2028-04-10", "2029-01-31"):
        cyd = year["cyd", day]
        assert (cyd["subscription"]["status"], cyd["credits"]["balance"]) == ("CANCELLED", 0)
        assert [invoice["status"] for invoice in cyd["invoices"]] == ["PAID"]


async def test_a_yearly_plan_is_granted_credits_every_month(year: Year) -> None:
    dan = year["dan", "2029-01-31"]

    grants = [entry for entry in dan["creditLedger"] if entry["kind"] == "GRANT"]
    assert [entry["amount"] for entry in grants] == [10_000] * 13
    assert dan["credits"]["balance"] == 10_000
    assert [invoice["amount"]["minorUnits"] for invoice in dan["invoices"]] == [9_000, 9_000]


async def test_what_was_too_little_to_charge_is_collected_with_the_renewal(year: Year) -> None:
    eve = year["eve", "2028-02-29"]

    renewal, upgrade = eve["invoices"]
    assert (amounts(upgrade["lines"]), upgrade["status"], upgrade["payments"]) == ([31], "PAID", [])
    assert amounts(renewal["lines"]) == [900]
    assert [payment["amount"]["minorUnits"] for payment in renewal["payments"]] == [931]
    assert eve["accountBalance"]["minorUnits"] == 0


async def test_a_scheduled_upgrade_that_is_declined_takes_effect_past_due(year: Year) -> None:
    fay = year["fay", "2028-02-29"]

    assert (fay["subscription"]["tier"], fay["subscription"]["status"]) == ("TEAM", "PAST_DUE")
    assert fay["subscription"]["currentPeriod"] == {"start": "2028-02-29", "end": "2029-02-28"}
    [invoice] = fay["invoices"]
    assert (invoice["status"], invoice["amount"]["minorUnits"]) == ("OPEN", 29_000)
    assert fay["credits"]["balance"] == 50_000


async def test_an_invoice_that_outlives_its_subscription_brings_nothing_back(year: Year) -> None:
    gus = year["gus", "2029-01-31"]

    assert gus["subscription"]["status"] == "CANCELLED"
    assert len(gus["invoices"]) == 1
    assert gus["credits"]["balance"] == 0
