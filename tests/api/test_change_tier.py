from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.changing import Customers, customers_at


@pytest.fixture
async def customers(database_url: str, tmp_path: Path) -> AsyncIterator[Customers]:
    async with customers_at("2026-01-01", database_url, tmp_path) as running:
        yield running


async def test_an_upgrade_charges_the_difference_for_the_days_that_are_left(customers: Customers) -> None:
    await customers.onboard("ada")
    customers.to("2026-01-16T12:00:00")

    payload = await customers.change("ada", tier="TEAM")

    assert payload["userErrors"] == []
    assert [line["amount"]["minorUnits"] for line in payload["invoice"]["lines"]] == [-465, 1497]
    assert payload["payment"]["amount"]["minorUnits"] == 1032
    assert payload["payment"]["status"] == "SUCCEEDED"
    assert payload["invoice"]["status"] == "PAID"
    assert payload["subscription"]["tier"] == "TEAM"
    assert payload["subscription"]["currentPeriod"] == {"start": "2026-01-01", "end": "2026-02-01"}
    # 40,000 more a month, for 16 of 31 days
    assert payload["customer"]["credits"]["balance"] == 10_000 + 20_645


async def test_a_downgrade_credits_the_account_balance(customers: Customers) -> None:
    await customers.onboard("ada", tier="TEAM")
    customers.to("2026-01-16T12:00:00")

    payload = await customers.change("ada", tier="PRO")

    assert payload["userErrors"] == []
    assert payload["invoice"] is None
    assert payload["customer"]["accountBalance"]["minorUnits"] == 1497 - 465
    assert payload["customer"]["credits"]["balance"] == 50_000 - 20_645


async def test_what_was_quoted_is_what_is_done(customers: Customers) -> None:
    await customers.onboard("ada")
    customers.to("2026-01-16T12:00:00")
    quote = (await customers.quote("ada", tier="TEAM"))["quote"]
    before = len((await customers.service.stripe.state())["requests"])

    payload = await customers.change("ada", quoteId=quote["id"])

    assert quote["dueNow"]["minorUnits"] == 1032
    assert quote["nextInvoice"] == {"on": "2026-02-01", "amount": {"minorUnits": 2900}, "due": {"minorUnits": 2900}}
    assert payload["userErrors"] == []
    assert payload["invoice"]["lines"] == quote["lines"]
    assert len((await customers.service.stripe.state())["requests"]) > before


async def test_a_declined_upgrade_leaves_everything_as_it_was(customers: Customers) -> None:
    await customers.onboard("ada", card=None)
    customers.to("2026-01-16T12:00:00")
    await customers.service.graphql(
        "mutation($input: AttachPaymentMethodInput!) { attachPaymentMethod(input: $input) { userErrors { code } } }",
        input={"entityId": "ada", "paymentMethodId": "pm_card_chargeCustomerFail"},
    )
    contracts = (await customers.service.metronome.state())["objects"]["contracts"]

    payload = await customers.change("ada", tier="TEAM")

    assert payload["userErrors"][0]["code"] == "PAYMENT_DECLINED"
    assert payload["subscription"]["tier"] == "PRO"
    assert (await customers.service.metronome.state())["objects"]["contracts"] == contracts


async def test_a_change_of_the_billing_period_starts_a_new_one(customers: Customers) -> None:
    await customers.onboard("ada")
    customers.to("2026-01-16T12:00:00")

    payload = await customers.change("ada", tier="PRO", billingPeriod="YEARLY")

    assert payload["userErrors"] == []
    assert [line["amount"]["minorUnits"] for line in payload["invoice"]["lines"]] == [-465, 9000]
    assert payload["subscription"]["currentPeriod"] == {"start": "2026-01-16", "end": "2027-01-16"}
    assert payload["customer"]["credits"]["balance"] == 10_000


async def test_a_scheduled_change_is_visible_and_can_be_withdrawn(customers: Customers) -> None:
    await customers.onboard("ada", tier="TEAM")

    scheduled = await customers.change("ada", tier="PRO", effective="AT_PERIOD_END")
    withdrawn = await customers.withdraw("ada")

    assert scheduled["subscription"]["tier"] == "TEAM"
    assert scheduled["subscription"]["scheduledChange"] == {
        "tier": "PRO",
        "billingPeriod": "MONTHLY",
        "effectiveOn": "2026-02-01",
    }
    assert withdrawn["subscription"]["scheduledChange"] is None


async def test_a_cancellation_at_the_period_end_can_be_taken_back(customers: Customers) -> None:
    await customers.onboard("ada")

    cancelled = await customers.cancel("ada")
    back = await customers.reactivate("ada")

    assert cancelled["subscription"]["cancelAtPeriodEnd"] is True
    assert back["userErrors"] == []
    assert back["subscription"]["cancelAtPeriodEnd"] is False


async def test_an_immediate_cancellation_credits_unused_time_and_ends_the_allowance(customers: Customers) -> None:
    await customers.onboard("ada", tier="TEAM")
    customers.to("2026-01-16T12:00:00")

    payload = await customers.cancel("ada", effective="IMMEDIATELY")

    assert payload["subscription"]["status"] == "CANCELLED"
    assert payload["customer"]["accountBalance"]["minorUnits"] == 1497
    assert payload["customer"]["credits"]["balance"] == 0


async def test_a_reactivation_in_the_same_month_grants_nothing_twice_and_uses_the_balance(customers: Customers) -> None:
    await customers.onboard("ada", tier="TEAM")
    customers.to("2026-01-16T12:00:00")
    await customers.cancel("ada", effective="IMMEDIATELY")

    payload = await customers.reactivate("ada")

    assert payload["userErrors"] == []
    assert payload["subscription"]["status"] == "ACTIVE"
    assert payload["subscription"]["currentPeriod"] == {"start": "2026-01-16", "end": "2026-02-16"}
    assert payload["payment"]["amount"]["minorUnits"] == 2900 - 1497
    assert payload["customer"]["accountBalance"]["minorUnits"] == 0
    assert payload["customer"]["credits"]["balance"] == 50_000
