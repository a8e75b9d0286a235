import pytest
import stripe

from tests.mock_stripe.conftest import World, code, refusal


async def test_a_named_test_card_becomes_a_fresh_payment_method_at_each_use(world: World) -> None:
    customer_id = await world.customer()
    first, second = await world.saved_card(customer_id), await world.saved_card(customer_id)
    assert first != second
    listed = await world.v1.customers.payment_methods.list_async(customer_id)
    assert [method.id for method in listed.data] == [second, first]


@pytest.mark.parametrize(
    ("alias", "brand", "last4", "funding"),
    [
        ("pm_card_visa", "visa", "4242", "credit"),
        ("pm_card_visa_debit", "visa", "5556", "debit"),
        ("pm_card_mastercard", "mastercard", "4444", "credit"),
        ("pm_card_mastercard_prepaid", "mastercard", "5100", "prepaid"),
        ("pm_card_amex", "amex", "0005", "credit"),
        ("pm_card_discover", "discover", "1117", "credit"),
    ],
)
async def test_brand_last_digits_and_funding_are_those_of_the_named_card(
    world: World, alias: str, brand: str, last4: str, funding: str
) -> None:
    method = await world.v1.payment_methods.attach_async(alias, {"customer": await world.customer()})
    assert method.card is not None
    assert (method.card.brand, method.card.last4, method.card.funding) == (brand, last4, funding)


async def test_a_token_and_a_number_of_one_card_have_one_fingerprint(world: World) -> None:
    by_token = await world.v1.payment_methods.create_async({"type": "card", "card": {"token": "tok_visa"}})
    by_number = await world.v1.payment_methods.create_async(
        {"type": "card", "card": {"number": "4242424242424242", "exp_month": 1, "exp_year": 2031}}
    )
    assert by_token.card is not None
    assert by_number.card is not None
    assert by_token.card.fingerprint == by_number.card.fingerprint
    assert (by_number.card.exp_month, by_number.card.exp_year) == (1, 2031)


@pytest.mark.parametrize(
    ("number", "month", "year", "cvc", "expected"),
    [
        ("4242424242424241", 12, 2030, "123", "incorrect_number"),
        ("4242424242424242", 13, 2030, "123", "invalid_expiry_month"),
        ("4242424242424242", 2, 2027, "123", "invalid_expiry_month"),
        ("4242424242424242", 12, 2026, "123", "invalid_expiry_year"),
        ("4242424242424242", 12, 2030, "12", "invalid_cvc"),
        ("4000000000000010", 12, 2030, "123", "card_declined"),
    ],
)
async def test_a_card_that_cannot_be_is_refused(
    world: World, number: str, month: int, year: int, cvc: str, expected: str
) -> None:
    error = await refusal(
        world.v1.payment_methods.create_async(
            {"type": "card", "card": {"number": number, "exp_month": month, "exp_year": year, "cvc": cvc}}
        )
    )
    assert isinstance(error, stripe.CardError)
    assert error.code == expected
    assert (await world.counts())["payment_methods"] == 0


async def test_attaching_twice_to_the_same_customer_changes_nothing(world: World) -> None:
    customer_id = await world.customer()
    card_id = await world.saved_card(customer_id)
    await world.v1.payment_methods.attach_async(card_id, {"customer": customer_id})
    assert (await world.event_types()).count("payment_method.attached") == 1


async def test_a_card_of_another_customer_cannot_be_attached(world: World) -> None:
    card_id = await world.saved_card(await world.customer())
    other_id = await world.customer()
    error = await refusal(world.v1.payment_methods.attach_async(card_id, {"customer": other_id}))
    assert "already been attached" in str(error.user_message)
    assert (await world.v1.customers.payment_methods.list_async(other_id)).data == []


async def test_a_detached_card_is_gone_for_good_and_no_longer_the_default(world: World) -> None:
    customer_id = await world.customer()
    card_id = await world.saved_card(customer_id)
    await world.v1.customers.update_async(customer_id, {"invoice_settings": {"default_payment_method": card_id}})

    detached = await world.v1.payment_methods.detach_async(card_id)

    assert detached.customer is None
    customer = await world.v1.customers.retrieve_async(customer_id)
    assert customer.invoice_settings is not None
    assert customer.invoice_settings.default_payment_method is None
    error = await refusal(world.v1.payment_methods.attach_async(card_id, {"customer": customer_id}))
    assert isinstance(error, stripe.InvalidRequestError)
    assert "was detached from a Customer. It may not be used again" in str(error.user_message)
    assert isinstance(await refusal(world.pay(customer_id, card_id)), stripe.InvalidRequestError)
    assert isinstance(await refusal(world.v1.payment_methods.detach_async(card_id)), stripe.InvalidRequestError)
    assert (await world.counts())["charges"] == 0
    assert (await world.event_types())[-2:] == ["payment_method.detached", "customer.updated"]


async def test_only_a_card_of_the_customer_can_be_the_default(world: World) -> None:
    customer_id = await world.customer()
    strange_id = await world.saved_card(await world.customer())
    for card_id in (strange_id, "pm_unknown"):
        error = await refusal(
            world.v1.customers.update_async(customer_id, {"invoice_settings": {"default_payment_method": card_id}})
        )
        assert code(error) == "resource_missing"
    customer = await world.v1.customers.retrieve_async(customer_id)
    assert customer.invoice_settings is not None
    assert customer.invoice_settings.default_payment_method is None


async def test_a_customer_can_be_created_with_a_card(world: World) -> None:
    customer = await world.v1.customers.create_async(
        {"payment_method": "pm_card_visa", "invoice_settings": {"default_payment_method": "pm_card_visa"}}
    )
    (method,) = (await world.v1.customers.payment_methods.list_async(customer.id)).data
    assert customer.invoice_settings is not None
    assert customer.invoice_settings.default_payment_method == method.id


async def test_a_customer_with_a_refused_card_is_not_created(world: World) -> None:
    error = await refusal(world.v1.customers.create_async({"payment_method": "pm_card_chargeDeclined"}))
    assert isinstance(error, stripe.CardError)
    assert (await world.counts())["customers"] == 0


async def test_a_deleted_customer_is_a_stub_and_its_cards_are_detached(world: World) -> None:
    customer_id = await world.customer()
    card_id = await world.saved_card(customer_id)
    await world.v1.customers.delete_async(customer_id)

    assert (await world.v1.customers.retrieve_async(customer_id)).deleted is True
    assert (await world.v1.payment_methods.retrieve_async(card_id)).customer is None
    assert (await world.v1.customers.list_async()).data == []
    error = await refusal(world.v1.customers.update_async(customer_id, {"name": "x"}))
    assert (code(error), error.http_status) == ("resource_missing", 404)


async def test_billing_details_are_merged(world: World) -> None:
    card_id = await world.saved_card(await world.customer())
    await world.v1.payment_methods.update_async(card_id, {"billing_details": {"name": "Ada"}})
    method = await world.v1.payment_methods.update_async(card_id, {"billing_details": {"phone": "1"}})
    assert (method.billing_details.name, method.billing_details.phone) == ("Ada", "1")
