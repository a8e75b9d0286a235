"""The Stripe client against the stateful sandbox, over real sockets."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from billing.money import Money
from integrations.errors import Conflict, CredentialsRefused, Declined, NotFound, Rejected, StoredFailure, Unavailable
from integrations.stripe.client import StripePayments
from integrations.stripe.types import (
    ChargeStatus,
    Event,
    PaymentIntent,
    PaymentIntentStatus,
    PaymentMethod,
    RefundStatus,
    SetupIntentStatus,
    StripeCustomer,
)
from integrations.stripe.webhooks import verify
from mock_kit.clock import Clock
from mock_stripe.app import create_app
from tests.integrations.remote import Pauses
from tests.integrations.sandbox import World, running

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class Stripe:
    world: World
    client: StripePayments

    async def customer(self, *, key: str = "customer") -> StripeCustomer:
        return await self.client.create_customer(
            entity_id="o'brien", name="Ada", email="ada@example.com", metadata={"plan": "beta"}, idempotency_key=key
        )

    async def card(self, customer: StripeCustomer, alias: str = "pm_card_visa") -> PaymentMethod:
        return await self.client.attach_payment_method(
            payment_method_id=alias, customer_id=customer.id, idempotency_key=f"attach:{alias}"
        )

    async def pay(
        self, customer: StripeCustomer, card: PaymentMethod, *, key: str = "charge:1", amount: int = 900
    ) -> PaymentIntent:
        return await self.client.create_payment_intent(
            customer_id=customer.id,
            amount=Money(amount, "USD"),
            payment_method_id=card.id,
            metadata={"invoice": "in-1"},
            idempotency_key=key,
        )


@pytest.fixture
async def stripe() -> AsyncIterator[Stripe]:
    clock = Clock(start=START, frozen=True)
    async with running(lambda courier: create_app(clock=clock, webhook_client=courier, search_lag_seconds=60)) as world:
        yield Stripe(world, StripePayments(world.http, SecretStr("sk_test_sandbox"), sleep=Pauses()))


async def test_a_customer_is_made_once_and_found_by_its_entity(stripe: Stripe) -> None:
    made = await stripe.customer()

    assert await stripe.customer() == made
    assert made.entity_id == "o'brien"
    assert await stripe.client.get_customer(customer_id=made.id) == made
    assert await stripe.client.find_customer(entity_id="o'brien") is None
    assert await stripe.client.find_customer(entity_id="o'brien", created_since=START) == made
    await stripe.world.control("clock", {"advance_seconds": 60})
    assert await stripe.client.find_customer(entity_id="o'brien") == made
    assert await stripe.client.find_customer(entity_id="nobody", created_since=START) is None


async def test_a_deleted_customer_is_no_longer_found(stripe: Stripe) -> None:
    made = await stripe.customer()

    assert (await stripe.client.delete_customer(customer_id=made.id)).deleted
    assert (await stripe.client.get_customer(customer_id=made.id)).deleted
    assert await stripe.client.find_customer(entity_id="o'brien", created_since=START) is None


async def test_a_key_used_with_another_body_is_a_conflict(stripe: Stripe) -> None:
    await stripe.customer()

    with pytest.raises(Conflict) as caught:
        await stripe.client.create_customer(
            entity_id="x", name="Bob", email="bob@example.com", metadata={}, idempotency_key="customer"
        )

    assert caught.value.idempotency_key_reused


async def test_cards_are_attached_made_default_listed_and_detached(stripe: Stripe) -> None:
    customer = await stripe.customer()
    card = await stripe.card(customer)
    assert (card.customer_id, card.brand, card.last4) == (customer.id, "visa", "4242")

    updated = await stripe.client.set_default_payment_method(
        customer_id=customer.id, payment_method_id=card.id, idempotency_key="default"
    )
    assert updated.default_payment_method_id == card.id
    assert await stripe.client.list_payment_methods(customer_id=customer.id) == (card,)
    assert await stripe.client.get_payment_method(payment_method_id=card.id) == card

    detached = await stripe.client.detach_payment_method(payment_method_id=card.id, idempotency_key="detach")
    assert detached.customer_id is None
    assert await stripe.client.list_payment_methods(customer_id=customer.id) == ()


async def test_a_card_that_declines_cannot_be_attached(stripe: Stripe) -> None:
    customer = await stripe.customer()

    with pytest.raises(Declined) as caught:
        await stripe.card(customer, "pm_card_chargeDeclinedInsufficientFunds")

    assert (caught.value.code, caught.value.decline_code) == ("card_declined", "insufficient_funds")
    assert caught.value.payment_intent is None


async def test_a_payment_succeeds_once_and_is_found_again(stripe: Stripe) -> None:
    customer = await stripe.customer()
    card = await stripe.card(customer)

    paid = await stripe.pay(customer, card)

    assert (paid.status, paid.amount_received) == (PaymentIntentStatus.SUCCEEDED, Money(900, "USD"))
    assert await stripe.pay(customer, card) == paid
    assert await stripe.client.get_payment_intent(payment_intent_id=paid.id) == paid
    found = await stripe.client.find_payment_intents(
        customer_id=customer.id, metadata_key="invoice", metadata_value="in-1"
    )
    assert found == (paid,)
    [charge] = await stripe.client.list_charges(customer_id=customer.id)
    assert (charge.id, charge.status) == (paid.latest_charge_id, ChargeStatus.SUCCEEDED)
    assert charge.payment_intent_id == paid.id


async def test_a_declined_payment_tells_why_and_another_card_can_finish_it(stripe: Stripe) -> None:
    customer = await stripe.customer()
    bad, good = await stripe.card(customer, "pm_card_chargeCustomerFail"), await stripe.card(customer)

    with pytest.raises(Declined) as caught:
        await stripe.pay(customer, bad)

    declined = caught.value
    assert declined.payment_intent is not None
    assert (declined.code, declined.payment_intent.status) == (
        "card_declined",
        PaymentIntentStatus.REQUIRES_PAYMENT_METHOD,
    )
    assert declined.payment_intent.decline == declined.decline
    [charge] = await stripe.client.list_charges(customer_id=customer.id)
    assert charge.id == declined.charge_id
    assert charge.decline is not None
    assert (charge.decline.code, charge.decline.decline_code) == (declined.code, declined.decline_code)

    finished = await stripe.client.confirm_payment_intent(
        payment_intent_id=declined.payment_intent.id, payment_method_id=good.id, idempotency_key="charge:2"
    )
    assert finished.status is PaymentIntentStatus.SUCCEEDED


async def test_a_payment_that_needs_its_owner_waits_and_can_be_cancelled(stripe: Stripe) -> None:
    customer = await stripe.customer()
    card = await stripe.card(customer, "pm_card_authenticationRequired")

    waiting = await stripe.pay(customer, card)
    assert waiting.status is PaymentIntentStatus.REQUIRES_ACTION
    assert waiting.next_action_type is not None
    assert waiting.client_secret is not None

    cancelled = await stripe.client.cancel_payment_intent(payment_intent_id=waiting.id, idempotency_key="cancel:1")
    assert cancelled.status is PaymentIntentStatus.CANCELED
    with pytest.raises(Rejected, match="payment_intent_unexpected_state"):
        await stripe.client.confirm_payment_intent(
            payment_intent_id=waiting.id, payment_method_id=None, idempotency_key="confirm:1"
        )


async def test_off_session_a_payment_that_needs_its_owner_is_declined(stripe: Stripe) -> None:
    customer = await stripe.customer()
    card = await stripe.card(customer, "pm_card_authenticationRequired")

    with pytest.raises(Declined) as caught:
        await stripe.client.create_payment_intent(
            customer_id=customer.id,
            amount=Money(900, "USD"),
            payment_method_id=card.id,
            metadata={},
            idempotency_key="k",
            off_session=True,
        )

    assert caught.value.code == "authentication_required"


async def test_refunds_are_bounded_by_what_was_paid(stripe: Stripe) -> None:
    customer = await stripe.customer()
    paid = await stripe.pay(customer, await stripe.card(customer))

    async def refund(amount: int, key: str) -> RefundStatus:
        made = await stripe.client.create_refund(
            payment_intent_id=paid.id, amount=Money(amount, "USD"), metadata={"why": "asked"}, idempotency_key=key
        )
        return made.status

    assert await refund(300, "r1") is RefundStatus.SUCCEEDED
    with pytest.raises(Rejected, match="status 400"):
        await refund(601, "r2")
    [made] = await stripe.client.list_refunds(payment_intent_id=paid.id)
    assert (made.amount, made.payment_intent_id, made.metadata) == (Money(300, "USD"), paid.id, {"why": "asked"})


async def test_a_setup_intent_has_a_secret_for_the_browser(stripe: Stripe) -> None:
    customer = await stripe.customer()

    setup = await stripe.client.create_setup_intent(customer_id=customer.id, metadata={}, idempotency_key="s")

    assert (setup.status, setup.customer_id) == (SetupIntentStatus.REQUIRES_PAYMENT_METHOD, customer.id)
    assert setup.client_secret is not None
    assert setup.client_secret.startswith(setup.id)


async def test_events_since_an_instant_come_oldest_first(stripe: Stripe) -> None:
    customer = await stripe.customer()
    paid = await stripe.pay(customer, await stripe.card(customer))

    events = await stripe.client.list_events(created_since=START)

    types = [event.type for event in events]
    assert types[0] == "customer.created"
    assert types.index("payment_method.attached") < types.index("payment_intent.succeeded")
    succeeded = next(event for event in events if event.type == "payment_intent.succeeded")
    assert isinstance(succeeded.snapshot, PaymentIntent)
    assert (succeeded.snapshot.id, succeeded.idempotency_key) == (paid.id, "charge:1")


async def test_a_thing_nobody_made_is_not_found(stripe: Stripe) -> None:
    with pytest.raises(NotFound):
        await stripe.client.get_payment_intent(payment_intent_id="pi_none")


async def test_a_wrong_key_shows_in_the_ping(stripe: Stripe) -> None:
    await stripe.client.ping()

    with pytest.raises(CredentialsRefused, match="stripe ping: our API key is refused"):
        await StripePayments(stripe.world.http, SecretStr("wrong"), sleep=Pauses()).ping()


@pytest.mark.parametrize(
    "kind",
    ["status_before", "status_after", "drop_before", "drop_after", "html_before", "html_after", "not_json_after"],
)
async def test_a_lost_answer_is_asked_for_again_and_nothing_is_charged_twice(stripe: Stripe, kind: str) -> None:
    customer = await stripe.customer()
    card = await stripe.card(customer)
    await stripe.world.fail("/v1/payment_intents$", kind)

    assert (await stripe.pay(customer, card)).status is PaymentIntentStatus.SUCCEEDED
    assert await stripe.world.count("charges") == 1


async def test_a_stored_failure_is_told_from_a_passing_one(stripe: Stripe) -> None:
    customer = await stripe.customer()
    card = await stripe.card(customer)
    await stripe.world.fail("/v1/payment_intents$", "status_after", status=500, stored=True)

    with pytest.raises(Unavailable) as caught:
        await stripe.pay(customer, card)

    assert type(caught.value) is StoredFailure
    [paid] = await stripe.client.find_payment_intents(
        customer_id=customer.id, metadata_key="invoice", metadata_value="in-1"
    )
    assert paid.status is PaymentIntentStatus.SUCCEEDED


async def test_its_webhooks_are_verified_and_read(stripe: Stripe) -> None:
    await stripe.world.listen("whsec_1")
    customer = await stripe.customer()

    [(raw, headers)] = await stripe.world.delivered()

    verified = verify(raw, headers=headers, secrets=[SecretStr("whsec_1")], now=START, livemode=False)
    assert (verified.type, verified.customer_id, verified.object_id) == ("customer.created", customer.id, customer.id)
    assert Event.from_json(raw).snapshot == customer
