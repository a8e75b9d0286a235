import pytest
import stripe

from tests.mock_stripe.conftest import World, code, refusal


async def test_an_intent_goes_from_payment_method_to_confirmation_to_success(world: World) -> None:
    v1, customer_id = world.v1, await world.customer()
    card_id = await world.saved_card(customer_id)
    intent = await v1.payment_intents.create_async({"amount": 1000, "currency": "usd", "customer": customer_id})
    assert intent.status == "requires_payment_method"
    intent = await v1.payment_intents.update_async(intent.id, {"payment_method": card_id, "amount": 1500})
    assert (intent.status, intent.amount) == ("requires_confirmation", 1500)
    intent = await v1.payment_intents.confirm_async(intent.id, {"return_url": "https://example.com/back"})
    assert (intent.status, intent.amount_received) == ("succeeded", 1500)
    assert (await world.counts())["charges"] == 1


async def test_a_paid_intent_cannot_be_confirmed_captured_cancelled_or_repriced(world: World) -> None:
    intent = await world.pay(None, "pm_card_visa")
    v1 = world.v1
    for call in (
        v1.payment_intents.confirm_async(intent.id, {"payment_method": "pm_card_visa"}),
        v1.payment_intents.capture_async(intent.id),
        v1.payment_intents.cancel_async(intent.id),
        v1.payment_intents.update_async(intent.id, {"amount": 2000}),
    ):
        error = await refusal(call)
        assert error.error is not None
        assert (error.http_status, error.error.code) == (400, "payment_intent_unexpected_state")
        assert error.error.payment_intent is not None
        assert error.error.payment_intent.status == "succeeded"
    assert (await world.counts())["charges"] == 1
    updated = await v1.payment_intents.update_async(intent.id, {"metadata": {"invoice": "1"}})
    assert updated.metadata.to_dict() == {"invoice": "1"}


async def test_a_cancelled_intent_stays_cancelled(world: World) -> None:
    intent = await world.v1.payment_intents.create_async({"amount": 1000, "currency": "usd"})
    cancelled = await world.v1.payment_intents.cancel_async(intent.id, {"cancellation_reason": "abandoned"})
    assert (cancelled.status, cancelled.cancellation_reason) == ("canceled", "abandoned")
    error = await refusal(world.v1.payment_intents.confirm_async(intent.id, {"payment_method": "pm_card_visa"}))
    assert code(error) == "payment_intent_unexpected_state"
    assert (await world.event_types())[-1] == "payment_intent.canceled"


async def test_confirming_without_a_payment_method_is_an_unexpected_state(world: World) -> None:
    intent = await world.v1.payment_intents.create_async(
        {"amount": 1000, "currency": "usd", "allowed_payment_method_types": ["card"]}
    )
    error = await refusal(world.v1.payment_intents.confirm_async(intent.id))
    assert code(error) == "payment_intent_unexpected_state"
    assert "missing a payment method" in str(error.user_message)


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        (49, "usd", "amount_too_small"),
        (29, "gbp", "amount_too_small"),
        (100_000_000, "usd", "amount_too_large"),
        (0, "usd", "parameter_invalid_integer"),
        (-5, "usd", "parameter_invalid_integer"),
    ],
)
async def test_an_amount_has_bounds(world: World, amount: int, currency: str, expected: str) -> None:
    error = await refusal(world.v1.payment_intents.create_async({"amount": amount, "currency": currency}))
    assert error.error is not None
    assert (error.error.code, error.error.param) == (expected, "amount")
    assert (await world.counts())["payment_intents"] == 0


async def test_the_least_amount_of_each_currency_is_accepted(world: World) -> None:
    for amount, currency in ((50, "usd"), (50, "eur"), (30, "gbp"), (50, "jpy")):
        intent = await world.v1.payment_intents.create_async({"amount": amount, "currency": currency})
        assert (intent.amount, intent.currency) == (amount, currency)


async def test_an_unknown_currency_is_refused(world: World) -> None:
    error = await refusal(world.v1.payment_intents.create_async({"amount": 1000, "currency": "xxx"}))
    assert "Invalid currency: xxx" in str(error.user_message)


async def test_a_hold_is_captured_in_part_and_the_rest_released(world: World) -> None:
    intent = await world.pay(None, "pm_card_visa", capture_method="manual")
    assert (intent.status, intent.amount_capturable, intent.amount_received) == ("requires_capture", 1000, 0)

    intent = await world.v1.payment_intents.capture_async(
        intent.id, {"amount_to_capture": 600, "expand": ["latest_charge.balance_transaction"]}
    )

    assert (intent.status, intent.amount_capturable, intent.amount_received) == ("succeeded", 0, 600)
    assert isinstance(intent.latest_charge, stripe.Charge)
    assert (intent.latest_charge.amount_captured, intent.latest_charge.amount_refunded) == (600, 400)
    assert isinstance(intent.latest_charge.balance_transaction, stripe.BalanceTransaction)
    assert intent.latest_charge.balance_transaction.amount == 600
    assert await world.event_types() == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.amount_capturable_updated",
        "charge.captured",
        "payment_intent.succeeded",
    ]


async def test_no_more_than_the_hold_can_be_captured(world: World) -> None:
    intent = await world.pay(None, "pm_card_visa", capture_method="manual")
    error = await refusal(world.v1.payment_intents.capture_async(intent.id, {"amount_to_capture": 1001}))
    assert code(error) == "amount_too_large"
    assert (await world.v1.payment_intents.retrieve_async(intent.id)).status == "requires_capture"


async def test_cancelling_releases_the_hold(world: World) -> None:
    intent = await world.pay(None, "pm_card_visa", capture_method="manual")
    intent = await world.v1.payment_intents.cancel_async(intent.id, {"expand": ["latest_charge"]})
    assert isinstance(intent.latest_charge, stripe.Charge)
    assert (intent.status, intent.latest_charge.refunded) == ("canceled", True)
    assert (await world.counts())["balance_transactions"] == 0


async def test_asynchronous_capture_books_the_balance_after_the_answer(world: World) -> None:
    at_once = await world.pay(None, "pm_card_visa", capture_method="automatic", expand=["latest_charge"])
    later = await world.pay(None, "pm_card_visa", expand=["latest_charge"])
    assert isinstance(at_once.latest_charge, stripe.Charge)
    assert isinstance(later.latest_charge, stripe.Charge)
    assert at_once.latest_charge.balance_transaction is not None
    assert later.latest_charge.balance_transaction is None
    booked = await world.v1.charges.retrieve_async(later.latest_charge.id)
    assert booked.balance_transaction is not None
    updated = (await world.v1.events.list_async({"type": "charge.updated"})).data
    assert [event.data.previous_attributes.to_dict() for event in updated if event.data.previous_attributes] == [
        {"balance_transaction": None}
    ]


@pytest.mark.parametrize(("amount", "fee"), [(50, 31), (500, 45), (1000, 59), (1050, 60), (2900, 114)])
async def test_the_fee_is_rounded_half_up(world: World, amount: int, fee: int) -> None:
    await world.pay(None, "pm_card_visa", amount=amount)
    (booked,) = (await world.v1.balance_transactions.list_async()).data
    assert (booked.amount, booked.fee, booked.net) == (amount, fee, amount - fee)


async def test_a_booking_becomes_available_two_days_later(world: World) -> None:
    await world.pay(None, "pm_card_visa")
    (booked,) = (await world.v1.balance_transactions.list_async()).data
    await world.control("POST", "clock", {"advance_seconds": 2 * 24 * 3600})
    later = await world.v1.balance_transactions.retrieve_async(booked.id)
    assert (booked.status, later.status) == ("pending", "available")


async def test_a_card_of_another_customer_cannot_pay(world: World) -> None:
    card_id = await world.saved_card(await world.customer())
    strange_id = await world.customer()
    assert code(await refusal(world.pay(strange_id, card_id))) == "resource_missing"
    assert "Please include the Customer" in str((await refusal(world.pay(None, card_id))).user_message)
    assert (await world.counts())["charges"] == 0


async def test_a_card_that_belongs_to_nobody_pays_once(world: World) -> None:
    card = await world.v1.payment_methods.create_async({"type": "card", "card": {"token": "tok_visa"}})
    assert (await world.pay(None, card.id)).status == "succeeded"
    assert "It may not be used again" in str((await refusal(world.pay(None, card.id))).user_message)
    assert (await world.counts())["charges"] == 1


async def test_redirecting_methods_need_a_return_url(world: World) -> None:
    error = await refusal(world.pay(None, "pm_card_visa", automatic_payment_methods={"enabled": True}))
    assert "you must provide a `return_url`" in str(error.user_message)
    paid = await world.pay(
        None, "pm_card_visa", automatic_payment_methods={"enabled": True}, return_url="https://example.com"
    )
    assert paid.status == "succeeded"
    assert (await world.counts())["payment_intents"] == 1


async def test_off_session_goes_with_confirmation_only(world: World) -> None:
    error = await refusal(
        world.v1.payment_intents.create_async({"amount": 1000, "currency": "usd", "off_session": True})
    )
    assert error.error is not None
    assert error.error.param == "off_session"


async def test_the_charge_takes_description_and_metadata_of_its_intent(world: World) -> None:
    intent = await world.pay(
        None, "pm_card_visa", description="Pro", metadata={"invoice": "7"}, expand=["latest_charge"]
    )
    assert isinstance(intent.latest_charge, stripe.Charge)
    assert intent.latest_charge.description == "Pro"
    assert intent.latest_charge.metadata.to_dict() == {"invoice": "7"}
