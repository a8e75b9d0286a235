"""What happens by itself as the clock moves."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from tests.mock_metronome.billing_client import BillingClient, billing_client


def moment(date: str) -> str:
    return f"{date}T00:00:00Z"


def at(date: str) -> datetime:
    return datetime.fromisoformat(date).replace(hour=10, tzinfo=UTC)


async def descriptions(client: BillingClient) -> list[object]:
    lines = [invoice["line_items"] for invoice in await client.all("invoices")]
    return [items[0]["description"] for items in lines if isinstance(items, list)]


async def grants(client: BillingClient) -> list[tuple[object, object]]:
    return [(credit["created_at"], credit["amount"]) for credit in await client.all("credits")]


@pytest.mark.parametrize(
    ("start", "until", "boundaries"),
    [
        ("2028-01-31", "2028-06-01", ["2028-02-29", "2028-03-31", "2028-04-30", "2028-05-31", "2028-06-30"]),
        ("2027-01-31", "2027-04-01", ["2027-02-28", "2027-03-31", "2027-04-30"]),
        ("2027-01-30", "2027-04-01", ["2027-02-28", "2027-03-30", "2027-04-30"]),
        ("2027-12-15", "2028-01-15", ["2028-01-15", "2028-02-15"]),
    ],
)
async def test_monthly_boundaries_come_from_the_anchor(start: str, until: str, boundaries: list[str]) -> None:
    async with billing_client(now=at(start)) as client:
        await client.contract(await client.customer(), start_date=moment(start))
        await client.advance_to(moment(until))

        expected = [f"Pro, monthly, {first} to {second}" for first, second in pairwise(boundaries)]
        assert await descriptions(client) == expected


async def test_yearly_renews_once_a_year_and_grants_every_month() -> None:
    async with billing_client(now=at("2028-02-29")) as client:
        customer = await client.customer()
        contract = await client.contract(
            customer, start_date=moment("2028-02-29"), billing_period="yearly", tier="team"
        )
        await client.credit(customer, 50_000, contract_id=contract)
        await client.advance_to(moment("2029-02-28"))

        assert await descriptions(client) == ["Team, yearly, 2029-02-28 to 2030-02-28"]
        months = ["03-29", "04-29", "05-29", "06-29", "07-29", "08-29", "09-29", "10-29", "11-29", "12-29"]
        boundaries = [*[f"2028-{month}" for month in months], "2029-01-29", "2029-02-28"]
        assert (await grants(client))[1:] == [(moment(boundary), 50_000) for boundary in boundaries]
        assert await client.balance(customer) == 50_000

        await client.advance_to(moment("2032-02-29"))
        shown = await client.get(f"contracts/{contract}")
        assert shown["current_period"] == {"start": moment("2032-02-29"), "end": moment("2033-02-28")}


async def test_a_renewal_invoice_is_whole() -> None:
    async with billing_client(now=at("2027-01-31")) as client:
        customer = await client.customer()
        contract = await client.contract(customer, start_date=moment("2027-01-31"))
        await client.advance_to("2027-03-01T12:34:56Z")

        (invoice,) = await client.all("invoices")
        (line,) = invoice["line_items"] if isinstance(invoice["line_items"], list) else []

    assert line == {
        "id": line["id"],
        "description": "Pro, monthly, 2027-02-28 to 2027-03-31",
        "quantity": 1,
        "unit_price": 900,
        "amount": 900,
    }
    assert invoice == {
        "id": invoice["id"],
        "customer_id": customer,
        "contract_id": contract,
        "amount": 900,
        "currency": "USD",
        "status": "open",
        "due_date": moment("2027-03-30"),
        "paid_at": None,
        "external_payment_id": None,
        "line_items": [line],
        "period": {"start": moment("2027-02-28"), "end": moment("2027-03-31")},
        "uniqueness_key": f"renewal:{contract}:2027-02-28",
        "created_at": moment("2027-02-28"),
        "updated_at": moment("2027-02-28"),
    }


async def test_a_boundary_renews_invoices_expires_and_grants_in_that_order(client: BillingClient) -> None:
    customer = await client.customer()
    contract = await client.contract(customer)
    await client.credit(customer, 10_000, contract_id=contract)
    await client.control("usage", customer_id=customer, amount=4_000)
    await client.advance_to("2027-02-28T00:00:00Z")

    new = (await client.all("webhooks/events"))[3:]
    assert [event["type"] for event in new] == [
        "contract.updated",
        "invoice.created",
        "credit.expired",
        "credit.applied",
    ]
    assert {event["timestamp"] for event in new} == {"2027-02-28T00:00:00Z"}
    expired = new[2]["data"]
    assert isinstance(expired, dict)
    assert (expired["expired_amount"], expired["balance"], expired["expired_at"]) == (6_000, 0, "2027-02-28T00:00:00Z")
    assert await client.balance(customer) == 10_000


async def test_free_contracts_renew_without_an_invoice(client: BillingClient) -> None:
    customer = await client.customer()
    await client.contract(customer, tier="free")
    await client.advance_to("2027-02-28T00:00:00Z")

    assert await client.all("invoices") == []
    assert (await client.events())[2:] == ["contract.updated", "credit.applied"]
    assert await client.balance(customer) == 1_000


async def test_enterprise_renews_on_its_own_terms(client: BillingClient) -> None:
    customer = await client.customer()
    terms = {"tier": "enterprise", "price": 123_45, "credits_per_month": 0, "currency": "EUR"}
    await client.contract(customer, **terms)
    await client.advance_to("2027-02-28T00:00:00Z")

    (invoice,) = await client.all("invoices")
    assert (invoice["amount"], invoice["currency"]) == (123_45, "EUR")
    assert await client.all("credits") == []


async def test_the_first_boundary_after_an_earlier_anchor_is_the_next_one(client: BillingClient) -> None:
    await client.contract(await client.customer(), billing_anchor_date=moment("2026-12-15"))
    await client.advance_to(moment("2027-03-01"))

    assert await descriptions(client) == ["Pro, monthly, 2027-02-15 to 2027-03-15"]


async def test_a_period_that_was_over_before_the_contract_was_made_is_the_callers(client: BillingClient) -> None:
    await client.contract(await client.customer(), start_date=moment("2026-11-20"))
    assert await client.all("invoices") == []

    await client.advance_to(moment("2027-02-20"))

    assert await descriptions(client) == ["Pro, monthly, 2027-02-20 to 2027-03-20"]


async def test_nothing_happens_after_the_end(client: BillingClient) -> None:
    customer = await client.customer()
    contract = await client.contract(customer)
    await client.post(f"contracts/{contract}/cancel")
    before = await client.events()
    await client.advance_to(moment("2028-01-31"))

    assert await client.events() == before
    assert await client.all("invoices") == []


async def test_a_successor_takes_over_at_the_boundary(client: BillingClient) -> None:
    customer = await client.customer()
    old = await client.contract(customer, end_date=moment("2027-02-28"))
    new = await client.contract(customer, start_date=moment("2027-02-28"), tier="team")
    await client.credit(customer, 10_000, contract_id=old)
    await client.advance_to(moment("2027-02-28"))

    statuses = [(await client.get(f"contracts/{contract}"))["status"] for contract in (old, new)]
    assert statuses == ["expired", "active"]
    assert await client.balance(customer) == 0
    assert await client.all("invoices") == []


async def test_many_small_steps_and_one_long_one_end_in_the_same_books() -> None:
    books = []
    for steps in (["2027-06-15"], ["2027-02-27", "2027-02-28", "2027-04-30", "2027-05-01", "2027-06-15"]):
        async with billing_client(now=at("2027-01-31")) as client:
            for entity, tier in (("ada", "pro"), ("bob", "team")):
                await client.contract(await client.customer(entity), tier=tier, start_date=moment("2027-01-31"))
            for step in steps:
                await client.control("clock", advance_to=moment(step))
            await client.sign_in()
            books.append([await client.events(), await descriptions(client), await grants(client)])

    assert books[0] == books[1]


async def test_an_overdue_invoice_stays_open(client: BillingClient) -> None:
    await client.contract(await client.customer())
    await client.advance_to(moment("2027-12-01"))

    assert {invoice["status"] for invoice in await client.all("invoices")} == {"open"}
