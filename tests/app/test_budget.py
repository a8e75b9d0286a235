"""The document budget, through the measure itself and through the schema that enforces it."""

import time
from typing import Any

import pytest
from graphql import get_introspection_query, parse

from schema.budget import DocumentBudget, DocumentLimits, Measure, QueryTooComplex
from schema.extensions import Policy
from tests.app.graphql_sample import SCHEMA

BOUNDLESS = DocumentLimits(
    definitions=10**12,
    depth=10**9,
    aliases=10**9,
    directives=10**9,
    repeats=10**9,
    expanded_size=10**9,
    cost=10**12,
)


def budget(source: str, limits: DocumentLimits | None = None, **variables: object) -> DocumentBudget:
    return DocumentBudget(
        schema=SCHEMA._schema, document=parse(source), variables=variables, limits=limits or DocumentLimits()
    )


def measure(source: str, **variables: object) -> Measure:
    return budget(source, BOUNDLESS, **variables).check()


def chained_fragments(count: int) -> str:
    """Each fragment spreads the next twice: 2 ** count fields when expanded."""
    links = [f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }}" for n in range(count)]
    return " ".join(["{ ...f0 }", *links, f"fragment f{count} on Query {{ hello }}"])


def test_a_fragment_bomb_is_measured_with_one_visit_per_written_selection() -> None:
    bomb = budget(chained_fragments(20), BOUNDLESS)
    assert bomb.check().expanded_size == 2**20
    assert bomb.visits == 1 + 2 * 20 + 1


async def test_a_fragment_bomb_below_a_kilobyte_takes_milliseconds() -> None:
    """Limits that expand fragments without memory take 6 to 20 seconds for it."""
    bomb = chained_fragments(20)
    assert len(bomb) < 1_000
    started = time.process_time()
    result = await SCHEMA.execute(bomb)
    assert time.process_time() - started < 0.25
    assert [error.extensions for error in result.errors or ()] == [
        {"code": "QUERY_TOO_COMPLEX", "limit": "expanded_size", "maximum": 2000}
    ]


def test_a_fragment_bomb_is_refused_for_its_expanded_size() -> None:
    bomb = budget(chained_fragments(20))
    with pytest.raises(QueryTooComplex) as refused:
        bomb.check()
    assert refused.value.extensions == {"code": "QUERY_TOO_COMPLEX", "limit": "expanded_size", "maximum": 2000}
    assert bomb.visits <= 1 + 2 * 20 + 1


def test_a_fragment_inside_and_outside_a_page_is_measured_twice_and_no_more() -> None:
    source = (
        "{ a: customers { ...page } b: customers { ...page } c: customers { ...page } } "
        "fragment page on CustomerPage { nodes { name } }"
    )
    within = budget(source)
    within.check()
    assert within.visits == 3 + 3 + 2 * 2


def test_cyclic_fragments_end() -> None:
    source = (
        "{ customer { ...a } } fragment a on Customer { parent { ...b } } fragment b on Customer { parent { ...a } }"
    )
    assert budget(source).check().depth == 3


CUSTOMERS = "{ customers %s { nodes { name invoices(first: 3) { nodes { number lines { amount } } } } } }"
ONE_CUSTOMER = 1 + 1 + 1 + 3 * (1 + 1 + 1 + 10)


@pytest.mark.parametrize(
    ("arguments", "page_size"),
    [
        ("(first: 5)", 5),
        ("(last: 7)", 7),
        ("(first: 5, last: 7)", 7),
        ("", 20),
        ("(first: null)", 20),
        ("(first: 0)", 1),
        ("(first: -5)", 1),
        ("(first: 99999999999999999999)", 10**9),
    ],
)
def test_the_cost_is_multiplied_by_the_page_size_once_per_connection(arguments: str, page_size: int) -> None:
    assert measure(CUSTOMERS % arguments).cost == 1 + page_size * ONE_CUSTOMER


def test_a_page_without_a_size_is_assumed_to_be_large() -> None:
    assert measure("{ customer { invoices { nodes { number } } } }").cost == 1 + 1 + 50 * 2


@pytest.mark.parametrize(
    ("declaration", "variables", "page_size"),
    [
        ("$n: Int", {"n": 9}, 9),
        ("$n: Int = 8", {}, 8),
        ("$n: Int = 8", {"n": 9}, 9),
        ("$n: Int = 8", {"n": None}, 20),
        ("$n: Int", {}, 20),
        ("$n: Int", {"n": "many"}, 20),
        ("$n: Int", {"n": True}, 20),
        ("$n: Int", {"n": 9.0}, 9),
        ("$n: Int", {"n": 9.5}, 20),
    ],
)
def test_page_sizes_are_read_from_variables(declaration: str, variables: dict[str, Any], page_size: int) -> None:
    source = f"query ({declaration}) " + CUSTOMERS % "(first: $n)"
    assert measure(source, **variables).cost == 1 + page_size * ONE_CUSTOMER


async def test_pages_inside_pages_multiply_and_are_refused_within_the_depth_limit() -> None:
    source = "{ customers(first: 50) { nodes { invoices(first: 50) { nodes { number lines { amount } } } } } }"
    assert measure(source).depth == 5
    result = await SCHEMA.execute(source)
    assert [error.extensions for error in result.errors or ()] == [
        {"code": "QUERY_TOO_COMPLEX", "limit": "cost", "maximum": 5000}
    ]
    assert result.extensions == {"cost": {"estimate": 1 + 50 * (1 + 1 + 50 * (1 + 1 + 1 + 10)), "limit": 5000}}


def test_only_the_most_expensive_operation_of_a_document_counts() -> None:
    both = measure(
        "query A { customers(first: 5) { nodes { name } } } query B { customers(first: 9) { nodes { name } } }"
    )
    assert both.cost == 1 + 9 * 2


def nested(levels: int) -> str:
    return "{ customer { " + "parent { " * levels + "name" + " }" * levels + " } }"


def aliased(count: int) -> str:
    return "{ " + " ".join(f"a{n}: hello" for n in range(count)) + " }"


def directed(count: int) -> str:
    return "{ " + " ".join(f"... @include(if: true) {{ f{n}: hello }}" for n in range(count)) + " }"


def defined(count: int) -> str:
    return " ".join(f"query Q{n} {{ hello }}" for n in range(count))


@pytest.mark.parametrize(
    ("limit", "maximum", "allowed", "refused"),
    [
        ("depth", 8, nested(7), nested(8)),
        ("aliases", 15, aliased(15), aliased(16)),
        ("directives", 8, directed(8), directed(9)),
        ("repeats", 20, "{ " + "hello " * 20 + "}", "{ " + "hello " * 21 + "}"),
        ("definitions", 30, defined(30), defined(31)),
    ],
)
async def test_each_limit_allows_its_maximum_and_refuses_one_more(
    limit: str, maximum: int, allowed: str, refused: str
) -> None:
    assert (await SCHEMA.execute(allowed, operation_name="Q0" if limit == "definitions" else None)).errors is None
    result = await SCHEMA.execute(refused)
    assert [error.extensions for error in result.errors or ()] == [
        {"code": "QUERY_TOO_COMPLEX", "limit": limit, "maximum": maximum}
    ]


@pytest.mark.parametrize(
    "source",
    ["{ ...a ...a } fragment a on Query { %s }", "{ ... { %s } ... { %s } }", "{ ...a %s } fragment a on Query { %s }"],
)
def test_repeats_are_counted_through_fragments(source: str) -> None:
    assert measure(source.replace("%s", "hello " * 11)).repeats == 22


def test_nesting_without_fields_cannot_exhaust_the_stack() -> None:
    with pytest.raises(QueryTooComplex, match="the limit for depth is 8"):
        budget("{ " + "... { " * 150 + "hello" + " }" * 150 + " }").check()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{ " + "hello " * 999 + "}", "Syntax Error: Document contains more than 1000 tokens. Parsing aborted."),
        ("{ hello } #" + "x" * 32_768, "Syntax Error: Source contains more than 32768 code points. Parsing aborted."),
        ("#\n" * 201 + "{ hello }", "Syntax Error: Document contains more than 200 comments. Parsing aborted."),
    ],
)
async def test_texts_beyond_the_parser_limits_are_too_complex(source: str, message: str) -> None:
    result = await SCHEMA.execute(source)
    assert [(error.message, error.extensions) for error in result.errors or ()] == [
        (message, {"code": "QUERY_TOO_COMPLEX"})
    ]


async def test_the_introspection_query_passes_where_introspection_is_on() -> None:
    source = get_introspection_query(input_value_deprecation=True, specified_by_url=True, schema_description=True)
    result = await SCHEMA.under(Policy(introspection=True)).execute(source)
    assert result.errors is None
    assert result.data is not None
    assert result.data["__schema"]["queryType"]["name"] == "Query"


async def test_introspection_is_refused_where_it_is_off_and_typename_is_not() -> None:
    refused = await SCHEMA.execute("{ __schema { queryType { name } } }")
    assert [error.extensions for error in refused.errors or ()] == [{"code": "GRAPHQL_VALIDATION_FAILED"}]
    assert (await SCHEMA.execute("{ __typename }")).data == {"__typename": "Query"}


async def test_a_document_found_valid_is_still_measured_with_new_variables() -> None:
    source = "query ($n: Int, $m: Int) { customers(first: $n, last: $m) { nodes { name } } }"
    for small in ({"n": 10}, {"n": 10}, {"m": 10}, {}):
        assert (await SCHEMA.execute(source, dict(small))).errors is None
    result = await SCHEMA.execute(source, {"m": 3000})
    assert [error.message for error in result.errors or ()] == ["The query is too complex: the limit for cost is 5000."]


async def test_an_invalid_document_is_refused_the_same_way_every_time() -> None:
    results = [await SCHEMA.execute("{ nothing }") for _ in range(3)]
    assert [[error.formatted for error in result.errors or ()] for result in results] == [
        [
            {
                "message": "The document does not fit the schema. Validate it against the SDL that was published for "
                "this service.",
                "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"},
            }
        ]
    ] * 3
