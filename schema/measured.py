"""Counts and traces GraphQL operations, over whichever transport they come.

By their root field, which is one of ours. The name of an operation is the client's to choose: as a label of a metric,
it would let a client fill the memory of whoever collects them.
"""

from collections.abc import Iterator
from time import perf_counter
from typing import Any

import structlog
from graphql import FieldNode, GraphQLSchema, OperationDefinitionNode, OperationType
from strawberry.extensions import SchemaExtension
from strawberry.types.execution import ExecutionContext

from billing.error_codes import ErrorCode
from schema.extensions import FAULT
from telemetry.metrics import graphql_request_seconds, graphql_requests
from telemetry.tracing import span

NONE, SEVERAL, UNKNOWN, INTROSPECTION = "none", "several", "unknown", "introspection"
OK = "OK"
ENDED_EARLY = "ENDED_EARLY"
"""Cut off, or no operation at all."""
_OUR_CODES = frozenset(code.value for code in ErrorCode)


class Measured(SchemaExtension):
    def on_operation(self) -> Iterator[None]:
        """A subscription lasts as long as its client likes: it is counted, and not timed."""
        began, code = perf_counter(), ENDED_EARLY
        try:
            yield
            code = _code(self.execution_context)
        finally:
            context = self.execution_context
            operation = _operation(context)
            name = _root_field(operation, context.schema._schema)
            graphql_requests.labels(name, code).inc()
            if operation is None or operation.operation is not OperationType.SUBSCRIPTION:
                graphql_request_seconds.labels(name).observe(perf_counter() - began)

    def on_execute(self) -> Iterator[None]:
        """A query or a mutation."""
        context = self.execution_context
        name = _root_field(_operation(context), context.schema._schema)
        with structlog.contextvars.bound_contextvars(graphql=name), span(f"graphql {name}"):
            yield


def _operation(context: ExecutionContext) -> OperationDefinitionNode | None:
    """The one that runs. None: the text could not be parsed, or names no operation."""
    if context.graphql_document is None:
        return None
    wanted = context._provided_operation_name
    for node in context.graphql_document.definitions:
        if isinstance(node, OperationDefinitionNode) and (wanted is None or (node.name and node.name.value == wanted)):
            return node
    return None


def _root_field(operation: OperationDefinitionNode | None, schema: GraphQLSchema) -> str:
    if operation is None:
        return NONE
    root = schema.get_root_type(operation.operation)
    known = root.fields if root else {}
    names = {
        _known(selection.name.value, known) if isinstance(selection, FieldNode) else SEVERAL
        for selection in operation.selection_set.selections
    }
    return names.pop() if len(names) == 1 else SEVERAL


def _known(name: str, fields: dict[str, Any]) -> str:
    if name.startswith("__"):
        return INTROSPECTION
    return name if name in fields else UNKNOWN


def _code(context: ExecutionContext) -> str:
    if errors := context.pre_execution_errors:
        return str((errors[0].extensions or {}).get("code", FAULT))
    return _first_user_error(getattr(context.result, "data", None)) or OK


def _first_user_error(data: object) -> str | None:
    """As far as the client asked for codes, and by their own name."""
    for payload in data.values() if isinstance(data, dict) else ():
        for error in (payload.get("userErrors") or ()) if isinstance(payload, dict) else ():
            code = error.get("code") if isinstance(error, dict) else None
            if code in _OUR_CODES:
                return str(code)
    return None
