"""Idempotency keys replay; uniqueness keys refuse."""

import asyncio

import pytest

from tests.mock_metronome.billing_client import BillingClient, invoice_body, text

CUSTOMER = {"entity_id": "e", "entity_type": "user", "name": "n", "email": "a@example.com"}


async def test_the_same_key_and_request_is_replayed(client: BillingClient) -> None:
    first = await client.http.post("/api/v1/customers", json=CUSTOMER, headers={"idempotency-key": "k"})
    second = await client.http.post("/api/v1/customers", json=CUSTOMER, headers={"idempotency-key": "k"})

    assert "idempotent-replayed" not in first.headers
    assert (second.status_code, second.content) == (200, first.content)
    assert second.headers["idempotent-replayed"] == "true"
    assert await client.events() == ["customer.created"]


async def test_a_conflict_is_replayed_too(client: BillingClient) -> None:
    await client.post("customers", CUSTOMER)

    codes = [(await client.post("customers", CUSTOMER, key="k", status=409))["code"] for _ in range(2)]

    assert codes == ["UniquenessKeyUsed"] * 2


async def test_another_body_under_the_key_is_refused(client: BillingClient) -> None:
    await client.post("customers", CUSTOMER, key="k")

    refusal = await client.post("customers", {**CUSTOMER, "entity_id": "f"}, key="k", status=409)

    assert refusal["code"] == "IdempotencyKeyReused"


async def test_a_key_in_flight_is_refused(client: BillingClient) -> None:
    await client.control("faults", kind="delay", path="customers", delay_ms=20)
    headers = {"idempotency-key": "k"}

    first, second = await asyncio.gather(
        client.http.post("/api/v1/customers", json=CUSTOMER, headers=headers),
        client.http.post("/api/v1/customers", json=CUSTOMER, headers=headers),
    )

    assert (first.status_code, second.status_code, second.json()["code"]) == (200, 409, "IdempotencyKeyInUse")


async def test_a_validation_error_leaves_the_key_free(client: BillingClient) -> None:
    await client.post("customers", {}, key="k", status=400)

    await client.post("customers", CUSTOMER, key="k")


async def test_a_missing_token_leaves_the_key_free_and_sees_no_stored_answer(client: BillingClient) -> None:
    await client.post("customers", CUSTOMER, key="k")
    client.http.headers.pop("authorization")

    await client.post("customers", CUSTOMER, key="k", status=401)


async def test_a_key_is_forgotten_after_24_hours(client: BillingClient) -> None:
    await client.post("customers", CUSTOMER, key="k")
    await client.control("clock", advance_seconds=24 * 3600)
    await client.sign_in()

    assert (await client.post("customers", CUSTOMER, key="k", status=409))["code"] == "UniquenessKeyUsed"


async def test_a_patch_has_keys_too(client: BillingClient) -> None:
    customer_id = await client.customer()
    for name in ("Ada L.", "Ada B."):
        await client.patch(f"customers/{customer_id}", {"name": name})

    path = f"/api/v1/customers/{customer_id}"
    await client.http.patch(path, json={"name": "Ada C."}, headers={"idempotency-key": "k"})
    await client.patch(f"customers/{customer_id}", {"name": "Ada D."})
    replayed = await client.http.patch(path, json={"name": "Ada C."}, headers={"idempotency-key": "k"})

    assert replayed.json()["name"] == "Ada C."
    assert (await client.get(f"customers/{customer_id}"))["name"] == "Ada D."


async def test_a_key_longer_than_255_characters_is_refused(client: BillingClient) -> None:
    assert (await client.post("customers", CUSTOMER, key="k" * 256, status=400))["code"] == "InvalidRequest"


@pytest.mark.parametrize("noun", ["contracts", "invoices", "credits"])
async def test_a_uniqueness_key_is_used_once_and_its_object_found_by_list(client: BillingClient, noun: str) -> None:
    customer = await client.customer()
    contract = await client.contract(customer, end_date="2027-02-10T00:00:00Z")
    later = {"tier": "pro", "billing_period": "monthly", "start_date": "2027-02-10T00:00:00Z"}
    bodies: dict[str, dict[str, object]] = {
        "contracts": {"customer_id": customer, **later},
        "invoices": invoice_body(customer, contract),
        "credits": {"customer_id": customer, "amount": 5},
    }
    body = {**bodies[noun], "uniqueness_key": "u"}
    made = await client.post(noun, body)

    refusal = await client.post(noun, body, status=409)

    assert (refusal["code"], refusal["field"]) == ("UniquenessKeyUsed", "uniqueness_key")
    assert text(made, "id") not in str(refusal)
    found = await client.all(noun, customer_id=customer, uniqueness_key="u")
    assert [item["id"] for item in found] == [made["id"]]


async def test_uniqueness_keys_belong_to_a_type_of_resource(client: BillingClient) -> None:
    customer = await client.customer()
    contract = await client.contract(customer, uniqueness_key="u")

    await client.invoice(customer, contract, uniqueness_key="u")
    await client.credit(customer, 5, uniqueness_key="u")


async def test_a_used_key_is_told_before_a_clash_of_state(client: BillingClient) -> None:
    customer = await client.customer()
    await client.credit(customer, 10)
    body = {"customer_id": customer, "amount": -10, "uniqueness_key": "u"}
    await client.post("credits", body)

    refusal = await client.post("credits", body, status=409)

    assert refusal["code"] == "UniquenessKeyUsed"


async def test_a_request_that_was_refused_leaves_its_uniqueness_key_free(client: BillingClient) -> None:
    customer = await client.customer()
    await client.contract(customer)
    body = {"customer_id": customer, "tier": "pro", "billing_period": "monthly", "uniqueness_key": "u"}
    await client.post("contracts", {**body, "start_date": "2027-02-10T00:00:00Z"}, status=409)
    (contract,) = await client.all("contracts")
    await client.post(f"contracts/{text(contract, 'id')}/cancel")

    await client.post("contracts", {**body, "start_date": "2027-02-10T00:00:00Z"})
