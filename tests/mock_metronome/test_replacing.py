"""A contract that takes another's place in one call, and contracts that end where the next begins."""

import pytest

from tests.mock_metronome.billing_client import TODAY, UNKNOWN, BillingClient, Json, text

PERIOD_END = "2027-02-28T00:00:00Z"
MID_PERIOD = "2027-02-10T00:00:00Z"


def successor(customer_id: str, old: str, **fields: object) -> Json:
    return {
        "customer_id": customer_id,
        "tier": "team",
        "billing_period": "monthly",
        "start_date": TODAY,
        "replaces_contract_id": old,
        **fields,
    }


async def subscribed(client: BillingClient) -> tuple[str, str, str]:
    """A customer on Pro with this month's allowance: their id, the contract's and the credit's."""
    customer = await client.customer()
    contract = await client.contract(customer)
    return customer, contract, await client.credit(customer, 10_000, contract_id=contract)


async def test_the_old_contract_ends_where_its_successor_starts(client: BillingClient) -> None:
    customer, old, _ = await subscribed(client)
    await client.advance_to("2027-02-10T09:00:00Z")

    new = await client.post("contracts", successor(customer, old, start_date=MID_PERIOD, billing_anchor_date=TODAY))

    ended = await client.get(f"contracts/{old}")
    assert (ended["status"], ended["end_date"], ended["cancelled_at"]) == (
        "cancelled",
        MID_PERIOD,
        "2027-02-10T09:00:00Z",
    )
    assert (new["status"], new["tier"], new["current_period"]) == (
        "active",
        "team",
        {"start": TODAY, "end": PERIOD_END},
    )


async def test_its_allowance_moves_and_nothing_expires(client: BillingClient) -> None:
    customer, old, credit = await subscribed(client)
    by_hand = await client.credit(customer, 50)
    await client.control("usage", customer_id=customer, amount=4_000)

    new = text(await client.post("contracts", successor(customer, old)), "id")

    moved = await client.get(f"credits/{credit}")
    assert (moved["contract_id"], moved["balance"], moved["expires_at"]) == (new, 6_000, PERIOD_END)
    assert (await client.get(f"credits/{by_hand}"))["contract_id"] is None
    assert await client.balance(customer) == 6_050
    assert await client.all("credits", contract_id=old) == []


async def test_two_events_tell_of_it(client: BillingClient) -> None:
    customer, old, _ = await subscribed(client)
    before = len(await client.events())

    new = text(await client.post("contracts", successor(customer, old)), "id")

    cancelled, created = (await client.all("webhooks/events"))[before:]
    assert (cancelled["type"], created["type"]) == ("contract.cancelled", "contract.created")
    assert cancelled["data"] == {**await client.get(f"contracts/{old}"), "replaced_by": new}
    assert created["data"] == await client.get(f"contracts/{new}")


async def test_the_next_boundary_is_the_successors_alone(client: BillingClient) -> None:
    customer, old, credit = await subscribed(client)
    new = text(await client.post("contracts", successor(customer, old)), "id")
    before = len(await client.events())

    await client.advance_to(PERIOD_END)

    assert (await client.events())[before:] == [
        "contract.updated",
        "invoice.created",
        "credit.expired",
        "credit.applied",
    ]
    (invoice,) = await client.all("invoices")
    assert (invoice["contract_id"], invoice["amount"], invoice["uniqueness_key"], invoice["period"]) == (
        new,
        2900,
        f"renewal:{new}:2027-02-28",
        {"start": PERIOD_END, "end": "2027-03-31T00:00:00Z"},
    )
    assert (await client.get(f"credits/{credit}"))["expired_at"] == PERIOD_END
    assert await client.balance(customer) == 50_000


async def test_with_the_old_anchor_the_period_end_stays(client: BillingClient) -> None:
    customer, old, _ = await subscribed(client)
    await client.advance_to("2027-03-15T12:00:00Z")

    body = successor(customer, old, start_date="2027-03-15T00:00:00Z", billing_anchor_date=TODAY)
    new = await client.post("contracts", body)

    assert new["current_period"] == {"start": PERIOD_END, "end": "2027-03-31T00:00:00Z"}


async def test_with_an_anchor_of_its_own_moved_credits_last_to_its_first_boundary(client: BillingClient) -> None:
    customer, old, credit = await subscribed(client)
    await client.advance_to("2027-02-10T09:00:00Z")

    await client.post("contracts", successor(customer, old, start_date=MID_PERIOD, billing_period="yearly"))

    assert (await client.get(f"credits/{credit}"))["expires_at"] == "2027-03-10T00:00:00Z"


async def test_with_the_old_credit_anchor_a_new_period_leaves_the_credit_month(client: BillingClient) -> None:
    customer, old, credit = await subscribed(client)
    await client.advance_to("2027-02-10T09:00:00Z")

    yearly = successor(customer, old, start_date=MID_PERIOD, billing_period="yearly", credit_anchor_date=TODAY)
    new = await client.post("contracts", yearly)

    assert new["current_period"] == {"start": MID_PERIOD, "end": "2028-02-10T00:00:00Z"}
    assert (await client.get(f"credits/{credit}"))["expires_at"] == PERIOD_END
    await client.advance_to(PERIOD_END)
    assert await client.balance(customer) == 50_000
    assert await client.all("invoices") == []


async def test_a_contract_replaced_on_its_first_day_has_no_length(client: BillingClient) -> None:
    customer, old, _ = await subscribed(client)

    new = text(await client.post("contracts", successor(customer, old)), "id")
    newest = text(await client.post("contracts", successor(customer, new, tier="pro")), "id")

    lives = [
        (contract["id"], contract["start_date"], contract["end_date"]) for contract in await client.all("contracts")
    ]
    assert lives == [(old, TODAY, TODAY), (new, TODAY, TODAY), (newest, TODAY, None)]
    assert await client.balance(customer) == 10_000


async def test_a_scheduled_end_is_overtaken(client: BillingClient) -> None:
    customer, old, _ = await subscribed(client)
    await client.post(f"contracts/{old}/cancel", {"effective_date": PERIOD_END})

    new = text(await client.post("contracts", successor(customer, old)), "id")
    await client.advance_to(PERIOD_END)

    assert (await client.get(f"contracts/{old}"))["end_date"] == TODAY
    assert (await client.get(f"contracts/{new}"))["status"] == "active"
    assert (await client.events()).count("contract.cancelled") == 1


async def test_repeating_it_replaces_nothing_twice(client: BillingClient) -> None:
    customer, old, _ = await subscribed(client)
    body = successor(customer, old, uniqueness_key="change:1")

    new = await client.post("contracts", body, key="k")
    assert await client.post("contracts", body, key="k") == new
    refusal = await client.post("contracts", body, key="another", status=409)

    assert refusal["code"] == "UniquenessKeyUsed"
    assert (await client.events()).count("contract.cancelled") == 1


async def test_only_the_customers_own_active_contract_can_be_replaced(client: BillingClient) -> None:
    customer, old, _ = await subscribed(client)
    other = await client.customer("bob")
    pending = await client.contract(other, start_date=PERIOD_END)
    gone = await client.contract(await client.customer("eve"))
    eve = (await client.get(f"contracts/{gone}"))["customer_id"]
    await client.post(f"contracts/{gone}/cancel")
    before = await client.events()

    foreign = await client.post("contracts", successor(other, old), status=404)
    unknown = await client.post("contracts", successor(customer, UNKNOWN), status=404)
    early = await client.post("contracts", successor(other, pending), status=409)
    ended = await client.post("contracts", successor(str(eve), gone), status=409)

    assert {refusal["field"] for refusal in (foreign, unknown, early, ended)} == {"replaces_contract_id"}
    assert (early["code"], ended["code"]) == ("IllegalState", "IllegalState")
    assert await client.events() == before


async def test_a_third_contract_in_the_way_is_still_a_clash(client: BillingClient) -> None:
    customer, old, credit = await subscribed(client)
    await client.patch(f"contracts/{old}", {"end_date": PERIOD_END})
    await client.contract(customer, start_date=PERIOD_END)

    refusal = await client.post("contracts", successor(customer, old), status=409)

    assert (refusal["code"], refusal["field"]) == ("IllegalState", "customer_id")
    assert (await client.get(f"contracts/{old}"))["status"] == "active"
    assert (await client.get(f"credits/{credit}"))["contract_id"] == old


@pytest.mark.parametrize("start_date", ["2027-01-30T00:00:00Z", "2027-02-01T00:00:00Z"])
async def test_a_successor_starts_within_the_life_of_the_old_one(client: BillingClient, start_date: str) -> None:
    customer, old, _ = await subscribed(client)

    refusal = await client.post("contracts", successor(customer, old, start_date=start_date), status=400)

    assert refusal["field"] == "start_date"
    assert (await client.get(f"contracts/{old}"))["status"] == "active"


# Ends at a boundary, without a successor in the same call


async def test_an_end_at_the_boundary_renews_and_grants_nothing(client: BillingClient) -> None:
    customer, old, _ = await subscribed(client)
    await client.patch(f"contracts/{old}", {"end_date": PERIOD_END})
    new = await client.contract(customer, start_date=PERIOD_END, tier="team")
    before = len(await client.events())

    await client.advance_to(PERIOD_END)

    assert (await client.events())[before:] == ["contract.updated", "credit.expired", "contract.updated"]
    assert await client.all("invoices") == []
    assert await client.balance(customer) == 0
    await client.advance_to("2027-03-28T00:00:00Z")
    (invoice,) = await client.all("invoices")
    assert (invoice["contract_id"], invoice["uniqueness_key"]) == (new, f"renewal:{new}:2027-03-28")
    assert await client.balance(customer) == 50_000


async def test_an_end_taken_back_renews_again(client: BillingClient) -> None:
    customer, contract, _ = await subscribed(client)
    await client.patch(f"contracts/{contract}", {"end_date": PERIOD_END})

    restored = await client.patch(f"contracts/{contract}", {"end_date": None})
    await client.advance_to(PERIOD_END)

    assert (restored["status"], restored["end_date"]) == ("active", None)
    (invoice,) = await client.all("invoices")
    assert invoice["uniqueness_key"] == f"renewal:{contract}:2027-02-28"
    assert await client.balance(customer) == 10_000
