"""GraphQL over HTTP, as a client meets it."""

from typing import Any

import httpx
import orjson
import pytest
from structlog.testing import capture_logs

from app.graphql_view import preferred_media_type
from tests.app.graphql_sample import SECRET, client

JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"


async def post(
    body: object, *, accept: str = JSON, headers: dict[str, str] | None = None, **settings: Any
) -> httpx.Response:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    async with client(**settings) as http:
        return await http.post(
            "/graphql", content=content, headers={"content-type": JSON, "accept": accept, **(headers or {})}
        )


async def get(*, accept: str = JSON, headers: dict[str, str] | None = None, **params: str) -> httpx.Response:
    async with client() as http:
        return await http.get("/graphql", params=params, headers={"accept": accept, **(headers or {})})


def refusal(response: httpx.Response) -> tuple[int, str]:
    """The status and the code of a request that never ran."""
    answer = response.json()
    assert "data" not in answer
    (error,) = answer["errors"]
    return response.status_code, error["extensions"]["code"]


def data(response: httpx.Response) -> Any:
    answer = response.json()
    assert "errors" not in answer
    return answer["data"]


@pytest.mark.parametrize("accept", [JSON, GRAPHQL_JSON])
async def test_a_query_is_answered_in_the_media_type_asked_for(accept: str) -> None:
    response = await post({"query": "{ hello }"}, accept=accept)
    assert response.status_code == 200
    assert response.headers["content-type"].split(";")[0] == accept
    assert response.content == b'{"data":{"hello":"world"},"extensions":{"cost":{"estimate":1,"limit":5000}}}'


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (f"{JSON}, multipart/mixed", JSON),
        (f"{GRAPHQL_JSON}, {JSON}", GRAPHQL_JSON),
        (f"{JSON}, {GRAPHQL_JSON}", GRAPHQL_JSON),
        (f"{GRAPHQL_JSON};q=0.5, {JSON}", JSON),
        (f"{GRAPHQL_JSON}, application/graphql+json, {JSON}, text/event-stream, multipart/mixed", GRAPHQL_JSON),
        (f"{GRAPHQL_JSON};q=0, {JSON}", JSON),
        (f"{GRAPHQL_JSON};q=oops, {JSON}", JSON),
        ("text/event-stream", "text/event-stream"),
        ("text/event-stream, multipart/mixed", "text/event-stream"),
        ("text/html", None),
        (f"{JSON};q=0", None),
    ],
)
def test_the_accept_header_decides(accept: str | None, chosen: str | None) -> None:
    assert preferred_media_type(accept) == chosen


REQUEST_ERRORS = [
    ("{", {}, "GRAPHQL_PARSE_FAILED"),
    ("{ nothing }", {}, "GRAPHQL_VALIDATION_FAILED"),
    ("query ($t: String!) { echo(text: $t) }", {"t": None}, "BAD_USER_INPUT"),
    ("query ($t: String!) { echo(text: $t) }", {"t": 10**25}, "BAD_USER_INPUT"),
    ("query ($t: String!) { echo(text: $t) }", {"t": {"a": [1]}}, "BAD_USER_INPUT"),
    ("{ " + "hello " * 21 + "}", {}, "QUERY_TOO_COMPLEX"),
    ("{ __schema { description } }", {}, "GRAPHQL_VALIDATION_FAILED"),
]


@pytest.mark.parametrize(("accept", "status"), [(JSON, 200), (GRAPHQL_JSON, 400)])
@pytest.mark.parametrize(("query", "variables", "code"), REQUEST_ERRORS)
async def test_a_request_error_has_a_code_and_no_data(
    query: str, variables: dict[str, object], code: str, accept: str, status: int
) -> None:
    body = orjson.dumps({"query": query, "variables": {}})
    for name, value in variables.items():
        text = str(value).encode() if isinstance(value, int) else orjson.dumps(value)
        body = body.replace(b'"variables":{}', b'"variables":{"' + name.encode() + b'":' + text + b"}")
    assert refusal(await post(body, accept=accept)) == (status, code)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"1",
        b'"text"',
        b"true",
        b'[{"query":"{ hello }"}]',
        b'{"query":"{ hello }","variables":{"a":NaN}}',
        b'{"query":"{ hello }","variables":{"a":-Infinity}}',
        b'{"query":"{ hello }","variables":{"a":1e999}}',
        b'{"query":"{ hello }","variables":{"a":' + b"9" * 5000 + b"}}",
        b'{"query":"{ hello }","variables":{"a":"\\ud800"}}',
        b'{"query":"{ hello }","variables":{"a":' + b"[" * 30_000 + b"]" * 30_000 + b"}}",
        b'{"query":"\xff"}',
        '{"query":"{ hello }"}'.encode("utf-16"),
        b"{}",
        b'{"query":null}',
        b'{"query":""}',
        b'{"query":1}',
        b'{"query":"{ hello }","variables":[]}',
        b'{"query":"{ hello }","variables":"{}"}',
        b'{"query":"{ hello }","operationName":1}',
        b'{"query":"{ hello }","operationName":"Other"}',
        b'{"query":"{ hello }","extensions":[]}',
        b'{"query":"subscription { count }"}',
        b'{"query":"fragment a on Query { hello }"}',
    ],
)
async def test_a_body_that_is_no_request_is_400(body: bytes) -> None:
    assert refusal(await post(body)) == (400, "BAD_REQUEST")


async def test_variables_nested_beyond_reason_are_bad_input() -> None:
    body = b'{"query":"query ($t: String!) { echo(text: $t) }","variables":{"t":' + b"[" * 900 + b"]" * 900 + b"}}"
    assert refusal(await post(body)) == (200, "BAD_USER_INPUT")


async def test_of_several_operations_one_must_be_named() -> None:
    several = "query A { hello } query B { customer { name } }"
    assert refusal(await post({"query": several}, accept=GRAPHQL_JSON)) == (400, "BAD_REQUEST")
    named = await post({"query": several, "operationName": "B"})
    assert data(named) == {"customer": {"name": "Ada"}}


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/jsonp",
        "application/json, text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
        "application/graphql",
    ],
)
async def test_any_other_content_type_is_415(content_type: str) -> None:
    response = await post({"query": "{ hello }"}, headers={"content-type": content_type})
    assert refusal(response) == (415, "BAD_REQUEST")


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"'])
async def test_utf8_may_be_spelled_out(content_type: str) -> None:
    response = await post({"query": '{ echo(text: "Grüße 🏃") }'}, headers={"content-type": content_type})
    assert data(response) == {"echo": "Grüße 🏃"}


async def test_a_compressed_body_is_415() -> None:
    assert refusal(await post({"query": "{ hello }"}, headers={"content-encoding": "gzip"})) == (415, "BAD_REQUEST")


async def test_an_answer_nobody_can_read_is_406() -> None:
    assert refusal(await post({"query": "{ hello }"}, accept="image/png")) == (406, "BAD_REQUEST")


async def test_queries_may_come_over_get() -> None:
    response = await get(query="query ($t: String!) { echo(text: $t) }", variables='{"t": "hi"}')
    assert data(response) == {"echo": "hi"}


@pytest.mark.parametrize("accept", [JSON, GRAPHQL_JSON])
async def test_a_mutation_over_get_is_405_and_names_post(accept: str) -> None:
    response = await get(query='mutation { rename(name: "x") }', accept=accept)
    assert refusal(response) == (405, "BAD_REQUEST")
    assert response.headers["allow"] == "POST"


@pytest.mark.parametrize("variables", ["{", "[]", "1", '{"t": NaN}'])
async def test_broken_variables_over_get_are_400(variables: str) -> None:
    assert refusal(await get(query="{ hello }", variables=variables)) == (400, "BAD_REQUEST")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_are_405(method: str) -> None:
    async with client() as http:
        response = await http.request(method, "/graphql")
    assert refusal(response) == (405, "BAD_REQUEST")
    assert response.headers["allow"] == "GET, POST"


async def test_an_unexpected_exception_is_masked_and_logged_once_under_the_id_the_client_sees() -> None:
    with capture_logs() as logs:
        response = await post({"query": '{ secret: broken echo(text: "ada@example.com") }'})
    (error,) = response.json()["errors"]
    correlation_id = error["extensions"].pop("correlationId")
    assert response.json()["data"] == {"secret": None, "echo": "ada@example.com"}
    assert error == {
        "message": "Unexpected error.",
        "locations": [{"line": 1, "column": 3}],
        "path": ["secret"],
        "extensions": {"code": "INTERNAL"},
    }
    assert SECRET not in response.text
    (line,) = [each for each in logs if each["log_level"] == "error"]
    assert (line["event"], line["path"], line["correlation_id"]) == ("graphql.fault", "secret", correlation_id)
    assert str(line["exc_info"]) == SECRET
    assert "ada@example.com" not in repr({key: value for key, value in line.items() if key != "exc_info"})


async def test_a_resolvers_own_graphql_error_keeps_its_words_and_code() -> None:
    answer = (await post({"query": "{ refused }"}, accept=GRAPHQL_JSON)).json()
    assert answer["data"] == {"refused": None}
    assert [(each["message"], each["extensions"]) for each in answer["errors"]] == [
        ("Not this way.", {"code": "CUSTOMER_BUSY"})
    ]


async def test_refusals_are_logged_without_the_query() -> None:
    with capture_logs() as logs:
        await post({"query": '{ nothing(email: "ada@example.com") other }'})
    assert logs == [
        {
            "event": "graphql.refused",
            "log_level": "info",
            "codes": ["GRAPHQL_VALIDATION_FAILED"],
            "path": None,
            "errors": 1,
        }
    ]


async def test_the_context_is_made_from_the_request() -> None:
    assert data(await post({"query": "{ caller }"}, headers={"x-caller": "ada"})) == {"caller": "ada"}


async def test_a_refusal_by_the_context_keeps_its_status_and_headers() -> None:
    response = await post({"query": "{ caller }"}, headers={"x-caller": "stranger"})
    assert refusal(response) == (401, "UNAUTHENTICATED")
    assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("accept", [JSON, GRAPHQL_JSON])
async def test_a_fault_outside_of_resolvers_is_a_masked_500(accept: str) -> None:
    with capture_logs() as logs:
        response = await post({"query": "{ caller }"}, headers={"x-caller": "breaks"}, accept=accept)
    assert refusal(response) == (500, "INTERNAL")
    assert SECRET not in response.text
    assert [line["correlation_id"] for line in logs if line["event"] == "graphql.fault"] == [
        response.json()["errors"][0]["extensions"]["correlationId"]
    ]


@pytest.mark.parametrize(("accept", "status"), [(JSON, 200), (GRAPHQL_JSON, 503)])
async def test_what_takes_too_long_is_cancelled_and_said_so(accept: str, status: int) -> None:
    response = await post({"query": "{ slow }"}, accept=accept, seconds=0.02)
    assert refusal(response) == (status, "TIMEOUT")
    (error,) = response.json()["errors"]
    assert error["message"].startswith("The request was stopped after 0.02 seconds.")


async def test_a_query_in_a_stream_has_the_same_deadline() -> None:
    async with client(seconds=0.02) as http:
        response = await http.post("/graphql", json={"query": "{ slow }"}, headers=EVENTS)
    assert '"code":"TIMEOUT"' in response.text


@pytest.mark.parametrize(
    ("query", "variables", "estimate"),
    [
        ("{ hello }", {}, 1),
        ("{ customers(first: 7) { nodes { name } } }", {}, 1 + 7 * 2),
        ("query ($n: Int!) { customers(first: $n) { nodes { name } } }", {"n": 9}, 1 + 9 * 2),
        ("query ($n: Int!) { customers(first: $n) { nodes { name } } }", {"n": 2}, 1 + 2 * 2),
        ('mutation { rename(name: "x") }', {}, 1),
        ("{ broken }", {}, 1),
        ("query ($n: Int!) { customers(first: $n) { nodes { name } } }", {"n": 9_000}, 1 + 9_000 * 2),
    ],
)
async def test_every_answer_tells_what_it_cost(query: str, variables: dict[str, int], estimate: int) -> None:
    response = await post({"query": query, "variables": variables})
    assert response.json()["extensions"] == {"cost": {"estimate": estimate, "limit": 5_000}}


EVENTS = {"accept": "text/event-stream"}


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_subscriptions_are_served_as_events(method: str) -> None:
    query = "subscription { count(upto: 2) }"
    async with client() as http:
        if method == "GET":
            response = await http.get("/graphql", params={"query": query}, headers=EVENTS)
        else:
            response = await http.post("/graphql", json={"query": query}, headers=EVENTS)
    assert response.headers["content-type"] == "text/event-stream"
    assert response.headers["cache-control"] == "no-cache, no-transform"
    assert response.text.replace("\r\n", "\n") == (
        'event: next\ndata: {"data":{"count":1},"extensions":{"cost":{"estimate":1,"limit":5000}}}\n\n'
        'event: next\ndata: {"data":{"count":2}}\n\n'
        "event: complete\ndata: \n\n"
    )


async def test_a_fault_in_a_stream_is_masked_there_too() -> None:
    async with client() as http:
        response = await http.post("/graphql", json={"query": "subscription { breaking }"}, headers=EVENTS)
    assert '"data":{"breaking":1}' in response.text
    assert '"code":"INTERNAL"' in response.text
    assert SECRET not in response.text


async def test_a_mutation_over_get_does_not_run_as_a_stream_either() -> None:
    async with client() as http:
        response = await http.get("/graphql", params={"query": 'mutation { rename(name: "x") }'}, headers=EVENTS)
    assert '"message":"mutations are not allowed"' in response.text
    assert '"code":"BAD_REQUEST"' in response.text
    assert '"rename"' not in response.text
