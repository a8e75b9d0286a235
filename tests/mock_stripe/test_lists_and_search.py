import httpx
import pytest
import stripe

from mock_kit.clock import Clock
from mock_stripe.app import create_app
from tests.mock_stripe.conftest import BASE, World, code, refusal
from tests.mock_stripe.sdk_client import connect


async def customers(world: World, count: int) -> list[str]:
    """One each second; oldest first."""
    made = []
    for number in range(count):
        customer = await world.v1.customers.create_async({"email": f"{number}@example.com"})
        made.append(customer.id)
        await world.control("POST", "clock", {"advance_seconds": 1})
    return made


async def test_lists_are_newest_first_ten_at_a_time(world: World) -> None:
    made = await customers(world, 12)
    page = await world.v1.customers.list_async()
    assert ([customer.id for customer in page.data], page.has_more) == (made[::-1][:10], True)


async def test_auto_paging_finds_everything_once(world: World) -> None:
    made = await customers(world, 7)
    page = await world.v1.customers.list_async({"limit": 3})
    assert [customer.id async for customer in page.auto_paging_iter()] == made[::-1]


async def test_a_page_can_be_asked_for_backwards(world: World) -> None:
    made = await customers(world, 5)
    page = await world.v1.customers.list_async({"limit": 2, "ending_before": made[0]})
    assert ([customer.id for customer in page.data], page.has_more) == ([made[2], made[1]], True)


async def test_a_cursor_must_exist_and_a_limit_has_bounds(world: World) -> None:
    assert code(await refusal(world.v1.customers.list_async({"starting_after": "cus_no"}))) == "resource_missing"
    for limit in (0, 101):
        assert code(await refusal(world.v1.customers.list_async({"limit": limit}))) == "parameter_invalid_integer"


async def test_lists_are_filtered_by_creation(world: World) -> None:
    made = await customers(world, 4)
    second = await world.v1.customers.retrieve_async(made[1])
    page = await world.v1.customers.list_async({"created": {"gt": second.created}})
    assert [customer.id for customer in page.data] == [made[3], made[2]]
    page = await world.v1.customers.list_async({"created": {"gte": second.created, "lt": second.created + 1}})
    assert [customer.id for customer in page.data] == [made[1]]
    page = await world.v1.customers.list_async({"created": second.created})
    assert [customer.id for customer in page.data] == [made[1]]


async def test_charges_and_intents_are_filtered_by_customer(world: World) -> None:
    first_id, second_id = await world.customer(), await world.customer()
    mine = await world.pay(first_id, "pm_card_visa")
    await world.pay(second_id, "pm_card_visa")
    intents = await world.v1.payment_intents.list_async({"customer": first_id})
    assert [intent.id for intent in intents.data] == [mine.id]
    charges = await world.v1.charges.list_async({"customer": first_id})
    assert [charge.id for charge in charges.data] == [mine.latest_charge]
    charges = await world.v1.charges.list_async({"payment_intent": mine.id})
    assert [charge.id for charge in charges.data] == [mine.latest_charge]


async def test_customers_are_found_by_metadata_and_by_email(world: World) -> None:
    customer = await world.v1.customers.create_async(
        {"email": "Ada@Example.com", "name": "Ada O'Hara", "metadata": {"entity_id": "u1", "org's": "x"}}
    )
    await world.v1.customers.create_async({"email": "bob@example.com", "metadata": {"entity_id": "u2"}})
    for query in (
        "metadata['entity_id']:'u1'",
        'metadata["entity_id"]:"u1" AND email:"ada@example.com"',
        "email~'ada'",
        r"name:'Ada O\'Hara'",
        r"metadata['org\'s']:'x'",
        "-metadata['entity_id']:'u2'",
        "email:'ada@example.com' OR email:'nobody@example.com'",
        "name:'ada o\\'hara' created>0",
    ):
        found = await world.v1.customers.search_async({"query": query})
        assert [one.id for one in found.data] == [customer.id], query
    assert len((await world.v1.customers.search_async({"query": "metadata['entity_id']:null"})).data) == 0


async def test_payment_intents_are_found_by_metadata_status_and_amount(world: World) -> None:
    paid = await world.pay(None, "pm_card_visa", metadata={"invoice": "7"})
    await world.v1.payment_intents.create_async({"amount": 2000, "currency": "usd"})
    for query in ("metadata['invoice']:'7'", "status:'succeeded'", "amount<=1000", "-status:'requires_payment_method'"):
        found = await world.v1.payment_intents.search_async({"query": query})
        assert [one.id for one in found.data] == [paid.id], query


@pytest.mark.parametrize(
    "query",
    [
        "",
        "email",
        "email:",
        "shoe_size:'9'",
        "metadata:'x'",
        "email['x']:'y'",
        "created>'x'",
        "email:'a' AND",
        "email:'a' AND name:'b' OR name:'c'",
    ],
)
async def test_a_query_that_cannot_be_understood_is_refused(world: World, query: str) -> None:
    error = await refusal(world.v1.customers.search_async({"query": query}))
    assert isinstance(error, stripe.InvalidRequestError)
    assert error.http_status == 400


async def test_search_results_have_pages(world: World) -> None:
    made = await customers(world, 5)
    first = await world.v1.customers.search_async({"query": "created>0", "limit": 3})
    assert ([one.id for one in first.data], first.has_more) == (made[::-1][:3], True)
    assert [one.id async for one in first.auto_paging_iter()] == made[::-1]


async def test_search_can_lag_behind_as_stripe_s_does() -> None:
    clock = Clock(frozen=True)
    app = create_app(clock=clock, search_lag_seconds=60)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE) as http:
        v1 = connect(http, base=BASE).v1
        await v1.customers.create_async({"email": "a@b.c"})
        assert (await v1.customers.search_async({"query": "email:'a@b.c'"})).data == []
        assert len((await v1.customers.list_async({"email": "a@b.c"})).data) == 1
        await http.post("/_mock/clock", json={"advance_seconds": 60})
        assert len((await v1.customers.search_async({"query": "email:'a@b.c'"})).data) == 1
    await app.aclose()


async def test_expansion_leads_through_objects_and_lists(world: World) -> None:
    customer_id = await world.customer()
    await world.pay(customer_id, "pm_card_visa")
    page = await world.v1.payment_intents.list_async(
        {"expand": ["data.latest_charge.balance_transaction", "data.customer"]}
    )
    (intent,) = page.data
    assert isinstance(intent.latest_charge, stripe.Charge)
    assert isinstance(intent.latest_charge.balance_transaction, stripe.BalanceTransaction)
    assert isinstance(intent.customer, stripe.Customer)


@pytest.mark.parametrize(
    "path", ["charges", "metadata", "customer.email", "latest_charge.payment_method", "data.customer"]
)
async def test_what_cannot_be_expanded_is_refused_before_anything_is_charged(world: World, path: str) -> None:
    error = await refusal(world.pay(None, "pm_card_visa", expand=[path]))
    assert error.user_message == f"This property cannot be expanded ({path})."
    assert (await world.counts())["charges"] == 0


async def test_events_are_filtered_by_type(world: World) -> None:
    await world.pay(await world.customer(), "pm_card_visa")
    events = world.v1.events
    assert [event.type for event in (await events.list_async({"type": "charge.succeeded"})).data] == [
        "charge.succeeded"
    ]
    wild = await events.list_async({"type": "payment_intent.*"})
    assert [event.type for event in wild.data] == ["payment_intent.succeeded", "payment_intent.created"]
    some = await events.list_async({"types": ["customer.created", "charge.updated"]})
    assert [event.type for event in some.data] == ["charge.updated", "customer.created"]
    one = await events.retrieve_async(some.data[0].id)
    assert one.type == "charge.updated"


async def test_events_older_than_thirty_days_are_no_longer_listed(world: World) -> None:
    await world.customer()
    await world.control("POST", "clock", {"advance_seconds": 31 * 24 * 3600})
    await world.customer()
    assert await world.event_types() == ["customer.created"]
