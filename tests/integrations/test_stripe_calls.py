"""What each call sends to Stripe, and what it reads from the answer."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from urllib.parse import parse_qsl

import pytest

from billing.money import Money
from integrations.stripe.client import StripePayments
from integrations.stripe.types import (
    Charge,
    ChargeStatus,
    Decline,
    Event,
    PaymentIntent,
    PaymentIntentStatus,
    PaymentMethod,
    Refund,
    RefundStatus,
    SetupIntentStatus,
    StripeCustomer,
)
from tests.integrations.remote import Remote, answer
from tests.integrations.stripe_bodies import (
    CHARGE,
    CREATED,
    CUSTOMER,
    DECLINED_INTENT,
    INTENT,
    PAYMENT_METHOD,
    REFUND,
    SETUP_INTENT,
    event,
    listed,
)
from tests.integrations.test_stripe_exchange import client_of, pay

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CONFIRMED = {
    "customer": "cus_1",
    "amount": "900",
    "currency": "usd",
    "payment_method": "pm_1",
    "confirm": "true",
    "automatic_payment_methods[enabled]": "true",
    "automatic_payment_methods[allow_redirects]": "never",
    "metadata[invoice]": "in-1",
}


@asynccontextmanager
async def asking(*bodies: object) -> AsyncIterator[tuple[StripePayments, Remote]]:
    remote = Remote(*(answer(body) for body in bodies))
    async with client_of(remote) as client:
        yield client, remote


Call = Callable[[StripePayments], Awaitable[object]]

WRITES: list[tuple[Call, object, str, dict[str, str]]] = [
    (
        lambda client: client.create_customer(
            entity_id="user-1",
            name="Planted Name",
            email="planted@example.com",
            metadata={"plan": "beta"},
            idempotency_key="k",
        ),
        CUSTOMER,
        "/v1/customers",
        {
            "name": "Planted Name",
            "email": "planted@example.com",
            "metadata[plan]": "beta",
            "metadata[entity_id]": "user-1",
        },
    ),
    (
        lambda client: client.set_default_payment_method(
            customer_id="cus_1", payment_method_id="pm_1", idempotency_key="k"
        ),
        CUSTOMER,
        "/v1/customers/cus_1",
        {"invoice_settings[default_payment_method]": "pm_1"},
    ),
    (
        lambda client: client.attach_payment_method(payment_method_id="pm_1", customer_id="cus_1", idempotency_key="k"),
        PAYMENT_METHOD,
        "/v1/payment_methods/pm_1/attach",
        {"customer": "cus_1"},
    ),
    (
        lambda client: client.detach_payment_method(payment_method_id="pm_1", idempotency_key="k"),
        PAYMENT_METHOD,
        "/v1/payment_methods/pm_1/detach",
        {},
    ),
    (
        lambda client: client.create_setup_intent(customer_id="cus_1", metadata={"a": "b"}, idempotency_key="k"),
        SETUP_INTENT,
        "/v1/setup_intents",
        {
            "customer": "cus_1",
            "usage": "off_session",
            "automatic_payment_methods[enabled]": "true",
            "automatic_payment_methods[allow_redirects]": "never",
            "metadata[a]": "b",
        },
    ),
    (
        lambda client: client.create_payment_intent(
            customer_id="cus_1",
            amount=Money(900, "USD"),
            payment_method_id="pm_1",
            metadata={"invoice": "in-1"},
            idempotency_key="k",
        ),
        INTENT,
        "/v1/payment_intents",
        CONFIRMED,
    ),
    (
        lambda client: client.create_payment_intent(
            customer_id="cus_1",
            amount=Money(900, "USD"),
            payment_method_id="pm_1",
            metadata={"invoice": "in-1"},
            idempotency_key="k",
            off_session=True,
        ),
        INTENT,
        "/v1/payment_intents",
        {**CONFIRMED, "off_session": "true"},
    ),
    (
        lambda client: client.confirm_payment_intent(
            payment_intent_id="pi_1", payment_method_id="pm_2", idempotency_key="k", off_session=True
        ),
        INTENT,
        "/v1/payment_intents/pi_1/confirm",
        {"payment_method": "pm_2", "off_session": "true"},
    ),
    (
        lambda client: client.confirm_payment_intent(
            payment_intent_id="pi_1", payment_method_id=None, idempotency_key="k"
        ),
        INTENT,
        "/v1/payment_intents/pi_1/confirm",
        {},
    ),
    (
        lambda client: client.cancel_payment_intent(payment_intent_id="pi_1", idempotency_key="k"),
        INTENT,
        "/v1/payment_intents/pi_1/cancel",
        {},
    ),
    (
        lambda client: client.create_refund(
            payment_intent_id="pi_1", amount=Money(300, "USD"), metadata={"reason": "asked"}, idempotency_key="k"
        ),
        REFUND,
        "/v1/refunds",
        {"payment_intent": "pi_1", "amount": "300", "metadata[reason]": "asked"},
    ),
]


@pytest.mark.parametrize(("call", "told", "path", "form"), WRITES)
async def test_each_write_sends_its_form_under_its_key(
    call: Call, told: object, path: str, form: dict[str, str]
) -> None:
    async with asking(told) as (client, remote):
        await call(client)

    seen = remote.seen[0]
    assert (seen.method, seen.path, dict(parse_qsl(seen.body.decode()))) == ("POST", path, form)
    assert seen.headers["idempotency-key"] == "k"
    assert seen.headers["authorization"] == "Bearer sk_test_planted"


async def test_a_customer_is_read_and_keeps_its_owner_out_of_the_repr() -> None:
    async with asking(CUSTOMER) as (client, _):
        customer = await client.get_customer(customer_id="cus_1")

    assert customer == StripeCustomer(
        id="cus_1",
        entity_id="user-1",
        name="Planted Name",
        email="planted@example.com",
        default_payment_method_id="pm_1",
        metadata={"entity_id": "user-1", "plan": "beta"},
        created=NOON,
        deleted=False,
    )
    assert "lanted" not in repr(customer)


async def test_a_deleted_customer_is_an_id_and_the_fact() -> None:
    async with asking({"id": "cus_1", "object": "customer", "deleted": True}) as (client, remote):
        customer = await client.delete_customer(customer_id="cus_1")

    assert (customer.id, customer.deleted, customer.created) == ("cus_1", True, None)
    assert remote.seen[0].method == "DELETE"


async def test_a_payment_is_read_and_keeps_its_client_secret_out_of_the_repr() -> None:
    async with asking(INTENT) as (client, _):
        intent = await pay(client)

    assert intent == PaymentIntent(
        id="pi_1",
        status=PaymentIntentStatus.SUCCEEDED,
        amount=Money(900, "USD"),
        amount_received=Money(900, "USD"),
        customer_id="cus_1",
        payment_method_id="pm_1",
        client_secret="pi_1_secret_planted",
        latest_charge_id="ch_1",
        decline=None,
        next_action_type=None,
        metadata={"invoice": "in-1"},
        created=NOON,
    )
    assert "planted" not in repr(intent)


async def test_a_payment_that_needs_its_owner_is_a_status() -> None:
    waiting = {**INTENT, "status": "requires_action", "next_action": {"type": "use_stripe_sdk", "use_stripe_sdk": {}}}
    async with asking(waiting) as (client, _):
        intent = await pay(client)

    assert (intent.status, intent.next_action_type) == (PaymentIntentStatus.REQUIRES_ACTION, "use_stripe_sdk")


async def test_a_status_stripe_adds_later_is_unknown() -> None:
    async with asking({**INTENT, "status": "requires_patience"}) as (client, _):
        assert (await client.get_payment_intent(payment_intent_id="pi_1")).status is PaymentIntentStatus.UNKNOWN


async def test_a_charge_tells_why_it_failed() -> None:
    async with asking(listed(CHARGE)) as (client, remote):
        [charge] = await client.list_charges(customer_id="cus_1")

    assert remote.seen[0].query == {"customer": "cus_1", "limit": "100"}
    assert charge == Charge(
        id="ch_2",
        status=ChargeStatus.FAILED,
        amount=Money(900, "USD"),
        amount_captured=Money(0, "USD"),
        amount_refunded=Money(0, "USD"),
        customer_id="cus_1",
        payment_intent_id="pi_1",
        decline=Decline("card_declined", "insufficient_funds", "Your card has insufficient funds.", "try_again_later"),
        metadata={},
        created=NOON,
    )


async def test_a_refund_and_a_setup_intent_are_read() -> None:
    async with asking(listed(REFUND), SETUP_INTENT) as (client, remote):
        refunds = await client.list_refunds(payment_intent_id="pi_1")
        setup = await client.create_setup_intent(customer_id="cus_1", metadata={}, idempotency_key="k")

    assert refunds == (
        Refund(
            id="re_1",
            status=RefundStatus.SUCCEEDED,
            amount=Money(300, "USD"),
            charge_id="ch_1",
            payment_intent_id="pi_1",
            failure_reason=None,
            metadata={"reason": "asked"},
            created=NOON,
        ),
    )
    assert remote.seen[0].query == {"payment_intent": "pi_1", "limit": "100"}
    assert (setup.id, setup.status) == ("seti_1", SetupIntentStatus.REQUIRES_PAYMENT_METHOD)
    assert "planted" not in repr(setup)


async def test_payment_methods_are_listed_to_the_last_page() -> None:
    pages = [listed(PAYMENT_METHOD, more=True), listed({**PAYMENT_METHOD, "id": "pm_0"})]
    async with asking(*pages) as (client, remote):
        methods = await client.list_payment_methods(customer_id="cus_1")

    assert methods[0] == PaymentMethod("pm_1", "cus_1", "card", "visa", "4242", 12, 2030)
    assert methods[1].id == "pm_0"
    assert remote.seen[0].path == "/v1/customers/cus_1/payment_methods"
    assert [seen.query.get("starting_after") for seen in remote.seen] == [None, "pm_1"]


async def test_payments_are_found_by_their_metadata() -> None:
    other = {**INTENT, "id": "pi_2", "metadata": {"invoice": "in-2"}}
    async with asking(listed(other, INTENT)) as (client, remote):
        found = await client.find_payment_intents(customer_id="cus_1", metadata_key="invoice", metadata_value="in-1")

    assert [intent.id for intent in found] == ["pi_1"]
    assert remote.seen[0].query == {"customer": "cus_1", "limit": "100"}


@pytest.mark.parametrize("noun", ["payment_intents", "charges", "customers"])
async def test_what_stripe_holds_is_read_to_its_last_page(noun: str) -> None:
    newest = {"payment_intents": INTENT, "charges": CHARGE, "customers": CUSTOMER}[noun]
    async with asking(listed(newest, more=True), listed({**newest, "id": "oldest"})) as (client, remote):
        found = await _ids(client, noun)

    assert found == [newest["id"], "oldest"]
    assert [seen.path for seen in remote.seen] == [f"/v1/{noun}"] * 2
    assert [seen.query.get("starting_after") for seen in remote.seen] == [None, newest["id"]]


async def _ids(client: StripePayments, noun: str) -> list[str]:
    if noun == "payment_intents":
        return [intent.id for intent in await client.list_payment_intents(customer_id="cus_1")]
    if noun == "charges":
        return [charge.id for charge in await client.list_charges(customer_id="cus_1")]
    return [customer.id async for page in client.pages_of_customers() for customer in page]


async def test_a_customer_is_searched_by_entity_with_its_quotes_escaped() -> None:
    hostile = "o'brien\\' OR name:'x"
    mine = {**CUSTOMER, "metadata": {"entity_id": hostile}}
    async with asking({**listed(CUSTOMER, mine), "object": "search_result"}) as (client, remote):
        found = await client.find_customer(entity_id=hostile)

    assert found is not None
    assert found.entity_id == hostile
    assert remote.seen[0].query["query"] == "metadata['entity_id']:'o\\'brien\\\\\\' OR name:\\'x'"


async def test_a_customer_too_new_for_the_search_is_found_by_listing() -> None:
    nothing = {**listed(), "object": "search_result"}
    async with asking(nothing, listed(CUSTOMER)) as (client, remote):
        found = await client.find_customer(entity_id="user-1", created_since=NOON)

    assert found is not None
    assert found.id == "cus_1"
    assert [seen.path for seen in remote.seen] == ["/v1/customers/search", "/v1/customers"]
    assert remote.seen[1].query["created[gte]"] == str(CREATED)


async def test_a_customer_nobody_made_is_none() -> None:
    async with asking({**listed(), "object": "search_result"}) as (client, remote):
        assert await client.find_customer(entity_id="user-1") is None

    assert len(remote.seen) == 1


async def test_events_since_an_instant_come_oldest_first() -> None:
    newest = {**event("payment_intent.payment_failed", DECLINED_INTENT), "id": "evt_2"}
    oldest = event("payment_method.detached", {**PAYMENT_METHOD, "customer": None}, customer="cus_1")
    async with asking(listed(newest, more=True), listed(oldest)) as (client, remote):
        detached, failed = await client.list_events(created_since=NOON)

    assert [seen.query.get("starting_after") for seen in remote.seen] == [None, "evt_2"]
    assert {seen.query["created[gte]"] for seen in remote.seen} == {str(CREATED)}
    assert (detached.id, detached.previous_customer_id, detached.idempotency_key) == ("evt_1", "cus_1", "op:1")
    assert isinstance(failed.snapshot, PaymentIntent)
    assert failed.snapshot.decline is not None
    assert failed.snapshot.decline.decline_code == "insufficient_funds"


def test_a_stored_event_of_a_kind_we_do_not_use_is_still_an_event() -> None:
    stored = Event.from_json(json.dumps(event("balance.available", {"object": "balance"})).encode())

    assert (stored.type, stored.snapshot, stored.api_version) == ("balance.available", None, "2026-10-28.endive")
