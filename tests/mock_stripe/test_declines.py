import pytest
import stripe

from tests.mock_stripe.conftest import World, code, refusal

REFUSED_AT_ONCE = [
    ("4000000000000002", "pm_card_chargeDeclined", "card_declined", "generic_decline"),
    ("4000000000009995", "pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
    ("4000000000009987", "pm_card_chargeDeclinedLostCard", "card_declined", "lost_card"),
    ("4000000000009979", "pm_card_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
    ("4000000000006975", "pm_card_chargeDeclinedVelocityLimitExceeded", "card_declined", "card_velocity_exceeded"),
    ("4000000000000069", "pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
    ("4000000000000127", "pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
    ("4000000000000119", "pm_card_chargeDeclinedProcessingError", "processing_error", "processing_error"),
    ("4100000000000019", "pm_card_chargeDeclinedFraudulent", "card_declined", "fraudulent"),
]
WITH_BRAND = [("4000000000000002", "pm_card_visa_chargeDeclined", "card_declined", "generic_decline")]


@pytest.mark.parametrize(("number", "alias", "expected", "decline_code"), REFUSED_AT_ONCE + WITH_BRAND)
async def test_a_refused_card_fails_to_attach_to_set_up_and_to_pay(
    world: World, number: str, alias: str, expected: str, decline_code: str
) -> None:
    customer_id = await world.customer()
    by_number = await world.v1.payment_methods.create_async(
        {"type": "card", "card": {"number": number, "exp_month": 12, "exp_year": 2030, "cvc": "123"}}
    )
    refusals = [
        await refusal(world.v1.payment_methods.attach_async(alias, {"customer": customer_id})),
        await refusal(world.v1.payment_methods.attach_async(by_number.id, {"customer": customer_id})),
        await refusal(
            world.v1.setup_intents.create_async(
                {
                    "customer": customer_id,
                    "payment_method": alias,
                    "confirm": True,
                    "return_url": "https://example.com/back",
                }
            )
        ),
        await refusal(world.pay(customer_id, alias)),
    ]
    for error in refusals:
        assert isinstance(error, stripe.CardError)
        assert error.error is not None
        assert (error.http_status, error.code, error.error.decline_code) == (402, expected, decline_code)
    assert (await world.v1.customers.payment_methods.list_async(customer_id)).data == []


async def test_a_card_may_attach_and_be_declined_only_when_charged(world: World) -> None:
    customer_id = await world.customer()
    card_id = await world.saved_card(customer_id, "pm_card_chargeCustomerFail")

    error = await refusal(world.pay(customer_id, card_id, off_session=True))

    assert isinstance(error, stripe.CardError)
    assert error.error is not None
    assert (error.code, error.error.decline_code, error.error.advice_code) == (
        "card_declined",
        "generic_decline",
        "try_again_later",
    )
    assert error.error.doc_url == "https://docs.stripe.com/error-codes/card-declined"
    intent = error.error.payment_intent
    assert intent is not None
    assert (intent.status, intent.payment_method, intent.latest_charge) == (
        "requires_payment_method",
        None,
        error.error.charge,
    )
    assert intent.last_payment_error is not None
    assert intent.last_payment_error.payment_method is not None
    assert intent.last_payment_error.payment_method.id == card_id
    charge = await world.v1.charges.retrieve_async(str(error.error.charge))
    assert (charge.status, charge.paid, charge.captured, charge.failure_code) == (
        "failed",
        False,
        False,
        "card_declined",
    )
    assert charge.outcome is not None
    assert (charge.outcome.type, charge.outcome.reason) == ("issuer_declined", "generic_decline")
    assert (await world.event_types())[-3:] == [
        "payment_intent.created",
        "charge.failed",
        "payment_intent.payment_failed",
    ]
    assert (await world.counts())["balance_transactions"] == 0


async def test_the_declined_intent_can_be_paid_with_another_card(world: World) -> None:
    customer_id = await world.customer()
    bad_id = await world.saved_card(customer_id, "pm_card_chargeCustomerFail")
    good_id = await world.saved_card(customer_id)
    error = await refusal(world.pay(customer_id, bad_id))
    assert error.error is not None
    assert error.error.payment_intent is not None

    intent = await world.v1.payment_intents.confirm_async(error.error.payment_intent.id, {"payment_method": good_id})

    assert (intent.status, intent.amount_received, intent.last_payment_error) == ("succeeded", 1000, None)
    charges = await world.v1.charges.list_async({"payment_intent": intent.id})
    assert [charge.status for charge in charges.data] == ["succeeded", "failed"]


async def test_a_saved_card_is_declined_once_it_has_expired(world: World) -> None:
    customer_id = await world.customer()
    card = await world.v1.payment_methods.create_async(
        {"type": "card", "card": {"number": "4242424242424242", "exp_month": 3, "exp_year": 2027}}
    )
    await world.v1.payment_methods.attach_async(card.id, {"customer": customer_id})
    assert (await world.pay(customer_id, card.id)).status == "succeeded"
    await world.control("POST", "clock", {"advance_to": "2027-04-01T00:00:00Z"})
    assert code(await refusal(world.pay(customer_id, card.id))) == "expired_card"


async def test_radar_blocks_before_a_bank_is_asked(world: World) -> None:
    error = await refusal(world.pay(None, "pm_card_chargeDeclinedFraudulent"))
    assert error.error is not None
    charge = await world.v1.charges.retrieve_async(str(error.error.charge))
    assert charge.outcome is not None
    assert (charge.outcome.type, charge.outcome.network_status) == ("blocked", "not_sent_to_network")
