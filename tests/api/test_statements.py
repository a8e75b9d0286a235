"""A page costs a fixed number of SQL statements, however many customers are on it and however much they have."""

from collections.abc import Iterator

import pytest
from tortoise.transactions import in_transaction

from tests.api.rows import write_customer, write_history
from tests.service import SERVICE, Service
from tests.statements import Statements, collected

CUSTOMERS = 50
WHO_ASKS = 1
PAGE = """
query Page($first: Int!) {
  customers(first: $first) {
    nodes {
      entityId
      accountBalance { amount }
      subscription { status currentPeriod { end } }
      credits { balance }
      creditLedger(first: 2) { amount }
      invoices(first: 1) { status lines { description } payments { status } }
      paymentMethods { last4 }
      payments(first: 1) { status }
      operations(first: 1) { status steps { name } }
    }
  }
}
"""
LISTS = ["creditLedger", "invoices", "lines", "invoice payments", "paymentMethods", "payments", "operations", "steps"]


@pytest.fixture
def statements() -> Iterator[Statements]:
    with collected("counted") as found:
        yield found


@pytest.fixture(scope="module", autouse=True)
async def customers(service: Service) -> None:
    async with in_transaction():
        for place in range(CUSTOMERS):
            customer = await write_customer(f"user_{place}")
            await write_history(customer, length=1 + place % 3)
    service.clock.freeze()
    await service.graphql("{ tiers { tier } }")  # the first use of a key within a minute is noted


@pytest.mark.parametrize("first", [1, 10, CUSTOMERS])
async def test_a_page_with_all_its_lists_costs_one_statement_for_each_list(
    service: Service, statements: Statements, first: int
) -> None:
    answer = await service.http.post(
        f"{SERVICE}/graphql",
        json={"query": PAGE, "variables": {"first": first}},
        headers={"x-request-id": statements.request_id},
    )

    nodes = answer.json()["data"]["customers"]["nodes"]
    assert len(nodes) == first
    assert all(node["invoices"][0]["lines"] and node["operations"][0]["steps"] for node in nodes)
    assert len(statements.found) == WHO_ASKS + 1 + len(LISTS), "\n".join(statements.found)


async def test_what_is_not_asked_for_is_not_read(service: Service, statements: Statements) -> None:
    query = "{ customers(first: 50) { nodes { entityId subscription { tier } credits { balance } } } }"

    await service.http.post("/graphql", json={"query": query}, headers={"x-request-id": statements.request_id})

    assert len(statements.found) == WHO_ASKS + 1


async def test_the_total_costs_one_more_and_only_when_asked_for(service: Service, statements: Statements) -> None:
    query = "{ customers(first: 1) { totalCount nodes { entityId } } }"

    answer = await service.http.post("/graphql", json={"query": query}, headers={"x-request-id": statements.request_id})

    assert answer.json()["data"]["customers"]["totalCount"] == CUSTOMERS
    assert len(statements.found) == WHO_ASKS + 2
