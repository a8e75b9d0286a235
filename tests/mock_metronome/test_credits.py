import pytest

from tests.mock_metronome.billing_client import UNKNOWN, BillingClient, text


async def left(client: BillingClient, *credit_ids: str) -> list[object]:
    return [(await client.get(f"credits/{credit_id}"))["balance"] for credit_id in credit_ids]


async def test_a_credit_is_shown_as_it_was_granted(client: BillingClient) -> None:
    customer = await client.customer()

    credit = await client.credit(customer, 500, expires_at="2027-03-01T00:00:00Z", reason="Sorry", uniqueness_key="u")

    assert await client.get(f"credits/{credit}") == {
        "id": credit,
        "customer_id": customer,
        "contract_id": None,
        "amount": 500,
        "balance": 500,
        "currency": "credits",
        "expires_at": "2027-03-01T00:00:00Z",
        "expired_at": None,
        "expired_amount": None,
        "reason": "Sorry",
        "uniqueness_key": "u",
        "created_at": "2027-01-31T10:00:00Z",
    }
    assert await client.get("credits/balance", customer_id=customer) == {
        "customer_id": customer,
        "balance": 500,
        "currency": "credits",
        "as_of": "2027-01-31T10:00:00Z",
    }


async def test_the_balance_of_nobody_is_not_found(client: BillingClient) -> None:
    assert (await client.get("credits/balance", status=404, customer_id=UNKNOWN))["field"] == "customer_id"
    assert (await client.get("credits/balance", status=400))["field"] == "customer_id"


@pytest.mark.parametrize("spend", ["usage", "negative grant"])
async def test_what_expires_first_is_spent_first(client: BillingClient, spend: str) -> None:
    customer = await client.customer()
    never = await client.credit(customer, 100)
    late = await client.credit(customer, 100, expires_at="2027-06-01T00:00:00Z")
    early = await client.credit(customer, 100, expires_at="2027-03-01T00:00:00Z")

    if spend == "usage":
        assert (await client.control("usage", customer_id=customer, amount=150))["balance"] == 150
    else:
        await client.credit(customer, -150)

    assert await left(client, early, late, never) == [0, 50, 100]


async def test_more_than_there_is_cannot_be_taken(client: BillingClient) -> None:
    customer = await client.customer()
    credit = await client.credit(customer, 100)
    body = {"customer_id": customer, "amount": -101, "uniqueness_key": "u"}

    refusal = await client.post("credits", body, status=409)
    await client.control("usage", customer_id=customer, amount=101, status=409)

    assert (refusal["code"], refusal["field"]) == ("IllegalState", "amount")
    assert await left(client, credit) == [100]
    await client.post("credits", {**body, "amount": -100})
    assert await client.balance(customer) == 0


async def test_what_is_taken_of_an_allowance_leaves_other_credits_alone(client: BillingClient) -> None:
    customer = await client.customer()
    contract = await client.contract(customer)
    allowance = await client.credit(customer, 100, contract_id=contract)
    by_hand = await client.credit(customer, 100, expires_at="2027-02-05T00:00:00Z")

    await client.credit(customer, -70, contract_id=contract)
    body = {"customer_id": customer, "contract_id": contract, "amount": -31}
    refusal = await client.post("credits", body, status=409)

    assert refusal["code"] == "IllegalState"
    assert await left(client, allowance, by_hand) == [30, 100]


async def test_a_negative_credit_is_a_record_without_a_balance(client: BillingClient) -> None:
    customer = await client.customer()
    await client.credit(customer, 100)

    taken = await client.get(f"credits/{await client.credit(customer, -30, reason='Downgrade')}")

    assert (taken["amount"], taken["balance"], taken["reason"]) == (-30, 0, "Downgrade")
    assert (await client.events())[-2:] == ["credit.applied", "credit.applied"]


async def test_a_credit_expires_with_what_is_left(client: BillingClient) -> None:
    customer = await client.customer()
    credit = await client.credit(customer, 100, expires_at="2027-02-01T00:00:00Z")
    await client.control("usage", customer_id=customer, amount=30)
    await client.advance_to("2027-02-02T00:00:00Z")

    shown = await client.get(f"credits/{credit}")
    (event,) = await client.all("webhooks/events", type="credit.expired")

    assert (shown["balance"], shown["expired_at"]) == (0, "2027-02-01T00:00:00Z")
    assert shown["expired_amount"] == 70
    assert event["data"] == shown
    assert event["timestamp"] == "2027-02-01T00:00:00Z"


async def test_a_spent_credit_expires_with_nothing_left(client: BillingClient) -> None:
    customer = await client.customer()
    credit = await client.credit(customer, 100, expires_at="2027-02-01T00:00:00Z")
    await client.control("usage", customer_id=customer, amount=100)
    await client.advance_to("2027-02-02T00:00:00Z")

    shown = await client.get(f"credits/{credit}")
    [event] = await client.all("webhooks/events", type="credit.expired")
    assert (shown["balance"], shown["expired_amount"]) == (0, 0)
    assert event["data"] == shown


@pytest.mark.parametrize(
    ("given", "expires"),
    [
        ({}, "2027-02-28T00:00:00Z"),
        ({"expires_at": "2027-02-10T00:00:00Z"}, "2027-02-10T00:00:00Z"),
        ({"expires_at": "2027-12-31T00:00:00Z"}, "2027-02-28T00:00:00Z"),
    ],
)
async def test_an_allowance_lasts_to_the_end_of_its_credit_month_at_most(
    client: BillingClient, given: dict[str, object], expires: str
) -> None:
    customer = await client.customer()
    contract = await client.contract(customer, billing_period="yearly")

    credit = await client.credit(customer, 10, contract_id=contract, **given)

    assert (await client.get(f"credits/{credit}"))["expires_at"] == expires


async def test_an_ended_contract_gets_no_allowance(client: BillingClient) -> None:
    customer = await client.customer()
    contract = await client.contract(customer)
    await client.post(f"contracts/{contract}/cancel")

    refusal = await client.post("credits", {"customer_id": customer, "contract_id": contract, "amount": 1}, status=409)

    assert refusal["code"] == "IllegalState"


async def test_currencies_are_kept_apart(client: BillingClient) -> None:
    customer = await client.customer()
    await client.credit(customer, 100)
    await client.credit(customer, 7, currency="tokens")

    assert await client.balance(customer) == 100
    assert (await client.get("credits/balance", customer_id=customer, currency="tokens"))["balance"] == 7


async def test_lists_are_filtered(client: BillingClient) -> None:
    customer = await client.customer()
    contract = await client.contract(customer)
    by_hand = await client.credit(customer, 1, uniqueness_key="u")
    allowance = await client.credit(customer, 2, contract_id=contract)

    assert [text(credit, "id") for credit in await client.all("credits", contract_id=contract)] == [allowance]
    assert [text(credit, "id") for credit in await client.all("credits", uniqueness_key="u")] == [by_hand]
    assert [text(credit, "id") for credit in await client.all("credits", customer_id=customer)] == [by_hand, allowance]


async def test_usage_of_nobody_is_not_found(client: BillingClient) -> None:
    await client.control("usage", customer_id=UNKNOWN, amount=1, status=404)
