"""Who may explore the schema: unset, whoever can only be on this machine."""

from pathlib import Path

from tests.service import running_service


async def test_where_only_this_machine_can_ask_the_schema_can_be_explored(sqlite_url: str, tmp_path: Path) -> None:
    async with running_service(sqlite_url, tmp_path) as service:
        found = await service.graphql("{ __schema { queryType { name } } }")
        suggested = await service.execute("{ customes { totalCount } }")
    assert found == {"__schema": {"queryType": {"name": "Query"}}}
    assert "Did you mean" in suggested["errors"][0]["message"]


async def test_on_any_other_address_it_is_closed_unless_settings_open_it(sqlite_url: str, tmp_path: Path) -> None:
    query = "{ __schema { queryType { name } } }"
    async with running_service(sqlite_url, tmp_path, host="0.0.0.0") as service:  # noqa: S104  nobody listens there
        answer = await service.execute(query)
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["GRAPHQL_VALIDATION_FAILED"]
