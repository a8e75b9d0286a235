"""GraphQL over WebSocket (`graphql-transport-ws`): frames checked before Strawberry reads them.

Unchecked, `[]`, `1`, an id that is an object or a long error in the close reason are unhandled exceptions there.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import orjson
from graphql import GraphQLError
from starlette.exceptions import HTTPException
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState
from starlette.websockets import WebSocketDisconnected as StarletteWebSocketDisconnected
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler, Operation
from strawberry.subscriptions.protocols.graphql_transport_ws.types import Message, SubscribeMessage

from app.graphql_refusals import refusal_for
from schema.extensions import masked
from schema.request_errors import RequestErrorCode

if TYPE_CHECKING:
    from app.graphql_view import BillingGraphQL

MAX_REASON_BYTES = 123
"""A close frame holds no more (RFC 6455, 5.5)."""

STRANGER = (401, 403)
FORBIDDEN = 4403
"""The close code of graphql-transport-ws for a connection that is not let in."""

MESSAGE_TYPES = ("connection_init", "ping", "pong", "subscribe", "complete")


class WebSocketAdapter(ASGIWebSocketAdapter):
    ws: WebSocket

    async def send_json(self, message: Mapping[str, object]) -> None:
        try:
            await self.ws.send_text(orjson.dumps(message).decode())
        except (WebSocketDisconnect, StarletteWebSocketDisconnected) as gone:
            raise WebSocketDisconnected from gone

    async def close(self, code: int, reason: str) -> None:
        if WebSocketState.DISCONNECTED not in (self.ws.application_state, self.ws.client_state):
            await self.ws.close(code, reason.encode()[:MAX_REASON_BYTES].decode(errors="ignore"))


class TransportHandler(BaseGraphQLTransportWSHandler[object, None]):
    async def handle_message(self, message: Message) -> None:
        problem = frame_problem(message)
        if problem is not None:
            await self.handle_invalid_message(problem)
            return
        if message["type"] == "connection_init":
            payload = message.get("payload") or {}
            self._connection.state.connection_params = payload
            message["payload"] = payload  # null is legal, and unknown to Strawberry
            if not await self._is_admitted():
                return
        await super().handle_message(message)

    async def _is_admitted(self) -> bool:
        """Each operation asks again, and tells of its own failure. Whoever is a stranger already now is sent away."""
        try:
            await cast("BillingGraphQL", self.view).context_getter(self._connection)
        except HTTPException as refusal:
            if refusal.status_code in STRANGER:
                await self.websocket.close(FORBIDDEN, refusal.detail)
                return False
        except Exception as fault:
            masked(fault)
        return True

    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        limit = self.max_subscriptions_per_connection
        if self.connection_acknowledged and limit is not None and len(self.operations) >= limit:
            error = GraphQLError(
                f"At most {limit} operations run on one connection.",
                extensions={"code": RequestErrorCode.TOO_MANY_SUBSCRIPTIONS},
            )
            await self.send_message({"id": message["id"], "type": "error", "payload": [error.formatted]})
            return
        await super().handle_subscribe(message)

    async def run_operation(self, operation: Operation[object, None]) -> None:
        try:
            context = await cast("BillingGraphQL", self.view).context_getter(self._connection)
        except Exception as fault:
            await operation.send_initial_errors([refusal_for(fault).error])
            return
        # Strawberry reads `self.context` before its first await, so operations side by side cannot mix theirs.
        self.context = context
        await super().run_operation(operation)

    async def handle_task_exception(self, error: Exception) -> None:
        if not isinstance(error, WebSocketDisconnected):
            masked(error)

    @staticmethod
    def _get_pre_execution_close_reason(error: GraphQLError) -> str | None:
        """A bad document ends its own operation, never the other ones on the connection."""
        return None

    @property
    def _connection(self) -> WebSocket:
        return cast("WebSocketAdapter", self.websocket).ws


def frame_problem(message: object) -> str | None:
    """Why a frame cannot be a message of the protocol, in a few words for the close reason."""
    if not isinstance(message, dict):
        return "A message must be a JSON object"
    if message.get("type") not in MESSAGE_TYPES:
        return "Unknown message type"
    if message["type"] in ("subscribe", "complete") and not _is_text(message.get("id")):
        return "A message needs an id"
    if message["type"] == "subscribe":
        return _payload_problem(message.get("payload"))
    if not isinstance(message.get("payload"), dict | None):
        return "The payload must be an object"
    return None


def _payload_problem(payload: object) -> str | None:
    if not isinstance(payload, dict):
        return "The payload must be an object"
    if not isinstance(payload.get("query"), str):
        return "The payload needs a query"
    if not isinstance(payload.get("operationName"), str | None):
        return "operationName must be a string"
    if not all(isinstance(payload.get(name), dict | None) for name in ("variables", "extensions")):
        return "variables and extensions must be objects"
    return None


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""
