"""Who may explore the schema: unset, everybody where that can only be this machine."""

from pathlib import Path

from tests.access.asking import asker, code_of
from tests.service import PRODUCTION, running_service

INTROSPECTION = "{ __schema { queryType { name } } }"


async def test_where_only_this_machine_can_ask_the_schema_can_be_explored(sqlite_url: str, tmp_path: Path) -> None:
    async with running_service(sqlite_url, tmp_path) as service:
        somebody = await asker(service, "CUSTOMERS_READ")
        found = await somebody.execute(INTROSPECTION)
        suggested = await somebody.execute("{ customes { totalCount } }")
    assert found["data"] == {"__schema": {"queryType": {"name": "Query"}}}
    assert "Did you mean" in suggested["errors"][0]["message"]


async def test_on_any_other_address_it_is_closed(sqlite_url: str, tmp_path: Path) -> None:
    async with running_service(sqlite_url, tmp_path, **PRODUCTION) as service:
        somebody = await asker(service, "CUSTOMERS_READ")
        assert code_of(await somebody.execute(INTROSPECTION)) == "GRAPHQL_VALIDATION_FAILED"


async def test_a_setting_opens_it_there(sqlite_url: str, tmp_path: Path) -> None:
    async with running_service(sqlite_url, tmp_path, **PRODUCTION, introspection=True) as service:
        somebody = await asker(service, "CUSTOMERS_READ")
        assert (await somebody.execute(INTROSPECTION))["data"] == {"__schema": {"queryType": {"name": "Query"}}}
