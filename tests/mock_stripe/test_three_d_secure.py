import pytest
import stripe

from tests.mock_stripe.conftest import World, code, refusal

ALWAYS = ["pm_card_authenticationRequired", "pm_card_threeDSecure2Required", "pm_card_threeDSecureRequired"]


async def authenticate(world: World, outcome: str, **intent: str) -> None:
    await world.control("POST", "authenticate", {"outcome": outcome, **intent})


@pytest.mark.parametrize("alias", [*ALWAYS, "pm_card_authenticationRequiredOnSetup"])
async def test_on_session_the_cardholder_is_asked_and_a_success_pays(world: World, alias: str) -> None:
    customer_id = await world.customer()
    intent = await world.pay(customer_id, await world.saved_card(customer_id, alias))
    assert (intent.status, intent.latest_charge) == ("requires_action", None)
    assert intent.next_action is not None
    assert intent.next_action.type == "use_stripe_sdk"
    assert (await world.counts())["charges"] == 0

    await authenticate(world, "success", payment_intent=intent.id)

    intent = await world.v1.payment_intents.retrieve_async(intent.id, {"expand": ["latest_charge"]})
    assert (intent.status, intent.next_action, intent.amount_received) == ("succeeded", None, 1000)
    assert isinstance(intent.latest_charge, stripe.Charge)
    assert intent.latest_charge.payment_method_details is not None
    assert intent.latest_charge.payment_method_details.card is not None
    assert intent.latest_charge.payment_method_details.card.three_d_secure is not None
    assert intent.latest_charge.payment_method_details.card.three_d_secure.result == "authenticated"
    assert (await world.event_types())[-4:] == [
        "payment_intent.requires_action",
        "charge.succeeded",
        "payment_intent.succeeded",
        "charge.updated",
    ]


async def test_a_failed_authentication_leaves_an_unpaid_intent_without_a_charge(world: World) -> None:
    intent = await world.pay(None, "pm_card_authenticationRequired")
    await authenticate(world, "failure", payment_intent=intent.id)

    intent = await world.v1.payment_intents.retrieve_async(intent.id)
    assert (intent.status, intent.payment_method, intent.latest_charge) == ("requires_payment_method", None, None)
    assert intent.last_payment_error is not None
    assert intent.last_payment_error.code == "payment_intent_authentication_failure"
    assert (await world.event_types())[-1] == "payment_intent.payment_failed"
    assert (await world.counts())["charges"] == 0


@pytest.mark.parametrize("alias", [*ALWAYS, "pm_card_authenticationRequiredOnSetup"])
async def test_off_session_a_card_that_needs_authentication_is_declined(world: World, alias: str) -> None:
    customer_id = await world.customer()
    card_id = await world.saved_card(customer_id, alias)
    error = await refusal(world.pay(customer_id, card_id, off_session=True))
    assert isinstance(error, stripe.CardError)
    assert error.error is not None
    assert (error.code, error.error.decline_code) == ("authentication_required", "authentication_required")
    assert error.error.payment_intent is not None
    assert error.error.payment_intent.status == "requires_payment_method"
    assert error.error.payment_method is not None
    assert error.error.payment_method.id == card_id


async def test_an_off_session_decline_can_be_finished_on_session(world: World) -> None:
    customer_id = await world.customer()
    card_id = await world.saved_card(customer_id, "pm_card_authenticationRequired")
    error = await refusal(world.pay(customer_id, card_id, off_session=True))
    assert error.error is not None
    assert error.error.payment_intent is not None
    intent = await world.v1.payment_intents.confirm_async(error.error.payment_intent.id, {"payment_method": card_id})
    assert intent.status == "requires_action"
    await authenticate(world, "success", payment_intent=intent.id)
    assert (await world.v1.payment_intents.retrieve_async(intent.id)).status == "succeeded"


@pytest.mark.parametrize(
    ("alias", "off_session_code"),
    [
        ("pm_card_authenticationRequiredOnSetup", None),
        ("pm_card_authenticationRequired", "authentication_required"),
    ],
)
async def test_a_card_set_up_with_authentication(world: World, alias: str, off_session_code: str | None) -> None:
    customer_id = await world.customer()
    setup = await world.v1.setup_intents.create_async({"customer": customer_id, "payment_method": alias})
    setup = await world.v1.setup_intents.confirm_async(setup.id, {"return_url": "https://example.com/back"})
    assert setup.status == "requires_action"
    assert setup.next_action is not None
    assert setup.next_action.redirect_to_url is not None
    assert setup.next_action.redirect_to_url.return_url == "https://example.com/back"
    await authenticate(world, "success", setup_intent=setup.id)

    (card,) = (await world.v1.customers.payment_methods.list_async(customer_id)).data
    if off_session_code:
        error = await refusal(world.pay(customer_id, card.id, off_session=True))
        assert code(error) == off_session_code
    else:
        assert (await world.pay(customer_id, card.id, off_session=True)).status == "succeeded"
    assert (await world.pay(customer_id, card.id)).status == "requires_action"


async def test_a_payment_for_future_use_sets_the_card_up(world: World) -> None:
    customer_id = await world.customer()
    intent = await world.pay(customer_id, "pm_card_authenticationRequiredOnSetup", setup_future_usage="off_session")
    await authenticate(world, "success", payment_intent=intent.id)
    (card,) = (await world.v1.customers.payment_methods.list_async(customer_id)).data
    assert (await world.pay(customer_id, card.id, off_session=True)).status == "succeeded"


async def test_a_card_born_set_up_pays_off_session_at_once(world: World) -> None:
    customer_id = await world.customer()
    card_id = await world.saved_card(customer_id, "pm_card_authenticationRequiredSetupForOffSession")
    assert (await world.pay(customer_id, card_id, off_session=True)).status == "succeeded"


async def test_a_failed_setup_attaches_nothing(world: World) -> None:
    customer_id = await world.customer()
    setup = await world.v1.setup_intents.create_async(
        {
            "customer": customer_id,
            "payment_method": "pm_card_authenticationRequired",
            "confirm": True,
            "use_stripe_sdk": True,
        }
    )
    await authenticate(world, "failure", setup_intent=setup.id)
    setup = await world.v1.setup_intents.retrieve_async(setup.id)
    assert setup.status == "requires_payment_method"
    assert setup.last_setup_error is not None
    assert setup.last_setup_error.code == "setup_intent_authentication_failure"
    assert (await world.v1.customers.payment_methods.list_async(customer_id)).data == []
    assert (await world.event_types())[-1] == "setup_intent.setup_failed"


async def test_a_card_can_be_declined_after_a_successful_authentication(world: World) -> None:
    intent = await world.pay(None, "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds")
    await authenticate(world, "success", payment_intent=intent.id)
    intent = await world.v1.payment_intents.retrieve_async(intent.id)
    assert intent.status == "requires_payment_method"
    assert intent.last_payment_error is not None
    assert intent.last_payment_error.decline_code == "insufficient_funds"
    assert (await world.counts())["charges"] == 1


async def test_authentication_can_be_requested_of_a_card_that_allows_it(world: World) -> None:
    options = {"card": {"request_three_d_secure": "any"}}
    assert (await world.pay(None, "pm_card_threeDSecureOptional")).status == "succeeded"
    asked = await world.pay(None, "pm_card_threeDSecureOptional", payment_method_options=options)
    assert asked.status == "requires_action"


async def test_an_intent_may_ask_to_be_declined_instead_of_authenticated(world: World) -> None:
    error = await refusal(world.pay(None, "pm_card_authenticationRequired", error_on_requires_action=True))
    assert code(error) == "authentication_required"


async def test_with_manual_confirmation_the_server_confirms_again(world: World) -> None:
    intent = await world.pay(None, "pm_card_authenticationRequired", confirmation_method="manual")
    await authenticate(world, "success", payment_intent=intent.id)
    assert (await world.v1.payment_intents.retrieve_async(intent.id)).status == "requires_confirmation"
    assert (await world.v1.payment_intents.confirm_async(intent.id)).status == "succeeded"


async def test_nobody_can_authenticate_twice_or_what_does_not_exist(world: World) -> None:
    paid = await world.pay(None, "pm_card_visa")
    for intent_id, status in ((paid.id, 409), ("pi_unknown", 404)):
        body = {"payment_intent": intent_id, "outcome": "success"}
        assert (await world.http.post("/_mock/authenticate", json=body)).status_code == status
    assert (await world.http.post("/_mock/authenticate", json={"outcome": "success"})).status_code == 400
