"""What a stranger can learn about a schema that is not to be learned: nothing but the names of its root types."""

from typing import Any

import pytest

from tests.app.graphql_sample import client

DOES_NOT_FIT = {
    "message": "The document does not fit the schema. Validate it against the SDL that was published for this service.",
    "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"},
}


async def answer(query: str, variables: dict[str, object] | None = None, **settings: Any) -> dict[str, Any]:
    async with client(**settings) as http:
        response = await http.post("/graphql", json={"query": query, "variables": variables or {}})
    body: dict[str, Any] = response.json()
    return body


# Each pair asks the same way, first with a name that exists.
PROBES = [
    ("{ customers }", "{ nonsense }"),
    ("{ customers { nothing } }", "{ nonsense { nothing } }"),
    ("{ customers(first: 50) { nodes { nothing } } }", "{ nonsense(first: 50) { nodes { nothing } } }"),
    ("{ customer { name(wrong: 1) } }", "{ nonsense { name(wrong: 1) } }"),
    ("{ echo }", "{ ecco }"),
    ('{ echo(text: "", wrong: 1) }', '{ echo(txt: "", wrong: 1) }'),
    ("query ($x: Customer) { hello }", "query ($x: Nonsense) { hello }"),
    ("{ hello ... on Customer { name } }", "{ hello ... on Nonsense { name } }"),
    ("{ hello @skip }", "{ hello @skipp }"),
    ("mutation { rename }", "mutation { nonsense }"),
    ('{ kind(of: "PRO") }', '{ nonsense(of: "PRO") }'),
    ("{ find(filter: { tier: PROO }) }", "{ find(filter: { tiers: PRO }) }"),
    ("{ __schema { types { name } } }", "{ __nonsense { types { name } } }"),
    ('{ __type(name: "Customer") { name } }', '{ __type(name: "Nonsense") { name } }'),
]


@pytest.mark.parametrize(("right", "wrong"), PROBES)
async def test_a_right_guess_is_answered_as_a_wrong_one(right: str, wrong: str) -> None:
    assert await answer(right) == {"errors": [DOES_NOT_FIT]}
    assert await answer(wrong) == {"errors": [DOES_NOT_FIT]}


async def test_how_much_an_invalid_document_would_cost_is_not_told_either() -> None:
    nested = "{ customers(first: 50) { nodes { invoices(first: 50) { nodes { nothing } } } } }"
    assert await answer(nested) == {"errors": [DOES_NOT_FIT]}
    assert await answer(nested.replace("customers", "nonsense")) == {"errors": [DOES_NOT_FIT]}


SUGGESTED: list[tuple[str, dict[str, object], str]] = [
    ("{ helo }", {}, "Cannot query field 'helo' on type 'Query'. Did you mean 'hello'?"),
    ('{ echo(txt: 1, text: "") }', {}, "Unknown argument 'txt' on field 'Query.echo'. Did you mean 'text'?"),
    ("query ($t: Strin) { echo(text: $t) }", {}, "Unknown type 'Strin'. Did you mean 'String'?"),
    (
        "{ find(filter: { tier: PROO }) }",
        {},
        "Value 'PROO' does not exist in 'Plan' enum. Did you mean the enum value 'PRO'?",
    ),
    (
        "{ find(filter: { tiers: PRO }) }",
        {},
        "Expected value of type 'Filter' not to include unknown field 'tiers'. Did you mean 'tier'? "
        "Found: { tiers: PRO }.",
    ),
]


@pytest.mark.parametrize(("query", "variables", "message"), SUGGESTED)
async def test_with_hints_a_client_is_helped(query: str, variables: dict[str, object], message: str) -> None:
    (error,) = (await answer(query, variables, hints=True))["errors"]
    assert error["message"] == message
    assert error["extensions"] == {"code": "GRAPHQL_VALIDATION_FAILED"}


@pytest.mark.parametrize(
    ("given", "hinted", "bare"),
    [
        (
            {"tier": "PROO"},
            "Value 'PROO' does not exist in 'Plan' enum. Did you mean the enum value 'PRO'?",
            "Value 'PROO' does not exist in 'Plan' enum.",
        ),
        (
            {"tiers": "PRO"},
            "Expected value of type 'Filter' not to include unknown field 'tiers'. Did you mean 'tier'? Found: "
            "{'tiers': 'PRO'}.",
            "Expected value of type 'Filter' not to include unknown field 'tiers'. Found: {'tiers': 'PRO'}.",
        ),
    ],
)
async def test_refused_variables_of_a_valid_document_are_named_without_suggesting_others(
    given: dict[str, object], hinted: str, bare: str
) -> None:
    query = "query ($f: Filter) { find(filter: $f) }"
    for hints, message in ((True, hinted), (False, bare)):
        (error,) = (await answer(query, {"f": given}, hints=hints))["errors"]
        assert error["message"].endswith(message)
        assert ("Did you mean" in error["message"]) is hints
        assert error["extensions"] == {"code": "BAD_USER_INPUT"}


async def test_an_explorer_has_introspection_and_hints_where_nobody_else_has() -> None:
    """Also for a document that is known from somebody else, and the other way round."""
    introspection, typo = '{ __type(name: "Query") { name } }', "{ helo }"
    async with client(is_explorer=lambda context: context["caller"] == "ada") as http:
        for caller, found, message in 2 * (
            ("ada", {"__type": {"name": "Query"}}, "Cannot query field 'helo' on type 'Query'. Did you mean 'hello'?"),
            ("bob", None, DOES_NOT_FIT["message"]),
        ):
            headers = {"x-caller": caller}
            explored = (await http.post("/graphql", json={"query": introspection}, headers=headers)).json()
            hinted = (await http.post("/graphql", json={"query": typo}, headers=headers)).json()
            assert explored.get("data") == found
            assert hinted["errors"][0]["message"] == message
