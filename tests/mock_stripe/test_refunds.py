import stripe

from tests.mock_stripe.conftest import World, code, refusal


async def test_refunds_add_up_to_the_charge_and_not_a_cent_more(world: World) -> None:
    intent = await world.pay(None, "pm_card_visa")
    refund = await world.v1.refunds.create_async({"payment_intent": intent.id, "amount": 300})
    assert (refund.status, refund.amount, refund.currency) == ("succeeded", 300, "usd")

    error = await refusal(world.v1.refunds.create_async({"payment_intent": intent.id, "amount": 701}))
    assert error.user_message == "Refund amount ($7.01) is greater than unrefunded amount on charge ($7.00)"

    rest = await world.v1.refunds.create_async({"payment_intent": intent.id, "expand": ["charge"]})
    assert rest.amount == 700
    assert isinstance(rest.charge, stripe.Charge)
    assert (rest.charge.amount_refunded, rest.charge.refunded) == (1000, True)
    error = await refusal(world.v1.refunds.create_async({"payment_intent": intent.id}))
    assert code(error) == "charge_already_refunded"
    assert (await world.counts())["refunds"] == 2


async def test_a_refund_tells_what_it_changed_and_is_booked_without_a_fee(world: World) -> None:
    intent = await world.pay(None, "pm_card_visa")
    refund = await world.v1.refunds.create_async(
        {"payment_intent": intent.id, "amount": 300, "expand": ["balance_transaction"]}
    )
    assert isinstance(refund.balance_transaction, stripe.BalanceTransaction)
    booked = refund.balance_transaction
    assert (booked.type, booked.amount, booked.fee, booked.net, booked.source) == ("refund", -300, 0, -300, refund.id)
    assert (await world.event_types())[-2:] == ["refund.created", "charge.refunded"]
    (event,) = (await world.v1.events.list_async({"type": "charge.refunded"})).data
    assert event.data.previous_attributes is not None
    assert event.data.previous_attributes.to_dict() == {"amount_refunded": 0}


async def test_what_was_never_paid_cannot_be_refunded(world: World) -> None:
    unpaid = await world.v1.payment_intents.create_async({"amount": 1000, "currency": "usd"})
    held = await world.pay(None, "pm_card_visa", capture_method="manual")
    declined = await refusal(world.pay(None, "pm_card_chargeCustomerFail"))
    assert declined.error is not None
    assert declined.error.payment_intent is not None
    for intent_id in (unpaid.id, held.id, declined.error.payment_intent.id):
        error = await refusal(world.v1.refunds.create_async({"payment_intent": intent_id}))
        assert "does not have a successful charge to refund" in str(error.user_message)
    assert code(await refusal(world.v1.refunds.create_async({"charge": "ch_unknown"}))) == "resource_missing"
    assert "should be provided" in str((await refusal(world.v1.refunds.create_async({}))).user_message)
    assert (await world.counts())["refunds"] == 0


async def test_a_pending_refund_succeeds_by_itself(world: World) -> None:
    intent = await world.pay(None, "pm_card_pendingRefund")
    refund = await world.v1.refunds.create_async({"payment_intent": intent.id})
    assert (refund.status, refund.pending_reason) == ("pending", "processing")
    await world.control("POST", "clock", {"advance_seconds": 60})
    assert (await world.v1.refunds.retrieve_async(refund.id)).status == "succeeded"
    (event,) = (await world.v1.events.list_async({"type": "refund.updated"})).data
    assert event.request is not None
    assert event.request.id is None


async def test_a_failing_refund_gives_the_amount_back_to_the_charge(world: World) -> None:
    intent = await world.pay(None, "pm_card_refundFail")
    refund = await world.v1.refunds.create_async({"payment_intent": intent.id, "amount": 400})
    assert refund.status == "succeeded"
    await world.control("POST", "clock", {"advance_seconds": 60})
    failed = await world.v1.refunds.retrieve_async(refund.id, {"expand": ["charge", "failure_balance_transaction"]})
    assert failed.status == "failed"
    assert isinstance(failed.charge, stripe.Charge)
    assert failed.charge.amount_refunded == 0
    assert isinstance(failed.failure_balance_transaction, stripe.BalanceTransaction)
    assert failed.failure_balance_transaction.amount == 400
    assert (await world.event_types())[-3:] == ["refund.updated", "refund.failed", "charge.refund.updated"]


async def test_refunds_are_listed_by_charge_and_by_intent(world: World) -> None:
    first, second = await world.pay(None, "pm_card_visa"), await world.pay(None, "pm_card_visa")
    mine = await world.v1.refunds.create_async({"payment_intent": first.id, "amount": 100})
    await world.v1.refunds.create_async({"payment_intent": second.id, "amount": 100})
    by_intent = await world.v1.refunds.list_async({"payment_intent": first.id})
    by_charge = await world.v1.refunds.list_async({"charge": str(first.latest_charge)})
    assert [refund.id for refund in by_intent.data] == [refund.id for refund in by_charge.data] == [mine.id]
