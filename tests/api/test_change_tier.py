"""changeTier: what it costs, what it grants, and that Metronome, Stripe and our rows agree afterwards."""

from datetime import timedelta
from typing import Any

import pytest

from tests.api.changing import ASKING, DECLINING, Customers, amounts, codes, invoiced

TERMS = {"price": {"minorUnits": 50_000, "currency": "USD"}, "creditsPerMonth": 500_000}


async def _half_way(customers: Customers, entity_id: str, **given: Any) -> None:
    """In a 31-day month, on the day that leaves 16."""
    customers.go_to_next(1, 1)
    await customers.onboard(entity_id, **given)
    customers.pass_days(15)


async def test_an_upgrade_charges_the_difference_for_the_days_that_are_left(
    customers: Customers, entity_id: str
) -> None:
    await _half_way(customers, entity_id)

    payload = await customers.change(entity_id, tier="TEAM")

    assert invoiced(payload) == [-465, 1497]
    assert (payload["payment"]["amount"]["minorUnits"], payload["payment"]["status"]) == (1032, "SUCCEEDED")
    assert payload["invoice"]["status"] == "PAID"
    assert (payload["subscription"]["tier"], payload["subscription"]["creditsPerMonth"]) == ("TEAM", 50_000)
    year = customers.today.year
    assert payload["subscription"]["currentPeriod"] == {"start": f"{year}-01-01", "end": f"{year}-02-01"}
    # 40,000 more a month, for 16 of 31 days
    assert payload["customer"]["credits"]["balance"] == 10_000 + 20_645
    await customers.agree(entity_id)


async def test_on_the_last_day_of_a_28_day_month_an_upgrade_costs_72_cents(
    customers: Customers, entity_id: str
) -> None:
    customers.go_to_next(2, 1, leap=False)
    await customers.onboard(entity_id)
    customers.pass_days(27)

    payload = await customers.change(entity_id, tier="TEAM")

    assert invoiced(payload) == [-32, 104]
    assert payload["payment"]["amount"]["minorUnits"] == 72
    assert payload["customer"]["credits"]["balance"] == 10_000 + 1_429
    await customers.agree(entity_id)


@pytest.mark.parametrize(("leap", "lines"), [(True, [-6541, 21077]), (False, [-6534, 21055])])
async def test_a_yearly_upgrade_after_100_days(
    customers: Customers, entity_id: str, leap: bool, lines: list[int]
) -> None:
    customers.go_to_next(1, 1, leap=leap)
    await customers.onboard(entity_id, billingPeriod="YEARLY")
    customers.pass_days(100)
    await customers.hear(entity_id)

    payload = await customers.change(entity_id, tier="TEAM")

    assert invoiced(payload) == lines
    assert payload["payment"]["amount"]["minorUnits"] == sum(lines)
    await customers.agree(entity_id)


async def test_a_second_upgrade_credits_the_plans_price_not_the_last_charge(
    customers: Customers, entity_id: str
) -> None:
    await _half_way(customers, entity_id)
    await customers.change(entity_id, tier="TEAM")
    customers.pass_days(8)

    payload = await customers.change(entity_id, tier="ENTERPRISE", enterpriseTerms=TERMS)

    # 8 of 31 days, of 29.00 and of 500.00; the last charge was 10.32
    assert invoiced(payload) == [-748, 12903]
    assert payload["customer"]["credits"]["balance"] == 10_000 + 20_645 + 116_129
    await customers.agree(entity_id)


async def test_a_downgrade_credits_the_account_balance(customers: Customers, entity_id: str) -> None:
    await _half_way(customers, entity_id, tier="TEAM")

    payload = await customers.change(entity_id, tier="PRO")

    assert payload["userErrors"] == []
    assert (payload["invoice"], payload["payment"]) == (None, None)
    assert payload["customer"]["accountBalance"]["minorUnits"] == 1497 - 465
    assert payload["customer"]["credits"]["balance"] == 50_000 - 20_645
    await customers.agree(entity_id)


async def test_the_account_balance_pays_once_for_what_comes_next(customers: Customers, entity_id: str) -> None:
    await _half_way(customers, entity_id, tier="TEAM")
    await customers.change(entity_id, tier="PRO")

    back = await customers.change(entity_id, tier="TEAM")

    assert invoiced(back) == [-465, 1497]
    assert (back["invoice"]["status"], back["payment"]) == ("PAID", None)
    assert back["customer"]["accountBalance"]["minorUnits"] == 0
    assert back["customer"]["credits"]["balance"] == 50_000
    await customers.agree(entity_id)


async def test_a_downgrade_takes_back_only_what_is_unspent(customers: Customers, entity_id: str) -> None:
    await _half_way(customers, entity_id, tier="TEAM")
    await customers.use(entity_id, 40_000)

    down = await customers.change(entity_id, tier="PRO")
    up = await customers.change(entity_id, tier="TEAM")

    assert down["customer"]["credits"]["balance"] == 0
    # What could not be taken comes off the next upgrade: going down and up again makes no new credits.
    assert up["customer"]["credits"]["balance"] == 10_000
    await customers.agree(entity_id)


async def test_a_downgrade_takes_back_no_credits_that_were_granted_by_hand(
    customers: Customers, entity_id: str
) -> None:
    customers.go_to_next(1, 1)
    await customers.onboard(entity_id)
    customers.pass_days(15)
    soon = customers.service.clock.now() + timedelta(days=5)
    await customers.do("grantCredits", entityId=entity_id, amount=500, expiresAt=soon.isoformat())

    downgraded = await customers.change(entity_id, tier="FREE")
    await customers.agree(entity_id)
    customers.pass_days(6)
    await customers.hear(entity_id)

    assert downgraded["customer"]["credits"]["balance"] == 10_000 - 4_645 + 500
    assert (await customers.customer(entity_id))["credits"]["balance"] == 10_000 - 4_645
    await customers.agree(entity_id)


async def test_nothing_is_credited_that_was_never_paid(customers: Customers, entity_id: str) -> None:
    await _half_way(customers, entity_id, tier="TEAM", card=None)

    payload = await customers.change(entity_id, tier="PRO")

    assert invoiced(payload) == [465]
    assert payload["invoice"]["status"] == "OPEN"
    assert payload["customer"]["accountBalance"]["minorUnits"] == 0
    assert [amounts(each["lines"]) for each in (await customers.customer(entity_id))["invoices"]] == [[465], [2900]]
    await customers.agree(entity_id)


async def test_what_was_credited_once_is_not_credited_again(customers: Customers, entity_id: str) -> None:
    await _half_way(customers, entity_id, tier="TEAM")
    for tier in ("PRO", "FREE"):
        assert (await customers.change(entity_id, tier=tier))["userErrors"] == []

    balance = (await customers.customer(entity_id))["accountBalance"]["minorUnits"]

    assert balance == 1497
    await customers.agree(entity_id)


async def test_less_than_the_least_charge_is_carried_and_collected_with_the_next(
    customers: Customers, entity_id: str
) -> None:
    customers.go_to_next(1, 1)
    await customers.onboard(entity_id, tier="FREE")
    customers.pass_days(30)

    small = await customers.change(entity_id, tier="PRO")

    assert invoiced(small) == [29]
    assert (small["invoice"]["status"], small["payment"]) == ("PAID", None)
    assert small["customer"]["accountBalance"]["minorUnits"] == -29
    await customers.agree(entity_id)

    yearly = await customers.change(entity_id, tier="PRO", billingPeriod="YEARLY")

    assert invoiced(yearly) == [-29, 9000]
    assert yearly["payment"]["amount"]["minorUnits"] == 9000 - 29 + 29
    assert yearly["customer"]["accountBalance"]["minorUnits"] == 0
    await customers.agree(entity_id)


async def test_from_monthly_to_yearly_a_new_period_starts_on_the_day(customers: Customers, entity_id: str) -> None:
    await _half_way(customers, entity_id)

    payload = await customers.change(entity_id, tier="PRO", billingPeriod="YEARLY")

    year = customers.today.year
    assert invoiced(payload) == [-465, 9000]
    assert payload["subscription"]["currentPeriod"] == {"start": f"{year}-01-16", "end": f"{year + 1}-01-16"}
    assert payload["subscription"]["anchor"] == f"{year}-01-16"
    assert payload["customer"]["credits"]["balance"] == 10_000
    await customers.agree(entity_id)


async def test_from_yearly_to_monthly_the_rest_of_the_year_is_credited(customers: Customers, entity_id: str) -> None:
    customers.go_to_next(1, 1, leap=False)
    await customers.onboard(entity_id, tier="TEAM", billingPeriod="YEARLY")
    customers.pass_days(15)

    payload = await customers.change(entity_id, tier="PRO", billingPeriod="MONTHLY")

    year = customers.today.year
    # 350 of 365 days of 290.00, less a month of Pro
    assert (payload["userErrors"], payload["invoice"]) == ([], None)
    assert payload["customer"]["accountBalance"]["minorUnits"] == 27808 - 900
    assert payload["subscription"]["currentPeriod"] == {"start": f"{year}-01-16", "end": f"{year}-02-16"}
    assert payload["customer"]["credits"]["balance"] == 50_000 - 20_645
    await customers.agree(entity_id)


@pytest.mark.parametrize(
    ("on", "period"),
    [((2, 14), ("01-31", "02-28")), ((3, 30), ("02-28", "03-31")), ((4, 30), ("04-30", "05-31"))],
)
async def test_anchored_on_the_31st_the_period_and_its_anchor_stay(
    customers: Customers, entity_id: str, on: tuple[int, int], period: tuple[str, str]
) -> None:
    anchor = customers.next(1, 31, leap=False)
    customers.go_to(anchor)
    await customers.onboard(entity_id)
    customers.go_to(anchor.replace(month=on[0], day=on[1]))
    await customers.hear(entity_id)

    payload = await customers.change(entity_id, tier="TEAM")

    start, end = (f"{anchor.year}-{day}" for day in period)
    assert payload["userErrors"] == []
    assert payload["subscription"]["currentPeriod"] == {"start": start, "end": end}
    assert payload["subscription"]["anchor"] == anchor.isoformat()
    await customers.agree(entity_id)


async def test_enterprise_terms_are_kept_and_left_again(customers: Customers, entity_id: str) -> None:
    await _half_way(customers, entity_id, tier="TEAM")

    up = await customers.change(entity_id, tier="ENTERPRISE", enterpriseTerms=TERMS)
    await customers.agree(entity_id)
    down = await customers.change(entity_id, tier="TEAM")

    assert invoiced(up) == [-1497, 25806]
    assert (up["subscription"]["price"]["minorUnits"], up["subscription"]["creditsPerMonth"]) == (50_000, 500_000)
    assert down["userErrors"] == []
    assert down["customer"]["accountBalance"]["minorUnits"] == 25806 - 1497
    assert down["customer"]["credits"]["balance"] == 50_000
    await customers.agree(entity_id)


async def test_on_the_renewal_day_a_change_waits_for_the_renewal(customers: Customers, entity_id: str) -> None:
    customers.go_to_next(1, 1)
    await customers.onboard(entity_id)
    customers.go_to_next(2, 1)
    before = await customers.footprint()

    payload = await customers.change(entity_id, tier="TEAM")

    assert [(error["code"], error["retryable"]) for error in payload["userErrors"]] == [("CUSTOMER_BUSY", True)]
    assert await customers.footprint() == before

    await customers.hear(entity_id)
    after = await customers.change(entity_id, tier="TEAM")

    assert invoiced(after) == [-900, 2900]
    assert after["subscription"]["currentPeriod"]["start"] == customers.today.isoformat()
    await customers.agree(entity_id)


async def test_a_scheduled_change_can_be_replaced_and_withdrawn(customers: Customers, entity_id: str) -> None:
    customers.go_to_next(1, 1)
    await customers.onboard(entity_id, tier="TEAM")

    first = await customers.change(entity_id, tier="PRO", effective="AT_PERIOD_END")
    await customers.agree(entity_id)
    second = await customers.change(entity_id, tier="PRO", billingPeriod="YEARLY", effective="AT_PERIOD_END")
    await customers.agree(entity_id)
    withdrawn = await customers.withdraw(entity_id)

    on = f"{customers.today.year}-02-01"
    scheduled = {"tier": "PRO", "billingPeriod": "MONTHLY", "effectiveOn": on}
    assert first["subscription"]["tier"] == "TEAM"
    assert first["subscription"]["scheduledChange"] == scheduled
    assert second["subscription"]["scheduledChange"] == {**scheduled, "billingPeriod": "YEARLY"}
    assert withdrawn["subscription"]["scheduledChange"] is None
    await customers.agree(entity_id)


async def test_an_immediate_change_drops_a_scheduled_one(customers: Customers, entity_id: str) -> None:
    await _half_way(customers, entity_id, tier="TEAM")
    await customers.change(entity_id, tier="PRO", effective="AT_PERIOD_END")

    payload = await customers.change(entity_id, tier="FREE")

    assert payload["subscription"]["tier"] == "FREE"
    assert payload["subscription"]["scheduledChange"] is None
    assert codes(await customers.withdraw(entity_id)) == [("NO_SCHEDULED_CHANGE", "entityId")]
    await customers.agree(entity_id)


async def test_without_a_card_an_upgrade_takes_effect_with_an_open_invoice(
    customers: Customers, entity_id: str
) -> None:
    await _half_way(customers, entity_id, tier="FREE", card=None)

    payload = await customers.change(entity_id, tier="TEAM")

    assert invoiced(payload) == [1497]
    assert (payload["invoice"]["status"], payload["payment"]) == ("OPEN", None)
    assert (payload["subscription"]["tier"], payload["subscription"]["status"]) == ("TEAM", "ACTIVE")
    assert payload["customer"]["credits"]["balance"] == 1_000 + 25_290
    await customers.agree(entity_id)


async def test_the_older_rest_form_changes_today_or_at_the_period_end(customers: Customers, entity_id: str) -> None:
    await _half_way(customers, entity_id)
    post, today = customers.service.http.post, customers.today
    up = {"entityId": entity_id, "newTier": "team", "billingPeriod": "monthly", "effectiveDate": today.isoformat()}
    down = {"entityId": entity_id, "newTier": "free", "effectiveDate": f"{today.year}-02-01T00:00:00Z"}
    key = {"idempotency-key": f"{entity_id}:up"}

    now = await post("/api/tier/change", json=up, headers=key)
    again = await post("/api/tier/change", json=up, headers=key)
    later = await post("/api/tier/change", json=down)

    assert (now.status_code, again.json(), later.status_code) == (200, now.json(), 200)
    told = now.json()
    assert (told["invoice"]["status"], told["invoice"]["amount"]) == ("paid", 1032)
    assert told["payment"] == {"status": "succeeded", "declineCode": None, "clientSecret": None}
    assert (told["subscription"]["tier"], told["subscription"]["scheduledChange"]) == ("team", None)
    assert later.json()["subscription"]["scheduledChange"] == {
        "tier": "free",
        "billingPeriod": "monthly",
        "effectiveDate": f"{today.year}-02-01",
    }
    await customers.agree(entity_id)


async def test_the_older_rest_form_tells_a_decline_and_a_payer_to_be_asked(
    customers: Customers, entity_id: str
) -> None:
    await _half_way(customers, entity_id)
    post, body = customers.service.http.post, {"entityId": entity_id, "newTier": "team"}
    await customers.attach(entity_id, DECLINING)
    declined = await post("/api/tier/change", json=body)
    await customers.attach(entity_id, ASKING)
    asked = await post("/api/tier/change", json=body)
    busy = await post("/api/tier/change", json=body)

    assert (declined.status_code, declined.json()["error"]["code"]) == (422, "PAYMENT_DECLINED")
    assert (asked.status_code, asked.json()["operation"]["status"]) == (202, "requires_action")
    assert asked.json()["payment"]["clientSecret"].startswith("pi_")
    assert (busy.status_code, busy.json()["error"]["code"]) == (409, "CUSTOMER_BUSY")
