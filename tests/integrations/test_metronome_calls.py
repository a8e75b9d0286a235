"""What each call sends to Metronome, and what it reads from the answer."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime

import pytest

from billing.invoices import InvoiceStatus, Line
from billing.money import Money
from billing.tiers import BillingPeriod, EntityType, Tier
from integrations.errors import Unavailable
from integrations.metronome.client import MetronomeClient
from integrations.metronome.types import Contract, ContractStatus, Credit, Customer, Event, InvoiceLine, Span
from tests.integrations.metronome_bodies import CONTRACT, CREDIT, CUSTOMER, INVOICE
from tests.integrations.remote import MetronomeRemote, Silence, answer
from tests.integrations.test_metronome_exchange import client_of

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CUSTOMER_ID, CONTRACT_ID, INVOICE_ID = str(CUSTOMER["id"]), str(CONTRACT["id"]), str(INVOICE["id"])
ENTERPRISE = {**CONTRACT, "tier": "enterprise", "price": 90000, "credits_per_month": 7}
LINES = [
    Line("Unused Pro", 1, Money(-465, "USD"), Money(-465, "USD")),
    Line("Team", 3, Money(499, "USD"), Money(1497, "USD")),
]


@asynccontextmanager
async def asking(*bodies: object) -> AsyncIterator[tuple[MetronomeClient, MetronomeRemote]]:
    remote = MetronomeRemote(*(answer(body) for body in bodies))
    async with client_of(remote) as client:
        yield client, remote


async def test_a_customer_is_created_and_read() -> None:
    async with asking(CUSTOMER) as (client, remote):
        customer = await client.create_customer(
            entity_id="user-1",
            entity_type=EntityType.USER,
            name="Planted Name",
            email="planted@example.com",
            metadata={"plan": "beta"},
            idempotency_key="k",
        )

    assert json.loads(remote.seen[0].body) == {
        "entity_id": "user-1",
        "entity_type": "user",
        "name": "Planted Name",
        "email": "planted@example.com",
        "metadata": {"plan": "beta"},
    }
    assert customer == Customer(
        id=CUSTOMER_ID,
        entity_id="user-1",
        entity_type=EntityType.USER,
        name="Planted Name",
        email="planted@example.com",
        metadata={"plan": "beta"},
        created_at=NOON,
        updated_at=NOON,
    )
    assert "Planted" not in repr(customer)
    assert "planted" not in repr(customer)


async def test_a_contract_is_read_in_full() -> None:
    async with asking(ENTERPRISE) as (client, _):
        contract = await client.get_contract(contract_id=CONTRACT_ID)

    assert contract == Contract(
        id=CONTRACT_ID,
        customer_id=CUSTOMER_ID,
        tier=Tier.ENTERPRISE,
        billing_period=BillingPeriod.MONTHLY,
        status=ContractStatus.ACTIVE,
        start_date=datetime(2026, 3, 1, tzinfo=UTC),
        end_date=None,
        cancelled_at=None,
        billing_anchor_date=datetime(2026, 1, 31, tzinfo=UTC),
        current_period=Span(datetime(2026, 2, 28, tzinfo=UTC), datetime(2026, 3, 31, tzinfo=UTC)),
        rate_card_id="standard",
        price=Money(90000, "USD"),
        credits_per_month=7,
        uniqueness_key="contract:1",
        created_at=NOON,
        updated_at=NOON,
    )


async def test_an_invoice_is_read_with_its_lines() -> None:
    async with asking(INVOICE) as (client, _):
        invoice = await client.get_invoice(invoice_id=INVOICE_ID)

    assert (invoice.amount, invoice.status, invoice.due_date) == (
        Money(1032, "USD"),
        InvoiceStatus.OPEN,
        datetime(2026, 3, 31, tzinfo=UTC),
    )
    assert invoice.lines[0] == InvoiceLine(
        id="0b2c7a30-5a6f-4e3a-9d0e-3f1f5f0c1a04",
        description="Unused Pro",
        quantity=1,
        unit_price=Money(-465, "USD"),
        amount=Money(-465, "USD"),
    )


@pytest.mark.parametrize("amount", [10.0, 10.5, "1032", None, True])
async def test_money_that_is_not_a_whole_number_is_not_read(amount: object) -> None:
    async with asking({**INVOICE, "amount": amount}) as (client, _):
        with pytest.raises(Unavailable, match="unreadable answer: amount is not a whole number"):
            await client.get_invoice(invoice_id=INVOICE_ID)


async def test_the_place_of_a_wrong_field_is_named() -> None:
    lines = [INVOICE["line_items"][0], {"id": "x"}]  # type: ignore[index]  # the body is plain JSON
    async with asking({**INVOICE, "line_items": lines}) as (client, _):
        with pytest.raises(Unavailable, match=r"line_items\[1\]\.description is not text"):
            await client.get_invoice(invoice_id=INVOICE_ID)


async def test_an_unknown_currency_is_not_read() -> None:
    async with asking({**INVOICE, "currency": "XXQ"}) as (client, _):
        with pytest.raises(Unavailable, match="currency is not a currency we know"):
            await client.get_invoice(invoice_id=INVOICE_ID)


WRITES: list[tuple[Callable[[MetronomeClient], Awaitable[object]], object, str, str, object]] = [
    (
        lambda client: client.update_customer(
            customer_id=CUSTOMER_ID, email="new@example.com", metadata={"plan": None}, idempotency_key="k"
        ),
        CUSTOMER,
        "PATCH",
        f"/api/v1/customers/{CUSTOMER_ID}",
        {"email": "new@example.com", "metadata": {"plan": None}},
    ),
    (
        lambda client: client.create_contract(
            customer_id=CUSTOMER_ID,
            tier=Tier.PRO,
            billing_period=BillingPeriod.MONTHLY,
            start_date=date(2026, 3, 1),
            billing_anchor_date=date(2026, 1, 31),
            price=None,
            credits_per_month=None,
            uniqueness_key="contract:1",
            idempotency_key="k",
        ),
        CONTRACT,
        "POST",
        "/api/v1/contracts",
        {
            "customer_id": CUSTOMER_ID,
            "tier": "pro",
            "billing_period": "monthly",
            "start_date": "2026-03-01T00:00:00Z",
            "billing_anchor_date": "2026-01-31T00:00:00Z",
            "uniqueness_key": "contract:1",
        },
    ),
    (
        lambda client: client.create_contract(
            customer_id=CUSTOMER_ID,
            tier=Tier.ENTERPRISE,
            billing_period=BillingPeriod.YEARLY,
            start_date=date(2026, 3, 1),
            billing_anchor_date=date(2026, 3, 1),
            price=Money(0, "EUR"),
            credits_per_month=0,
            uniqueness_key="contract:1",
            idempotency_key="k",
            credit_anchor_date=date(2026, 1, 31),
            replaces_contract_id=CONTRACT_ID,
        ),
        {**ENTERPRISE, "currency": "EUR"},
        "POST",
        "/api/v1/contracts",
        {
            "customer_id": CUSTOMER_ID,
            "tier": "enterprise",
            "billing_period": "yearly",
            "start_date": "2026-03-01T00:00:00Z",
            "billing_anchor_date": "2026-03-01T00:00:00Z",
            "price": 0,
            "currency": "EUR",
            "credits_per_month": 0,
            "credit_anchor_date": "2026-01-31T00:00:00Z",
            "replaces_contract_id": CONTRACT_ID,
            "uniqueness_key": "contract:1",
        },
    ),
    (
        lambda client: client.cancel_contract(contract_id=CONTRACT_ID, effective_date=None, idempotency_key="k"),
        CONTRACT,
        "POST",
        f"/api/v1/contracts/{CONTRACT_ID}/cancel",
        {},
    ),
    (
        lambda client: client.cancel_contract(contract_id=CONTRACT_ID, effective_date=NOON, idempotency_key="k"),
        CONTRACT,
        "POST",
        f"/api/v1/contracts/{CONTRACT_ID}/cancel",
        {"effective_date": "2026-03-01T12:00:00Z"},
    ),
    (
        lambda client: client.set_contract_end(contract_id=CONTRACT_ID, end_date=None, idempotency_key="k"),
        CONTRACT,
        "PATCH",
        f"/api/v1/contracts/{CONTRACT_ID}",
        {"end_date": None},
    ),
    (
        lambda client: client.create_invoice(
            customer_id=CUSTOMER_ID,
            contract_id=CONTRACT_ID,
            currency="USD",
            due_date=date(2026, 3, 31),
            lines=LINES,
            uniqueness_key="invoice:1",
            idempotency_key="k",
        ),
        INVOICE,
        "POST",
        "/api/v1/invoices",
        {
            "customer_id": CUSTOMER_ID,
            "contract_id": CONTRACT_ID,
            "currency": "USD",
            "due_date": "2026-03-31T00:00:00Z",
            "line_items": [
                {"description": "Unused Pro", "quantity": 1, "unit_price": -465, "amount": -465},
                {"description": "Team", "quantity": 3, "unit_price": 499, "amount": 1497},
            ],
            "uniqueness_key": "invoice:1",
        },
    ),
    (
        lambda client: client.pay_invoice(invoice_id=INVOICE_ID, external_payment_id="pi_1", idempotency_key="k"),
        INVOICE,
        "POST",
        f"/api/v1/invoices/{INVOICE_ID}/pay",
        {"external_payment_id": "pi_1"},
    ),
    (
        lambda client: client.void_invoice(invoice_id=INVOICE_ID, idempotency_key="k"),
        INVOICE,
        "POST",
        f"/api/v1/invoices/{INVOICE_ID}/void",
        {},
    ),
    (
        lambda client: client.mark_uncollectible(invoice_id=INVOICE_ID, idempotency_key="k"),
        INVOICE,
        "POST",
        f"/api/v1/invoices/{INVOICE_ID}/uncollectible",
        {},
    ),
    (
        lambda client: client.fail_invoice(invoice_id=INVOICE_ID, reason="card_declined", idempotency_key="k"),
        INVOICE,
        "POST",
        f"/api/v1/invoices/{INVOICE_ID}/fail",
        {"reason": "card_declined"},
    ),
    (
        lambda client: client.create_credit(
            customer_id=CUSTOMER_ID,
            contract_id=None,
            amount=-500,
            expires_at=None,
            reason="clawback",
            uniqueness_key="credit:1",
            idempotency_key="k",
        ),
        CREDIT,
        "POST",
        "/api/v1/credits",
        {"customer_id": CUSTOMER_ID, "amount": -500, "reason": "clawback", "uniqueness_key": "credit:1"},
    ),
]


@pytest.mark.parametrize(("call", "told", "method", "path", "body"), WRITES)
async def test_each_write_sends_its_body_under_its_key(
    call: Callable[[MetronomeClient], Awaitable[object]], told: object, method: str, path: str, body: object
) -> None:
    async with asking(told) as (client, remote):
        await call(client)

    seen = remote.seen[0]
    assert (seen.method, seen.path, json.loads(seen.body)) == (method, path, body)
    assert seen.headers["idempotency-key"] == "k"


async def test_what_a_unique_value_names_is_found_or_is_none() -> None:
    async with asking({"data": [CREDIT], "total": 1}, {"data": [], "total": 0}) as (client, remote):
        found = await client.find_credit(customer_id=CUSTOMER_ID, uniqueness_key="credit:1")
        assert found is not None
        assert (found.id, found.amount, found.balance) == (CREDIT["id"], 500, 400)
        assert await client.find_credit(customer_id=CUSTOMER_ID, uniqueness_key="credit:2") is None

    assert remote.seen[0].query == {"customer_id": CUSTOMER_ID, "uniqueness_key": "credit:1", "limit": "1"}


async def test_a_list_is_read_to_its_last_page() -> None:
    pages = [{"data": [INVOICE] * 100, "total": 150}, {"data": [INVOICE] * 50, "total": 150}]
    async with asking(*pages) as (client, remote):
        invoices = await client.list_invoices(customer_id=CUSTOMER_ID, status=InvoiceStatus.OPEN)

    assert len(invoices) == 150
    assert [(seen.query["offset"], seen.query["status"]) for seen in remote.seen] == [("0", "open"), ("100", "open")]


async def test_the_balance_is_a_count_of_credits() -> None:
    body = {"customer_id": CUSTOMER_ID, "balance": 9600, "currency": "credits", "as_of": "2026-03-01T12:00:00Z"}
    async with asking(body) as (client, remote):
        balance = await client.balance(customer_id=CUSTOMER_ID)

    assert (balance.balance, balance.as_of) == (9600, NOON)
    assert remote.seen[0].query == {"customer_id": CUSTOMER_ID}


async def test_an_id_from_elsewhere_cannot_become_another_address() -> None:
    async with asking(CUSTOMER) as (client, remote):
        await client.get_customer(customer_id="../invoices?x=1")

    assert remote.seen[0].path.startswith("/api/v1/customers/")
    assert remote.seen[0].query == {}


def event(event_type: str, data: object) -> dict[str, object]:
    return {
        "id": "e-1",
        "type": event_type,
        "timestamp": "2026-03-01T12:00:00Z",
        "customer_id": CUSTOMER_ID,
        "data": data,
    }


async def test_events_carry_the_object_of_their_type() -> None:
    expired = {**CREDIT, "balance": 0, "expired_amount": 400}
    bodies = [event("credit.expired", expired), event("customer.merged", {"with": "another"})]
    async with asking({"data": bodies, "total": 2}) as (client, remote):
        known, unknown = await client.list_events(after="e-0", limit=2)

    assert remote.seen[0].query == {"after": "e-0", "limit": "2"}
    assert isinstance(known.snapshot, Credit)
    assert (known.type, known.expired_amount, known.snapshot.balance) == ("credit.expired", 400, 0)
    assert unknown == Event("e-1", "customer.merged", NOON, CUSTOMER_ID, snapshot=None, expired_amount=None)


async def test_a_stored_event_is_read_like_a_listed_one() -> None:
    stored = Event.from_json(json.dumps(event("customer.created", CUSTOMER)).encode())

    assert isinstance(stored.snapshot, Customer)
    assert stored.snapshot.id == CUSTOMER_ID


async def test_a_call_that_is_never_answered_is_given_up() -> None:
    async with client_of(MetronomeRemote(Silence()), timeout_seconds=0.2) as client:
        with pytest.raises(Unavailable, match="metronome get_invoice: timed out"):
            await client.get_invoice(invoice_id=INVOICE_ID)
