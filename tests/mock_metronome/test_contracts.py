import pytest

from tests.mock_metronome.billing_client import TODAY, BillingClient, text


async def test_a_contract_is_shown_with_its_terms_and_period(client: BillingClient) -> None:
    customer = await client.customer()
    contract = await client.contract(customer, uniqueness_key="u")

    assert await client.get(f"contracts/{contract}") == {
        "id": contract,
        "customer_id": customer,
        "tier": "pro",
        "status": "active",
        "billing_period": "monthly",
        "start_date": TODAY,
        "end_date": None,
        "cancelled_at": None,
        "rate_card_id": "standard",
        "price": 900,
        "credits_per_month": 10_000,
        "currency": "USD",
        "billing_anchor_date": TODAY,
        "credit_anchor_date": TODAY,
        "current_period": {"start": TODAY, "end": "2027-02-28T00:00:00Z"},
        "uniqueness_key": "u",
        "created_at": "2027-01-31T10:00:00Z",
        "updated_at": "2027-01-31T10:00:00Z",
    }
    assert await client.get("invoices") == {"data": [], "total": 0}
    assert await client.get("credits") == {"data": [], "total": 0}


@pytest.mark.parametrize(
    ("tier", "billing_period", "price", "credits_per_month"),
    [
        ("free", "monthly", 0, 1_000),
        ("free", "yearly", 0, 1_000),
        ("pro", "monthly", 9_00, 10_000),
        ("pro", "yearly", 90_00, 10_000),
        ("team", "monthly", 29_00, 50_000),
        ("team", "yearly", 290_00, 50_000),
    ],
)
async def test_the_rate_card_gives_price_and_credits(
    client: BillingClient, tier: str, billing_period: str, price: int, credits_per_month: int
) -> None:
    contract = await client.contract(await client.customer(), tier=tier, billing_period=billing_period)

    shown = await client.get(f"contracts/{contract}")
    assert (shown["price"], shown["credits_per_month"], shown["currency"]) == (price, credits_per_month, "USD")


async def test_enterprise_brings_its_own_terms(client: BillingClient) -> None:
    terms = {"tier": "enterprise", "price": 5_000_00, "credits_per_month": 7, "currency": "EUR"}

    contract = await client.contract(await client.customer(), **terms)

    shown = await client.get(f"contracts/{contract}")
    assert {name: shown[name] for name in terms} == terms


async def test_a_contract_that_starts_later_is_pending_until_then(client: BillingClient) -> None:
    contract = await client.contract(await client.customer(), start_date="2027-02-10T00:00:00Z")
    assert (await client.get(f"contracts/{contract}"))["status"] == "pending"

    await client.advance_to("2027-02-10T00:00:00Z")

    assert (await client.get(f"contracts/{contract}"))["status"] == "active"
    assert await client.events() == ["customer.created", "contract.created", "contract.updated"]
    assert await client.all("invoices") == []


async def test_an_anchor_before_the_start_sets_the_period(client: BillingClient) -> None:
    contract = await client.contract(await client.customer(), billing_anchor_date="2026-12-15T00:00:00Z")

    shown = await client.get(f"contracts/{contract}")
    assert shown["current_period"] == {"start": "2027-01-15T00:00:00Z", "end": "2027-02-15T00:00:00Z"}


async def test_a_customer_has_one_contract_at_a_time(client: BillingClient) -> None:
    customer = await client.customer()
    await client.contract(customer, end_date="2027-02-10T00:00:00Z")
    body = {"customer_id": customer, "tier": "team", "billing_period": "monthly", "start_date": TODAY}

    refusal = await client.post("contracts", body, status=409)
    assert refusal["code"] == "IllegalState"

    await client.post("contracts", {**body, "start_date": "2027-02-09T00:00:00Z"}, status=409)
    await client.post("contracts", {**body, "start_date": "2027-02-10T00:00:00Z"})
    assert (await client.get("contracts", customer_id=customer))["total"] == 2


async def test_an_end_cannot_be_taken_back_over_a_successor(client: BillingClient) -> None:
    customer = await client.customer()
    contract = await client.contract(customer, end_date="2027-02-10T00:00:00Z")
    await client.contract(customer, start_date="2027-02-10T00:00:00Z")

    refusal = await client.patch(f"contracts/{contract}", {"end_date": None}, status=409)

    assert refusal["code"] == "IllegalState"


async def test_cancelling_now_ends_it_and_its_allowance(client: BillingClient) -> None:
    customer = await client.customer()
    contract = await client.contract(customer)
    await client.credit(customer, 10_000, contract_id=contract)
    await client.credit(customer, 50)

    cancelled = await client.post(f"contracts/{contract}/cancel")

    assert (cancelled["status"], cancelled["end_date"], cancelled["cancelled_at"]) == (
        "cancelled",
        "2027-01-31T10:00:00Z",
        "2027-01-31T10:00:00Z",
    )
    assert await client.balance(customer) == 50
    assert (await client.events())[-2:] == ["contract.cancelled", "credit.expired"]


async def test_cancelling_again_changes_nothing(client: BillingClient) -> None:
    contract = await client.contract(await client.customer())
    cancelled = await client.post(f"contracts/{contract}/cancel", {})
    await client.control("clock", advance_seconds=60)

    assert await client.post(f"contracts/{contract}/cancel", {}) == cancelled
    assert (await client.events()).count("contract.cancelled") == 1


async def test_cancelling_may_take_effect_earlier_so_that_the_day_belongs_to_the_next(client: BillingClient) -> None:
    customer = await client.customer()
    contract = await client.contract(customer, start_date="2027-01-20T00:00:00Z")

    cancelled = await client.post(f"contracts/{contract}/cancel", {"effective_date": TODAY})

    assert (cancelled["status"], cancelled["end_date"]) == ("cancelled", TODAY)
    await client.contract(customer, tier="team", start_date=TODAY)
    refusal = await client.post(f"contracts/{contract}/cancel", {"effective_date": "nonsense"}, status=400)
    assert refusal["field"] == "effective_date"


async def test_cancelling_before_the_start_is_refused(client: BillingClient) -> None:
    contract = await client.contract(await client.customer())

    refusal = await client.post(f"contracts/{contract}/cancel", {"effective_date": "2027-01-30T00:00:00Z"}, status=400)

    assert refusal["field"] == "effective_date"


async def test_a_cancellation_at_the_period_end_waits_for_it(client: BillingClient) -> None:
    contract = await client.contract(await client.customer())
    period_end = "2027-02-28T00:00:00Z"

    scheduled = await client.post(f"contracts/{contract}/cancel", {"effective_date": period_end})
    assert (scheduled["status"], scheduled["end_date"]) == ("active", period_end)

    await client.advance_to(period_end)

    ended = await client.get(f"contracts/{contract}")
    assert (ended["status"], ended["updated_at"]) == ("cancelled", period_end)
    assert ended["current_period"] == {"start": TODAY, "end": period_end}
    assert await client.events() == ["customer.created", "contract.created", "contract.updated", "contract.cancelled"]
    assert await client.all("invoices") == []


async def test_a_scheduled_cancellation_can_be_taken_back(client: BillingClient) -> None:
    contract = await client.contract(await client.customer())
    await client.post(f"contracts/{contract}/cancel", {"effective_date": "2027-02-28T00:00:00Z"})

    kept = await client.patch(f"contracts/{contract}", {"end_date": None})
    assert (kept["status"], kept["end_date"], kept["cancelled_at"]) == ("active", None, None)

    await client.advance_to("2027-02-28T00:00:00Z")
    assert (await client.get(f"contracts/{contract}"))["status"] == "active"
    assert len(await client.all("invoices")) == 1


async def test_an_end_that_nobody_cancelled_expires(client: BillingClient) -> None:
    contract = await client.contract(await client.customer())
    await client.patch(f"contracts/{contract}", {"end_date": "2027-02-10T12:00:00Z"})

    await client.advance_to("2027-02-10T12:00:00Z")

    assert (await client.get(f"contracts/{contract}"))["status"] == "expired"
    assert (await client.events())[-1] == "contract.updated"
    assert (await client.patch(f"contracts/{contract}", {"end_date": None}, status=409))["code"] == "IllegalState"
    assert (await client.post(f"contracts/{contract}/cancel", status=409))["code"] == "IllegalState"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "end_date"),
        ({"end_date": TODAY}, "end_date"),
        ({"end_date": "2027-01-31T10:00:00Z"}, "end_date"),
        ({"end_date": 1}, "end_date"),
        ({"billing_period": "yearly", "end_date": None}, "billing_period"),
    ],
)
async def test_only_a_future_end_can_be_set(client: BillingClient, body: dict[str, object], field: str) -> None:
    contract = await client.contract(await client.customer())

    refusal = await client.patch(f"contracts/{contract}", body, status=400)

    assert refusal["field"] == field
    assert await client.events() == ["customer.created", "contract.created"]


async def test_a_pending_contract_can_be_cancelled_and_never_starts(client: BillingClient) -> None:
    contract = await client.contract(await client.customer(), start_date="2027-02-10T00:00:00Z")

    cancelled = await client.post(f"contracts/{contract}/cancel")
    await client.advance_to("2027-04-01T00:00:00Z")

    assert (cancelled["status"], cancelled["end_date"]) == ("cancelled", "2027-02-10T00:00:00Z")
    assert await client.events() == ["customer.created", "contract.created", "contract.cancelled"]


async def test_lists_are_filtered_by_status(client: BillingClient) -> None:
    customer = await client.customer()
    first = await client.contract(customer)
    await client.post(f"contracts/{first}/cancel")
    second = await client.contract(customer)

    assert [text(found, "id") for found in await client.all("contracts", status="active")] == [second]
    assert [text(found, "id") for found in await client.all("contracts", customer_id=customer)] == [first, second]
