"""The Metronome client against the stateful sandbox, over real sockets."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pytest
from pydantic import SecretStr

from billing.invoices import InvoiceStatus, line
from billing.money import Money
from billing.tiers import BillingPeriod, EntityType, Tier
from integrations.errors import Conflict, CredentialsRefused, NotFound, Rejected, StoredFailure
from integrations.metronome.client import MetronomeClient
from integrations.metronome.credentials import OAuthCredentials
from integrations.metronome.oauth import TokenSource
from integrations.metronome.retries import Retries
from integrations.metronome.types import Contract, ContractStatus, Customer, Event, Invoice
from integrations.metronome.webhooks import verify
from mock_kit.clock import Clock
from mock_metronome.app import create_app
from tests.integrations.remote import Pauses
from tests.integrations.sandbox import World, running

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
CREDENTIALS = OAuthCredentials(
    client_id="sandbox-client",
    client_secret=SecretStr("sandbox-secret"),
    token_url="/oauth/token",
    scope="billing:read billing:write",
)


@dataclass
class Metronome:
    world: World
    clock: Clock
    client: MetronomeClient

    def client_with(self, credentials: OAuthCredentials) -> MetronomeClient:
        tokens = TokenSource(self.world.http, credentials, self.clock.now)
        return MetronomeClient(self.world.http, tokens, retries=Retries(sleep=Pauses()), timeout_seconds=60)

    async def customer(self, entity_id: str = "user-1", *, key: str = "customer") -> Customer:
        return await self.client.create_customer(
            entity_id=entity_id,
            entity_type=EntityType.USER,
            name="Ada",
            email="ada@example.com",
            metadata={"plan": "beta"},
            idempotency_key=key,
        )

    async def contract(self, customer: Customer, *, uniqueness_key: str = "contract:1", key: str = "c1") -> Contract:
        return await self.client.create_contract(
            customer_id=customer.id,
            tier=Tier.PRO,
            billing_period=BillingPeriod.MONTHLY,
            start_date=date(2026, 3, 1),
            billing_anchor_date=date(2026, 1, 31),
            price=None,
            credits_per_month=None,
            uniqueness_key=uniqueness_key,
            idempotency_key=key,
        )

    async def invoice(self, contract: Contract, *, uniqueness_key: str = "invoice:1") -> Invoice:
        return await self.client.create_invoice(
            customer_id=contract.customer_id,
            contract_id=contract.id,
            currency="USD",
            due_date=date(2026, 3, 31),
            lines=[line("Unused Pro", Money(-465, "USD")), line("Team", Money(1497, "USD"))],
            uniqueness_key=uniqueness_key,
            idempotency_key=uniqueness_key,
        )


@pytest.fixture
async def metronome() -> AsyncIterator[Metronome]:
    clock = Clock(start=START, frozen=True)
    async with running(lambda courier: create_app(clock=clock, webhook_client=courier)) as world:
        tokens = TokenSource(world.http, CREDENTIALS, clock.now)
        client = MetronomeClient(world.http, tokens, retries=Retries(sleep=Pauses()), timeout_seconds=60)
        yield Metronome(world, clock, client)


async def test_a_customer_is_made_once_and_found_by_its_entity(metronome: Metronome) -> None:
    made = await metronome.customer()

    assert await metronome.customer() == made
    assert await metronome.client.find_customer(entity_id="user-1") == made
    assert await metronome.client.find_customer(entity_id="user-2") is None
    with pytest.raises(Conflict) as taken:
        await metronome.customer(key="another")
    assert (taken.value.code, taken.value.idempotency_key_reused) == ("UniquenessKeyUsed", False)
    with pytest.raises(Conflict) as reused:
        await metronome.customer("user-2")
    assert reused.value.idempotency_key_reused


async def test_a_customer_is_updated_and_read_back(metronome: Metronome) -> None:
    made = await metronome.customer()

    updated = await metronome.client.update_customer(
        customer_id=made.id, email="new@example.com", metadata={"plan": None, "team": "a"}, idempotency_key="u"
    )

    assert (updated.name, updated.email, updated.metadata) == ("Ada", "new@example.com", {"team": "a"})
    assert await metronome.client.get_customer(customer_id=made.id) == updated


async def test_a_thing_nobody_made_is_not_found(metronome: Metronome) -> None:
    with pytest.raises(NotFound):
        await metronome.client.get_invoice(invoice_id="0b2c7a30-5a6f-4e3a-9d0e-3f1f5f0c1a01")


async def test_a_contract_lives_from_creation_over_a_lifted_end_to_cancellation(metronome: Metronome) -> None:
    client, customer = metronome.client, await metronome.customer()
    contract = await metronome.contract(customer)
    assert (contract.status, contract.tier, contract.billing_anchor_date) == (
        ContractStatus.ACTIVE,
        Tier.PRO,
        datetime(2026, 1, 31, tzinfo=UTC),
    )
    with pytest.raises(Rejected, match="IllegalState"):
        await metronome.contract(customer, uniqueness_key="contract:2", key="c2")
    with pytest.raises(Conflict, match="UniquenessKeyUsed"):
        await metronome.contract(customer, key="c3")
    assert await client.find_contract(customer_id=customer.id, uniqueness_key="contract:1") == contract

    scheduled = await client.cancel_contract(
        contract_id=contract.id, effective_date=date(2026, 3, 31), idempotency_key="e1"
    )
    assert (scheduled.status, scheduled.end_date) == (ContractStatus.ACTIVE, datetime(2026, 3, 31, tzinfo=UTC))
    lifted = await client.set_contract_end(contract_id=contract.id, end_date=None, idempotency_key="e2")
    assert (lifted.status, lifted.end_date) == (ContractStatus.ACTIVE, None)
    cancelled = await client.cancel_contract(contract_id=contract.id, effective_date=None, idempotency_key="e3")
    assert (cancelled.status, cancelled.end_date) == (ContractStatus.CANCELLED, START)

    assert await client.list_contracts(customer_id=customer.id) == (cancelled,)


async def test_an_enterprise_contract_has_its_own_terms(metronome: Metronome) -> None:
    customer = await metronome.customer()

    contract = await metronome.client.create_contract(
        customer_id=customer.id,
        tier=Tier.ENTERPRISE,
        billing_period=BillingPeriod.YEARLY,
        start_date=date(2026, 3, 1),
        billing_anchor_date=date(2026, 3, 1),
        price=Money(900_000, "EUR"),
        credits_per_month=250_000,
        uniqueness_key="contract:1",
        idempotency_key="c1",
    )

    assert (contract.price, contract.credits_per_month) == (Money(900_000, "EUR"), 250_000)


async def test_an_invoice_is_paid_once(metronome: Metronome) -> None:
    client, contract = metronome.client, await metronome.contract(await metronome.customer())
    invoice = await metronome.invoice(contract)
    assert (invoice.amount, invoice.status) == (Money(1032, "USD"), InvoiceStatus.OPEN)
    assert [each.amount.minor_units for each in invoice.lines] == [-465, 1497]
    found = await client.find_invoice(customer_id=contract.customer_id, uniqueness_key="invoice:1")
    assert found == invoice

    failed = await client.fail_invoice(invoice_id=invoice.id, reason="card_declined", idempotency_key="f")
    assert failed.status is InvoiceStatus.OPEN
    paid = await client.pay_invoice(invoice_id=invoice.id, external_payment_id="pi_1", idempotency_key="p1")
    assert (paid.status, paid.external_payment_id, paid.paid_at) == (InvoiceStatus.PAID, "pi_1", START)
    assert await client.pay_invoice(invoice_id=invoice.id, external_payment_id="pi_1", idempotency_key="p2") == paid
    with pytest.raises(Rejected, match="IllegalState"):
        await client.pay_invoice(invoice_id=invoice.id, external_payment_id="pi_2", idempotency_key="p3")

    assert await client.list_invoices(customer_id=contract.customer_id, status=InvoiceStatus.PAID) == (paid,)


async def test_an_invoice_is_voided_or_given_up(metronome: Metronome) -> None:
    contract = await metronome.contract(await metronome.customer())
    first = await metronome.invoice(contract)
    second = await metronome.invoice(contract, uniqueness_key="invoice:2")

    voided = await metronome.client.void_invoice(invoice_id=first.id, idempotency_key="v")
    given_up = await metronome.client.mark_uncollectible(invoice_id=second.id, idempotency_key="g")

    assert (voided.status, given_up.status) == (InvoiceStatus.VOID, InvoiceStatus.UNCOLLECTIBLE)


async def test_credits_are_granted_taken_and_counted(metronome: Metronome) -> None:
    client, customer = metronome.client, await metronome.customer()

    async def credit(amount: int, uniqueness_key: str, expires_at: datetime | None = None) -> int:
        made = await client.create_credit(
            customer_id=customer.id,
            contract_id=None,
            amount=amount,
            expires_at=expires_at,
            reason="by hand",
            uniqueness_key=uniqueness_key,
            idempotency_key=uniqueness_key,
        )
        return made.balance

    assert await credit(500, "g1", START + timedelta(days=3)) == 500
    await credit(-200, "g2")
    assert (await client.balance(customer_id=customer.id)).balance == 300
    with pytest.raises(Rejected, match="IllegalState"):
        await credit(-301, "g3")
    listed = await client.list_credits(customer_id=customer.id)
    assert [(each.amount, each.expires_at) for each in listed] == [(500, START + timedelta(days=3)), (-200, None)]
    assert await client.find_credit(customer_id=customer.id, uniqueness_key="g1") == listed[0]


async def test_what_happened_is_told_as_events_oldest_first(metronome: Metronome) -> None:
    contract = await metronome.contract(await metronome.customer())
    await metronome.invoice(contract)

    events = await metronome.client.list_events(after=None)

    assert [event.type for event in events] == ["customer.created", "contract.created", "invoice.created"]
    assert isinstance(events[1].snapshot, Contract)
    assert await metronome.client.list_events(after=events[0].id, limit=1) == events[1:2]


async def test_the_engines_own_events_are_read(metronome: Metronome) -> None:
    await metronome.contract(await metronome.customer())
    await metronome.world.control("clock", {"advance_seconds": 40 * 86_400})

    events = await metronome.client.list_events(after=None)

    assert {"contract.updated", "invoice.created", "credit.applied"} <= {event.type for event in events}
    renewal = next(event.snapshot for event in events if event.type == "invoice.created")
    assert isinstance(renewal, Invoice)
    assert renewal.uniqueness_key is not None
    assert renewal.uniqueness_key.startswith("renewal:")


async def test_an_ended_token_is_replaced_without_the_caller_noticing(metronome: Metronome) -> None:
    await metronome.client.ping()
    await metronome.world.control("clock", {"advance_seconds": 3600})

    await metronome.client.ping()


async def test_a_wrong_client_secret_shows_in_the_ping(metronome: Metronome) -> None:
    wrong = metronome.client_with(replace(CREDENTIALS, client_secret=SecretStr("wrong")))

    with pytest.raises(CredentialsRefused, match="metronome fetch_token: our OAuth client is refused"):
        await wrong.ping()


async def test_a_client_that_may_only_read_is_refused_when_it_writes(metronome: Metronome) -> None:
    reader = metronome.client_with(replace(CREDENTIALS, scope="billing:read"))
    await reader.ping()

    with pytest.raises(CredentialsRefused, match=r"create_customer: our token is refused \(status 403\)"):
        await Metronome(metronome.world, metronome.clock, reader).customer()


@pytest.mark.parametrize(
    "kind",
    ["status_before", "status_after", "drop_before", "drop_after", "html_before", "html_after", "not_json_after"],
)
async def test_a_lost_answer_is_asked_for_again_and_nothing_is_made_twice(metronome: Metronome, kind: str) -> None:
    await metronome.world.fail("/api/v1/customers$", kind)

    assert (await metronome.customer()).entity_id == "user-1"
    assert await metronome.world.count("customers") == 1


async def test_a_stored_failure_is_told_from_a_passing_one(metronome: Metronome) -> None:
    await metronome.world.fail("/api/v1/customers$", "status_after", status=500, stored=True)

    with pytest.raises(StoredFailure):
        await metronome.customer()

    assert await metronome.client.find_customer(entity_id="user-1") is not None


async def test_its_webhooks_are_verified_and_read(metronome: Metronome) -> None:
    await metronome.world.listen("hook-secret")
    customer = await metronome.customer()

    [(raw, headers)] = await metronome.world.delivered()

    verified = verify(raw, headers=headers, secrets=[SecretStr("hook-secret")], now=START)
    assert (verified.type, verified.customer_id, verified.object_id) == ("customer.created", customer.id, customer.id)
    assert Event.from_json(raw).snapshot == customer
