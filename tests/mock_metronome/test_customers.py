from tests.mock_metronome.billing_client import BillingClient, rows


async def test_a_customer_is_shown_as_it_was_made(client: BillingClient) -> None:
    customer_id = await client.customer("ada", metadata={"plan": "x"})

    assert await client.get(f"customers/{customer_id}") == {
        "id": customer_id,
        "entity_id": "ada",
        "entity_type": "user",
        "email": "ada@example.com",
        "name": "Ada",
        "metadata": {"plan": "x"},
        "created_at": "2027-01-31T10:00:00Z",
        "updated_at": "2027-01-31T10:00:00Z",
    }


async def test_an_entity_id_is_used_once_and_its_customer_found_by_list(client: BillingClient) -> None:
    customer_id = await client.customer("ada")
    body = {"entity_id": "ada", "entity_type": "user", "name": "Ada", "email": "ada@example.com"}

    refusal = await client.post("customers", body, status=409)

    assert refusal == {
        "message": "This uniqueness key has already been used.",
        "code": "UniquenessKeyUsed",
        "field": "entity_id",
    }
    assert [customer["id"] for customer in await client.all("customers", entity_id="ada")] == [customer_id]


async def test_a_change_merges_metadata_and_is_told_once(client: BillingClient) -> None:
    customer_id = await client.customer("ada", metadata={"a": "1", "b": "2"})
    await client.control("clock", advance_seconds=5)

    changed = await client.patch(f"customers/{customer_id}", {"metadata": {"a": None, "c": "3"}, "name": "Ada L."})
    again = await client.patch(f"customers/{customer_id}", {"name": "Ada L."})

    assert (changed["metadata"], changed["name"], changed["email"]) == (
        {"b": "2", "c": "3"},
        "Ada L.",
        "ada@example.com",
    )
    assert changed["updated_at"] == "2027-01-31T10:00:05Z"
    assert again == changed
    assert await client.events() == ["customer.created", "customer.updated"]


async def test_an_entity_cannot_be_changed(client: BillingClient) -> None:
    customer_id = await client.customer()

    refusal = await client.patch(f"customers/{customer_id}", {"entity_id": "eve"}, status=400)

    assert refusal["field"] == "entity_id"


async def test_lists_are_paged_oldest_first_and_filtered(client: BillingClient) -> None:
    for name in "abcde":
        await client.customer(name, email=f"{name}@example.com")

    page = await client.get("customers", limit="2", offset="3")
    assert ([customer["entity_id"] for customer in rows(page)], page["total"]) == (["d", "e"], 5)
    found = await client.get("customers", email="c@example.com")
    assert ([customer["entity_id"] for customer in rows(found)], found["total"]) == (["c"], 1)
    assert await client.get("customers", offset="5") == {"data": [], "total": 5}
