"""GraphQL over HTTP: what Strawberry's view leaves open, closed.

The answers follow the GraphQL-over-HTTP specification: a request that never ran has no `data`, and is 400 in
`application/graphql-response+json` and 200 in the older `application/json`.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, cast

import orjson
from cross_web import AsyncHTTPRequestAdapter
from graphql import GraphQLFormattedError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import MissingQueryError
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData
from strawberry.http.base import BaseRequestProtocol
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL, GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from app.graphiql import GraphiQL
from app.graphql_refusals import Refusal, refusal_for
from app.graphql_ws import TransportHandler, WebSocketAdapter
from schema.extensions import FAULT, GuardedSchema, Policy
from schema.request_errors import RequestErrorCode

JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"
EVENT_STREAM = "text/event-stream"

ContextGetter = Callable[[HTTPConnection], Awaitable[object]]
"""Makes the context of one operation. Over WebSocket it is called for each operation, so that no loader outlives one;
the payload of `connection_init` is then in `connection.state.connection_params`."""


class BillingGraphQL(GraphQL[object, None]):
    """`POST`, `GET` for queries, `graphql-transport-ws` and SSE; no batches, no uploads, no other protocol."""

    websocket_adapter_class = WebSocketAdapter
    graphql_transport_ws_handler_class = TransportHandler

    def __init__(
        self,
        schema: GuardedSchema,
        *,
        context_getter: ContextGetter,
        graphiql: GraphiQL | None = None,
        policy: Policy | None = None,
        allowed_origins: Sequence[str] = (),
        init_timeout_seconds: float = 3,
        max_subscriptions_per_connection: int = 20,
    ) -> None:
        super().__init__(
            schema.under(policy or Policy()),
            graphql_ide="graphiql" if graphiql else None,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL, GRAPHQL_SSE_PROTOCOL),
            connection_init_wait_timeout=timedelta(seconds=init_timeout_seconds),
            max_subscriptions_per_connection=max_subscriptions_per_connection,
            allowed_origins=allowed_origins,
        )
        self.context_getter = context_getter
        self._graphiql = graphiql

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await super().__call__(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            response = await self.run(request)
        except ClientDisconnect:
            return
        except Exception as fault:  # the last place that can answer in JSON; a fault is logged there
            response = self._refuse(request, refusal_for(fault))
        await response(scope, receive, send)

    def _refuse(self, request: Request, refusal: Refusal) -> Response:
        accepted = preferred_media_type(request.headers.get("accept"))
        return Response(
            orjson.dumps({"errors": [refusal.error.formatted]}),
            status_code=refusal.status,
            media_type=GRAPHQL_JSON if accepted == GRAPHQL_JSON else JSON,
            headers=dict(refusal.headers),
        )

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> object:
        """A socket has none: its handler asks for one per operation. Nor has the page, which asks for nothing."""
        if isinstance(request, WebSocket) or self._shows_page(request):
            return {}
        return await self.context_getter(request)

    def _shows_page(self, request: Request) -> bool:
        return self._graphiql is not None and self.should_render_graphql_ide(self.request_adapter_class(request))

    def is_request_allowed(self, request: BaseRequestProtocol) -> bool:
        if request.method not in ("GET", "POST"):
            raise HTTPException(405, "GraphQL is served over GET and POST.", {"allow": "GET, POST"})
        return True

    def should_render_graphql_ide(self, request: BaseRequestProtocol) -> bool:
        """Only for a browser: a bare `*/*` is a client that wants JSON."""
        return (
            request.method == "GET"
            and request.query_params.get("query") is None
            and "text/html" in request.headers.get("accept", "")
        )

    async def render_graphql_ide(self, request: Request) -> Response:
        assert self._graphiql is not None  # otherwise `graphql_ide` is None and Strawberry answers 404
        return self._graphiql.page()

    async def parse_http_body(self, request: AsyncHTTPRequestAdapter) -> GraphQLRequestData:
        accepted = preferred_media_type(request.headers.get("accept"))
        if accepted is None:
            raise HTTPException(406, f"The answer can be {GRAPHQL_JSON}, {JSON} or {EVENT_STREAM}.")
        if request.method == "GET":
            body: object = self.parse_query_params(request.query_params)
        else:
            _require_json(request.headers)
            body = self.parse_json(await request.get_body())
        return request_data(body, streamed=accepted == EVENT_STREAM)

    def decode_json(self, data: str | bytes) -> object:
        """Strict: UTF-8, no NaN, no lone surrogates, no number beyond a double, a bounded depth."""
        return orjson.loads(data)

    def encode_json(self, data: object) -> bytes:
        return orjson.dumps(data)

    async def execute_single(
        self,
        request: Request,
        request_adapter: AsyncHTTPRequestAdapter,
        sub_response: Response,
        context: object,
        root_value: None,
        request_data: GraphQLRequestData,
    ) -> ExecutionResult:
        try:
            return await self.schema.execute(
                request_data.query,
                root_value=root_value,
                variable_values=request_data.variables,
                context_value=context,
                operation_name=request_data.operation_name,
                operation_extensions=request_data.extensions,
                allowed_operation_types=_allowed_operations(request_adapter.method),
            )
        except MissingQueryError:
            raise HTTPException(400, "The request has no `query`.") from None
        except CannotGetOperationTypeError as error:
            raise HTTPException(400, error.as_http_error_reason()) from None
        except InvalidOperationTypeError as error:
            raise _not_over_http(error, request_adapter.method) from None

    async def get_sub_response(self, request: Request | WebSocket) -> Response:
        sub_response = await super().get_sub_response(request)
        sub_response.media_type = preferred_media_type(request.headers.get("accept"))
        return sub_response

    async def process_result(self, request: Request, result: ExecutionResult) -> GraphQLHTTPResponse:
        response = await super().process_result(request, result)
        if result.data is None and result.errors and all(error.path is None for error in result.errors):
            response.pop("data", None)
        return response

    def create_response(
        self, response_data: GraphQLHTTPResponse | list[GraphQLHTTPResponse], sub_response: Response
    ) -> Response:
        response = super().create_response(response_data, sub_response)
        if sub_response.media_type == GRAPHQL_JSON:
            response.headers["content-type"] = f"{GRAPHQL_JSON}; charset=utf-8"
            if "data" not in response_data:
                response.status_code = _status_of_refused(response_data)
        elif "data" not in response_data and _codes(response_data) == {RequestErrorCode.RATE_LIMITED}:
            response.status_code = 429  # whoever keeps to it looks at the status, in the older form too
        return response


def preferred_media_type(accept: str | None) -> str | None:
    """Ours under an `Accept` header, or None. With equal weight the newer JSON wins, and a stream is only for those who
    take no JSON: some clients list it with every query."""
    weights = dict(_accepted(part) for part in (accept or "*/*").split(","))
    graphql_json = weights.get(GRAPHQL_JSON, 0.0)
    plain_json = weights.get(JSON, max(weights.get("*/*", 0.0), weights.get("application/*", 0.0)))
    if graphql_json and graphql_json >= plain_json:
        return GRAPHQL_JSON
    if plain_json:
        return JSON
    return EVENT_STREAM if weights.get(EVENT_STREAM) else None


def _accepted(part: str) -> tuple[str, float]:
    essence, *parameters = (piece.strip().lower() for piece in part.split(";"))
    for parameter in parameters:
        if parameter.startswith("q="):
            return essence, _weight(parameter[2:])
    return essence, 1.0


def _weight(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 0.0


def _require_json(headers: Mapping[str, str]) -> None:
    essence, _, parameters = headers.get("content-type", "").lower().partition(";")
    charset = parameters.strip().replace('"', "")
    if essence.strip() != JSON or charset not in ("", "charset=utf-8"):
        raise HTTPException(415, f"A POST carries {JSON} in UTF-8.")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise HTTPException(415, "A compressed body is not accepted.")


def request_data(body: object, *, streamed: bool) -> GraphQLRequestData:
    if not isinstance(body, dict):
        raise HTTPException(400, "The request must be one JSON object; batches are not accepted.")
    return GraphQLRequestData(
        query=_parameter(body, "query", str),
        variables=_parameter(body, "variables", dict),
        operation_name=_parameter(body, "operationName", str),
        extensions=_parameter(body, "extensions", dict),
        protocol="sse" if streamed else "http",
    )


def _parameter(body: dict[str, Any], name: str, kind: type) -> Any:
    value = body.get(name)
    if value is not None and not isinstance(value, kind):
        raise HTTPException(400, f"`{name}` must be {'a string' if kind is str else 'an object'} or null.")
    return value


def _allowed_operations(method: str) -> set[OperationType]:
    return {OperationType.QUERY} if method == "GET" else {OperationType.QUERY, OperationType.MUTATION}


def _not_over_http(error: InvalidOperationTypeError, method: str) -> HTTPException:
    if error.operation_type is OperationType.SUBSCRIPTION:
        return HTTPException(400, f"Subscriptions are served as {EVENT_STREAM} or over WebSocket.")
    return HTTPException(405, error.as_http_error_reason(method), {"allow": "POST"})


def _status_of_refused(response_data: GraphQLHTTPResponse | list[GraphQLHTTPResponse]) -> int:
    codes = _codes(response_data)
    if FAULT in codes:
        return 500
    return 429 if RequestErrorCode.RATE_LIMITED in codes else 503 if RequestErrorCode.TIMEOUT in codes else 400


def _codes(response_data: GraphQLHTTPResponse | list[GraphQLHTTPResponse]) -> set[str]:
    assert isinstance(response_data, dict)  # batches are off
    errors = cast("list[GraphQLFormattedError]", response_data["errors"])
    return {error["extensions"]["code"] for error in errors}
