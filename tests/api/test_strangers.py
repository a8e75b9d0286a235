"""The service set up as for production, met by the holder of a key who wants to learn or break something.

Every check of graphql-cop is here under its own name (`cop_...`), against the real schema.
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.access.asking import new_key
from tests.database import SqliteDatabases
from tests.keys import AS_ADMIN, bearer
from tests.service import Service, running_service

PRODUCTION: dict[str, Any] = {"graphiql": False, "introspection": False, "schema_hints": False}
DOES_NOT_FIT = "The document does not fit the schema. Validate it against the SDL that was published for this service."


@pytest.fixture(scope="module")
async def stranger(
    sqlite_databases: SqliteDatabases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Service]:
    """Without the pages of the web UI: what they say and under which policy stands in test_web_ui."""
    data = tmp_path_factory.mktemp("data")
    async with (
        sqlite_databases.migrated() as url,
        running_service(url, data, web_dir=data / "none", **PRODUCTION) as running,
    ):
        key = await new_key(running, "CUSTOMERS_READ", "BILLING_WRITE", "PAYMENTS_WRITE", "WEBHOOKS_ADMIN")
        running.http.headers.update(bearer(key["secret"]))
        yield running


async def codes(service: Service, query: str, **variables: object) -> list[str]:
    answer = await service.execute(query, **variables)
    assert not answer.get("data")
    return [error["extensions"]["code"] for error in answer["errors"]]


async def test_cop_field_suggestions(stranger: Service) -> None:
    for query in (
        "{ customes { totalCount } }",
        "{ customers(frst: 1) { totalCount } }",
        "query ($t: Tir) { __typename }",
    ):
        assert [error["message"] for error in (await stranger.execute(query))["errors"]] == [DOES_NOT_FIT]


async def test_cop_introspection(stranger: Service) -> None:
    assert await codes(stranger, "{ __schema { types { name fields { name } } } }") == ["GRAPHQL_VALIDATION_FAILED"]
    assert await codes(stranger, '{ __type(name: "Customer") { name } }') == ["GRAPHQL_VALIDATION_FAILED"]


async def test_an_administrator_may_explore_also_in_production(stranger: Service) -> None:
    query = '{ __type(name: "Customer") { name } nothing }'
    response = await stranger.http.post("/graphql", json={"query": query}, headers=AS_ADMIN)
    assert [error["message"] for error in response.json()["errors"]] == [
        "Cannot query field 'nothing' on type 'Query'."
    ]


async def test_cop_graphiql(stranger: Service) -> None:
    for path in ("/graphql", "/graphiql", "/playground", "/console", "/graphiql-assets/"):
        response = await stranger.http.get(path, headers={"accept": "text/html"})
        assert response.status_code == 404
        assert "graphiql" not in response.text.lower()


async def test_cop_get_queries_read_and_nothing_else(stranger: Service) -> None:
    response = await stranger.http.get("/graphql", params={"query": "{ __typename }"})
    assert response.json()["data"] == {"__typename": "Query"}
    assert "access-control-allow-origin" not in response.headers


async def test_cop_get_based_mutation(stranger: Service) -> None:
    mutation = 'mutation { grantCredits(input: { entityId: "ada", amount: 1 }) { userErrors { code } } }'
    response = await stranger.http.get("/graphql", params={"query": mutation})
    assert response.status_code == 405
    assert "data" not in response.json()


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"]
)
async def test_cop_post_based_csrf(stranger: Service, content_type: str) -> None:
    response = await stranger.http.post(
        "/graphql", content="query=%7B__typename%7D", headers={"content-type": content_type}
    )
    assert response.status_code == 415
    assert [error["extensions"]["code"] for error in response.json()["errors"]] == ["BAD_REQUEST"]


async def test_cop_batch_query(stranger: Service) -> None:
    response = await stranger.http.post("/graphql", json=[{"query": "{ __typename }"}] * 10)
    assert response.status_code == 400
    assert [error["message"] for error in response.json()["errors"]] == [
        "The request must be one JSON object; batches are not accepted."
    ]


OVERLOADS = {
    "aliases": "{ " + " ".join(f"a{n}: __typename" for n in range(101)) + " }",
    "repeats": "{ " + "__typename " * 500 + "}",
    "directives": "{ __typename " + "@skip(if: false) " * 10 + "}",
    "depth": "{ customers { nodes " + "{ subscription " * 7 + "{ id } " + "} " * 9,
    "definitions": " ".join(f"query q{n} {{ __typename }}" for n in range(100)),
    "expanded_size": "{ ...f0 } "
    + " ".join(f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }}" for n in range(20))
    + " fragment f20 on Query { __typename }",
    "cost": "{ customers(first: 50) { nodes { invoices(first: 50) { lines { description } } } } }",
}


@pytest.mark.parametrize("limit", OVERLOADS)
async def test_cop_overloads(stranger: Service, limit: str) -> None:
    (error,) = (await stranger.execute(OVERLOADS[limit]))["errors"]
    assert (error["extensions"]["code"], error["extensions"]["limit"]) == ("QUERY_TOO_COMPLEX", limit)


async def test_cop_tokens_beyond_the_limit(stranger: Service) -> None:
    assert await codes(stranger, "{ " + "__typename " * 1_000 + "}") == ["QUERY_TOO_COMPLEX"]


async def test_cop_circular_introspection(stranger: Service) -> None:
    circular = "{ __schema { types { fields { type " + "{ fields { type " * 12 + "{ name }" + " } }" * 12 + " } } } }"
    (error,) = (await stranger.execute(circular))["errors"]
    assert error["extensions"] == {"code": "QUERY_TOO_COMPLEX", "limit": "introspection_depth", "maximum": 20}


async def test_cop_tracing(stranger: Service) -> None:
    headers = {"apollo-federation-include-trace": "ftv1", "x-apollo-tracing": "1"}
    answer = (await stranger.http.post("/graphql", json={"query": "{ __typename }"}, headers=headers)).json()
    assert list(answer["extensions"]) == ["cost"]


async def test_cop_unhandled_errors(stranger: Service) -> None:
    answer = await stranger.execute("qwerty cop { abc }")
    assert [error["extensions"] for error in answer["errors"]] == [{"code": "GRAPHQL_PARSE_FAILED"}]
    assert list(answer) == ["errors"]


@pytest.mark.parametrize("first", [0, -1, 51, 4_000])
async def test_pages_have_from_1_to_50_items(stranger: Service, first: int) -> None:
    query = "query ($n: Int!) { customers(first: $n) { totalCount } }"
    answer = await stranger.execute(query, n=first)
    (error,) = answer["errors"]
    assert (error["message"], error["extensions"]) == (
        f"first must be between 1 and 50, not {first}.",
        {"code": "BAD_USER_INPUT"},
    )
    assert answer["data"] is None
    assert (await stranger.graphql(query, n=50))["customers"]["totalCount"] == 0


REQUESTS: list[tuple[str, str, dict[str, Any], int]] = [
    ("POST", "/graphql", {"json": {"query": "{ __typename }"}}, 200),
    ("POST", "/graphql", {"json": {"query": "{"}}, 200),
    ("POST", "/graphql", {"content": b"{"}, 415),
    ("POST", "/graphql", {"content": b"x" * 65_537}, 413),
    ("GET", "/graphql", {"headers": {"x-large": "x" * 16_384}}, 431),
    ("GET", "/graphql", {"headers": {"accept": "text/html"}}, 404),
    ("OPTIONS", "/graphql", {}, 405),
    ("GET", "/nowhere", {}, 404),
    ("DELETE", "/health", {}, 405),
    ("GET", "/health", {}, 200),
    ("POST", "/webhooks/stripe", {"content": b"{}"}, 415),
    ("GET", "/api/subscription/nobody", {}, 404),
]


@pytest.mark.parametrize(("method", "path", "request_parts", "status"), REQUESTS)
async def test_every_answer_has_the_security_headers(
    stranger: Service, method: str, path: str, request_parts: dict[str, Any], status: int
) -> None:
    response = await stranger.http.request(method, path, **request_parts)
    assert response.status_code == status
    assert {name: response.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS


SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "access-control-allow-origin": None,
}
