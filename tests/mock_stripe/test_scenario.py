"""A customer's whole life through the official SDK; every answer and event is held against the SDK's classes."""

import pytest
import stripe

from tests.mock_stripe.conftest import World
from tests.mock_stripe.sdk_schema import problems


async def test_every_object_error_and_event_of_a_customer_s_life_fits_the_sdk_s_classes(world: World) -> None:
    customer_id = await _arrive(world)
    charge_id = await _pay(world, customer_id)
    await _be_declined(world, customer_id)
    await _authenticate(world, customer_id)
    await _hold_and_capture(world, customer_id)
    await _refund(world, charge_id)
    await _look_around(world, customer_id)
    await _leave(world, customer_id)

    events = await world.v1.events.list_async({"limit": 100})
    assert events.data[0].type == "customer.deleted"
    assert {event.api_version for event in events.data} == {stripe.api_version}
    assert [problem for answer in world.answers for problem in problems(answer)] == []
    assert len(world.answers) > 40
    assert len(events.data) > 40


async def _arrive(world: World) -> str:
    v1 = world.v1
    customer = await v1.customers.create_async(
        {
            "email": "ada@example.com",
            "name": "Ada",
            "address": {"line1": "1 Way", "country": "GB"},
            "shipping": {"name": "Ada", "address": {"line1": "1 Way"}},
            "metadata": {"entity_id": "u1", "plan": "pro"},
        }
    )
    card = await v1.payment_methods.create_async(
        {"type": "card", "card": {"number": "4242424242424242", "exp_month": 12, "exp_year": 2030, "cvc": "123"}}
    )
    await v1.payment_methods.attach_async(card.id, {"customer": customer.id})
    await v1.payment_methods.update_async(card.id, {"billing_details": {"name": "Ada L"}, "metadata": {"a": "b"}})
    updated = await v1.customers.update_async(
        customer.id,
        {
            "invoice_settings": {"default_payment_method": card.id},
            "metadata": {"plan": ""},
            "expand": ["invoice_settings.default_payment_method"],
        },
    )
    assert updated.metadata is not None
    assert updated.metadata.to_dict() == {"entity_id": "u1"}
    await v1.setup_intents.create_async(
        {
            "customer": customer.id,
            "payment_method": "pm_card_mastercard",
            "confirm": True,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "expand": ["latest_attempt", "payment_method"],
        }
    )
    return customer.id


async def _pay(world: World, customer_id: str) -> str:
    methods = await world.v1.customers.payment_methods.list_async(customer_id)
    intent = await world.v1.payment_intents.create_async(
        {
            "amount": 10_00,
            "currency": "USD",
            "customer": customer_id,
            "payment_method": methods.data[-1].id,
            "off_session": True,
            "confirm": True,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "description": "Pro, monthly",
            "receipt_email": "ada@example.com",
            "statement_descriptor_suffix": "pro",
            "metadata": {"invoice": "1"},
            "expand": ["latest_charge", "customer", "payment_method"],
        }
    )
    assert (intent.status, intent.currency, intent.amount_received) == ("succeeded", "usd", 1000)
    assert isinstance(intent.latest_charge, stripe.Charge)
    charge = await world.v1.charges.retrieve_async(
        intent.latest_charge.id, {"expand": ["balance_transaction.source", "payment_intent.latest_charge"]}
    )
    assert isinstance(charge.balance_transaction, stripe.BalanceTransaction)
    assert (charge.balance_transaction.amount, charge.balance_transaction.fee, charge.balance_transaction.net) == (
        1000,
        59,
        941,
    )
    return charge.id


async def _be_declined(world: World, customer_id: str) -> None:
    card_id = await world.saved_card(customer_id, "pm_card_chargeCustomerFail")
    with pytest.raises(stripe.CardError) as refused:
        await world.v1.payment_intents.create_async(
            {
                "amount": 1000,
                "currency": "usd",
                "customer": customer_id,
                "payment_method": card_id,
                "off_session": True,
                "confirm": True,
                "return_url": "https://example.com/back",
            }
        )
    assert refused.value.error is not None
    assert refused.value.error.payment_intent is not None
    intent = await world.v1.payment_intents.confirm_async(
        refused.value.error.payment_intent.id,
        {"payment_method": "pm_card_visa", "return_url": "https://example.com/back"},
    )
    assert (intent.status, intent.last_payment_error) == ("succeeded", None)


async def _authenticate(world: World, customer_id: str) -> None:
    setup = await world.v1.setup_intents.create_async({"customer": customer_id})
    setup = await world.v1.setup_intents.confirm_async(
        setup.id, {"payment_method": "pm_card_authenticationRequiredOnSetup", "return_url": "https://example.com/back"}
    )
    assert setup.status == "requires_action"
    await world.control("POST", "authenticate", {"setup_intent": setup.id, "outcome": "success"})
    await world.v1.setup_intents.retrieve_async(setup.id, {"expand": ["latest_attempt"]})

    for outcome in ("success", "failure"):
        intent = await world.v1.payment_intents.create_async(
            {
                "amount": 1000,
                "currency": "usd",
                "customer": customer_id,
                "payment_method": "pm_card_threeDSecure2Required",
                "confirm": True,
                "use_stripe_sdk": True,
            }
        )
        await world.control("POST", "authenticate", {"payment_intent": intent.id, "outcome": outcome})
        await world.v1.payment_intents.retrieve_async(intent.id, {"expand": ["latest_charge"]})


async def _hold_and_capture(world: World, customer_id: str) -> None:
    for ending in ("capture", "cancel"):
        intent = await world.v1.payment_intents.create_async(
            {
                "amount": 1000,
                "currency": "usd",
                "customer": customer_id,
                "payment_method": "pm_card_visa",
                "capture_method": "manual",
                "confirm": True,
                "allowed_payment_method_types": ["card"],
            }
        )
        if ending == "capture":
            await world.v1.payment_intents.capture_async(intent.id, {"amount_to_capture": 600})
        else:
            await world.v1.payment_intents.cancel_async(intent.id, {"cancellation_reason": "duplicate"})


async def _refund(world: World, charge_id: str) -> None:
    refund = await world.v1.refunds.create_async(
        {
            "charge": charge_id,
            "amount": 400,
            "reason": "requested_by_customer",
            "expand": ["charge", "balance_transaction"],
        }
    )
    await world.v1.refunds.update_async(refund.id, {"metadata": {"ticket": "7"}})
    for alias in ("pm_card_pendingRefund", "pm_card_refundFail"):
        intent = await world.v1.payment_intents.create_async(
            {
                "amount": 1000,
                "currency": "usd",
                "payment_method": alias,
                "confirm": True,
                "allowed_payment_method_types": ["card"],
            }
        )
        await world.v1.refunds.create_async({"payment_intent": intent.id})
    await world.control("POST", "clock", {"advance_seconds": 120})
    await world.v1.refunds.list_async({"expand": ["data.charge"]})


async def _look_around(world: World, customer_id: str) -> None:
    v1 = world.v1
    await v1.customers.list_async({"email": "ada@example.com"})
    await v1.customers.search_async({"query": "metadata['entity_id']:'u1'"})
    await v1.payment_intents.list_async({"customer": customer_id, "expand": ["data.latest_charge"]})
    await v1.payment_intents.search_async({"query": "status:'succeeded'"})
    await v1.setup_intents.list_async({"customer": customer_id})
    await v1.charges.list_async({"customer": customer_id})
    await v1.balance_transactions.list_async()
    endpoint = await v1.webhook_endpoints.create_async({"url": "http://receiver.test/x", "enabled_events": ["*"]})
    assert endpoint.secret is not None
    await v1.webhook_endpoints.update_async(endpoint.id, {"enabled_events": ["charge.succeeded"], "disabled": True})
    await v1.webhook_endpoints.list_async()
    await v1.webhook_endpoints.delete_async(endpoint.id)
    with pytest.raises(stripe.InvalidRequestError):
        await v1.customers.retrieve_async("cus_unknown")


async def _leave(world: World, customer_id: str) -> None:
    methods = await world.v1.customers.payment_methods.list_async(customer_id)
    await world.v1.payment_methods.detach_async(methods.data[0].id)
    unpaid = await world.v1.payment_intents.create_async({"amount": 1000, "currency": "usd"})
    await world.v1.payment_intents.update_async(unpaid.id, {"amount": 2000})
    await world.v1.payment_intents.cancel_async(unpaid.id)
    setup = await world.v1.setup_intents.create_async()
    await world.v1.setup_intents.cancel_async(setup.id, {"cancellation_reason": "abandoned"})
    deleted = await world.v1.customers.delete_async(customer_id)
    assert deleted.deleted is True
    await world.v1.customers.retrieve_async(customer_id)
