"""Months without the service: what the engine did meanwhile is made up for, and every period is billed once.

The story is told by the fixture `returned`; each test is a claim about how a customer stands when the service is back.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mock_kit.clock import Clock
from models import Customer, WebhookEvent
from operations.reconcile import Difference, compare
from tests.api.changing import DECLINING, Customers, amounts
from tests.database import PostgresDatabases, SqliteDatabases
from tests.service import Service
from tests.webhooks.away import World, providers
from tests.webhooks.delivery import Sent, metronome_events, stripe_events, until
from webhooks.missed import ON_ITS_WAY

LEFT = datetime(2028, 1, 31, 9, 30, tzinfo=UTC)
RETURNED = datetime(2028, 6, 15, 12, tzinfo=UTC)
BOUNDARIES = ["2028-02-29", "2028-03-31", "2028-04-30", "2028-05-31"]
PEOPLE = ("ada", "bea", "cyd", "dan", "eve", "fay", "gus", "hal", "joy")
THIS_PERIOD = {"start": "2028-05-31", "end": "2028-06-30"}


@dataclass(frozen=True, slots=True)
class Return:
    standing: dict[str, dict[str, Any]]
    differences: dict[str, tuple[Difference, ...]]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def returned(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Return]:
    databases = request.getfixturevalue(f"{request.param}_databases")
    assert isinstance(databases, SqliteDatabases | PostgresDatabases)
    folder = tmp_path_factory.mktemp("absence")
    async with databases.migrated() as url, providers(url, folder, Clock(start=LEFT)) as world:
        async with world.service() as service:
            await _leave(Customers(service))
        world.clock.advance_to(RETURNED)
        yield await _come_back(world, *PEOPLE)


async def _leave(customers: Customers) -> None:
    await customers.onboard("ada")
    await customers.onboard("bea", tier="TEAM")
    await customers.change("bea", tier="PRO", effective="AT_PERIOD_END")
    await customers.onboard("cyd")
    await customers.cancel("cyd")
    await customers.onboard("dan", tier="FREE")
    await customers.attach("dan", "pm_card_visa")
    await customers.change("dan", tier="TEAM", billingPeriod="YEARLY", effective="AT_PERIOD_END")
    await customers.onboard("eve")
    await customers.change("eve", tier="FREE", effective="AT_PERIOD_END")
    await customers.onboard("fay", card=DECLINING)
    await customers.onboard("gus", tier="TEAM")
    await customers.change("gus", tier="PRO", effective="AT_PERIOD_END")
    await customers.cancel("gus")
    await customers.onboard("hal", tier="TEAM")
    await customers.attach("hal", DECLINING)
    await customers.change("hal", tier="PRO", effective="AT_PERIOD_END")
    await customers.onboard("joy", tier="TEAM")
    await customers.change("joy", tier="PRO")


async def _come_back(world: World, *people: str) -> Return:
    async with world.service() as service:
        customers = Customers(service)
        await until(lambda: _all_found(service), what="all that was missed found")
        await customers.settled()
        return Return(
            standing={person: await customers.customer(person) for person in people},
            differences={
                person: await compare(await Customer.get(entity_id=person), customers.tools) for person in people
            },
        )


async def _all_found(service: Service) -> bool:
    told = [*await stripe_events(service), *await metronome_events(service)]
    missed = {sent.id for sent in told if service.clock.now() - _told_at(sent) > ON_ITS_WAY}
    return missed <= set(await WebhookEvent.all().values_list("event_id", flat=True))


def _told_at(sent: Sent) -> datetime:
    if sent.provider == "stripe":
        return datetime.fromtimestamp(sent.event["created"], UTC)
    return datetime.fromisoformat(sent.event["timestamp"])


def _invoiced(customer: dict[str, Any]) -> list[tuple[str, list[int], str]]:
    """Oldest period first."""
    shown = [(each["period"]["start"], amounts(each["lines"]), each["status"]) for each in customer["invoices"]]
    return sorted(shown)


def _charged(customer: dict[str, Any]) -> list[int]:
    payments = [payment for invoice in customer["invoices"] for payment in invoice["payments"]]
    return [payment["amount"]["minorUnits"] for payment in payments if payment["status"] == "SUCCEEDED"]


@pytest.mark.parametrize("person", PEOPLE)
async def test_all_three_agree_again_about(returned: Return, person: str) -> None:
    assert returned.differences[person] == ()


async def test_every_renewal_that_was_missed_is_an_invoice(returned: Return) -> None:
    ada = returned.standing["ada"]

    assert _invoiced(ada) == [(day, [900], "PAID") for day in ["2028-01-31", *BOUNDARIES]]
    assert _charged(ada) == [900] * 5
    assert (ada["subscription"]["currentPeriod"], ada["credits"]["balance"]) == (THIS_PERIOD, 10_000)


async def test_after_a_scheduled_downgrade_every_period_since_is_billed_at_the_new_price(returned: Return) -> None:
    bea = returned.standing["bea"]

    assert _invoiced(bea) == [("2028-01-31", [2900], "PAID"), *((day, [900], "PAID") for day in BOUNDARIES)]
    assert _charged(bea) == [900] * 4 + [2900]
    assert (bea["subscription"]["tier"], bea["subscription"]["currentPeriod"]) == ("PRO", THIS_PERIOD)
    assert bea["credits"]["balance"] == 10_000


async def test_a_scheduled_cancellation_has_taken_hold_at_its_day(returned: Return) -> None:
    for person, price in (("cyd", 900), ("gus", 2900)):
        ended = returned.standing[person]
        assert (ended["subscription"]["status"], ended["credits"]["balance"]) == ("CANCELLED", 0)
        assert _invoiced(ended) == [("2028-01-31", [price], "PAID")]


async def test_on_a_yearly_plan_that_was_scheduled_the_credits_are_this_months(returned: Return) -> None:
    dan = returned.standing["dan"]

    assert _invoiced(dan) == [("2028-02-29", [29_000], "PAID")]
    assert dan["subscription"]["currentPeriod"] == {"start": "2028-02-29", "end": "2029-02-28"}
    assert dan["credits"]["balance"] == 50_000


async def test_a_scheduled_downgrade_to_free_costs_nothing_however_long_ago(returned: Return) -> None:
    eve = returned.standing["eve"]

    assert _invoiced(eve) == [("2028-01-31", [900], "PAID")]
    assert (eve["subscription"]["currentPeriod"], eve["credits"]["balance"]) == (THIS_PERIOD, 1_000)


async def test_renewals_of_who_is_past_due_are_invoiced_and_dunned_too(returned: Return) -> None:
    fay = returned.standing["fay"]

    assert _invoiced(fay) == [(day, [900], "OPEN") for day in ["2028-01-31", *BOUNDARIES]]
    assert _charged(fay) == []
    assert (fay["subscription"]["status"], fay["subscription"]["currentPeriod"]) == ("PAST_DUE", THIS_PERIOD)


async def test_a_plan_that_was_scheduled_and_cannot_be_collected_is_past_due(returned: Return) -> None:
    hal = returned.standing["hal"]

    assert _invoiced(hal) == [("2028-01-31", [2900], "PAID"), *((day, [900], "OPEN") for day in BOUNDARIES)]
    assert (hal["subscription"]["status"], hal["subscription"]["currentPeriod"]) == ("PAST_DUE", THIS_PERIOD)


async def test_the_account_balance_pays_the_oldest_renewals_first_and_once(returned: Return) -> None:
    joy = returned.standing["joy"]

    assert _invoiced(joy) == [("2028-01-31", [2900], "PAID"), *((day, [900], "PAID") for day in BOUNDARIES)]
    due = {invoice["period"]["start"]: sum(_charged({"invoices": [invoice]})) for invoice in joy["invoices"]}
    assert due == dict(zip(["2028-01-31", *BOUNDARIES], [2900, 0, 0, 700, 900], strict=True))
    assert joy["accountBalance"]["minorUnits"] == 0


async def test_from_yearly_on_the_29th_of_february_to_monthly(database_url: str, tmp_path: Path) -> None:
    clock = Clock(start=datetime(2028, 2, 29, 9, 30, tzinfo=UTC))
    async with providers(database_url, tmp_path, clock) as world:
        async with world.service() as service:
            customers = Customers(service)
            await customers.onboard("ivy", billingPeriod="YEARLY")
            await customers.change("ivy", tier="PRO", billingPeriod="MONTHLY", effective="AT_PERIOD_END")
        world.clock.advance_to(datetime(2029, 6, 15, 12, tzinfo=UTC))

        returned = await _come_back(world, "ivy")

    ivy = returned.standing["ivy"]
    assert returned.differences["ivy"] == ()
    assert _invoiced(ivy) == [
        ("2028-02-29", [9_000], "PAID"),
        ("2029-02-28", [900], "PAID"),
        ("2029-03-28", [900], "PAID"),
        ("2029-04-28", [900], "PAID"),
        ("2029-05-28", [900], "PAID"),
    ]
    assert ivy["subscription"]["currentPeriod"] == {"start": "2029-05-28", "end": "2029-06-28"}
    assert ivy["credits"]["balance"] == 10_000
