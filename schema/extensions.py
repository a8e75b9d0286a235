"""The schema with its guards on: limits before validation, parsed documents kept, errors made fit to be seen."""

import copy
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Self, TypedDict, cast

import strawberry
import structlog
from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    parse,
)
from graphql.validation import ASTValidationRule
from strawberry.exceptions import MissingQueryError
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.schema.schema import validate_document
from strawberry.types.execution import ExecutionContext, ParseOptions

from schema.budget import DocumentBudget, DocumentLimits, QueryTooComplex

log = structlog.get_logger("graphql")

FAULT = "INTERNAL"
CACHED_DOCUMENTS = 256
SUGGESTION = re.compile(r"\s*Did you mean .*\?$", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a client may learn about the schema, and how much it may ask for at once."""

    introspection: bool = False
    suggestions: bool = False
    limits: DocumentLimits = field(default_factory=DocumentLimits)


class GuardedSchema(strawberry.Schema):
    """A Strawberry schema under a `Policy`, whichever transport runs it."""

    def __init__(
        self,
        query: type,
        *,
        mutation: type | None = None,
        subscription: type | None = None,
        types: Iterable[type] = (),
        extensions: Iterable[type[SchemaExtension]] = (),
        config: StrawberryConfig | None = None,
        policy: Policy | None = None,
    ) -> None:
        super().__init__(
            query, mutation=mutation, subscription=subscription, types=types, extensions=extensions, config=config
        )
        self._apply(policy or Policy())

    def under(self, policy: Policy) -> Self:
        """The same schema with another policy; the types are shared."""
        other = copy.copy(self)
        other._apply(policy)
        return other

    def _apply(self, policy: Policy) -> None:
        self.policy = policy
        self._documents = Documents(policy)

    def get_extensions(self, sync: bool = False) -> list[SchemaExtension]:
        return [DocumentGuard(self._documents), *super().get_extensions(sync)]

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Called once for every result that has errors, over HTTP, WebSocket and SSE alike."""
        errors[:] = [presentable(error, suggestions=self.policy.suggestions) for error in errors]
        codes = sorted({error_code(error) for error in errors} - {FAULT})
        if codes:
            log.info("graphql.refused", codes=codes, path=_dotted(errors[0]), errors=len(errors))


class OperationNotNamed(GraphQLError):  # noqa: N818  named for what is wrong, as all our errors
    def __init__(self) -> None:
        super().__init__("Several operations: say which in `operationName`.", extensions={"code": "BAD_REQUEST"})


class Document:
    """A parsed document that remembers that it was found valid, and with which page sizes it was within the limits."""

    def __init__(self, node: DocumentNode) -> None:
        self.node = node
        self.operations = sum(isinstance(each, OperationDefinitionNode) for each in node.definitions)
        self._valid = False
        self._page_variables: set[str] = set()
        self._measured: dict[str, object] | None = None

    def measure(self, schema: GraphQLSchema, variables: dict[str, object], limits: DocumentLimits) -> None:
        """Raises `QueryTooComplex`."""
        if self._measured is not None and self._measured == self._page_sizes(variables):
            return
        budget = DocumentBudget(schema=schema, document=self.node, variables=variables, limits=limits)
        budget.check()
        self._page_variables = budget.page_variables
        self._measured = self._page_sizes(variables)

    def _page_sizes(self, variables: dict[str, object]) -> dict[str, object]:
        return {name: variables[name] for name in self._page_variables if name in variables}

    def refusals(self, schema: GraphQLSchema, rules: tuple[type[ASTValidationRule], ...]) -> list[GraphQLError]:
        if self._valid:
            return []
        errors = validate_document(schema, self.node, rules)
        for error in errors:
            error.extensions = {"code": "GRAPHQL_VALIDATION_FAILED", **(error.extensions or {})}
        self._valid = not errors
        return errors


class ParseLimits(TypedDict):
    max_source_length: int
    max_lexical_tokens: int
    max_comments: int


class Documents:
    """The last documents seen, by their text. Keyed on the text because hashing a syntax tree walks all of it."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.parse_limits = ParseLimits(
            max_source_length=policy.limits.source_characters,
            max_lexical_tokens=policy.limits.tokens,
            max_comments=policy.limits.comments,
        )
        self.parsed = lru_cache(maxsize=CACHED_DOCUMENTS)(self._parse)

    def _parse(self, source: str) -> Document:
        return Document(parse(source, **self.parse_limits))


class DocumentGuard(SchemaExtension):
    """Stands before every operation: parse within limits, measure, then validate."""

    def __init__(self, documents: Documents) -> None:
        super().__init__()
        self.documents = documents
        self.document: Document | None = None

    def on_parse(self) -> Iterator[None]:
        context = self.execution_context
        # Strawberry's type knows one of the parser's options.
        context.parse_options = cast("ParseOptions", self.documents.parse_limits)
        # A refused text is left for Strawberry to parse again and report: an exception raised here would end a
        # WebSocket operation without telling the client why.
        with suppress(GraphQLError):
            self.document = self.documents.parsed(context.query or "")
            context.graphql_document = self.document.node
        yield

    def on_validate(self) -> Iterator[None]:
        assert self.document is not None
        self.execution_context.pre_execution_errors = self._refusals(self.document)
        yield

    def _refusals(self, document: Document) -> list[GraphQLError]:
        context, policy = self.execution_context, self.documents.policy
        schema = context.schema._schema
        rules = context.validation_rules
        if not policy.introspection:
            rules = (*rules, NoSchemaIntrospectionCustomRule)
        try:
            document.measure(schema, context.variables or {}, policy.limits)
        except QueryTooComplex as refusal:
            return [refusal]
        if context._provided_operation_name is None and document.operations > 1:
            return [OperationNotNamed()]  # Strawberry would run the first
        return document.refusals(schema, rules)


def presentable(error: GraphQLError, *, suggestions: bool) -> GraphQLError:
    """The error as a client may see it: always with a code, never with the words of an unexpected exception."""
    if _is_fault(error):
        return masked(error.original_error or error, error)
    if not suggestions:
        error.message = SUGGESTION.sub("", error.message)
    error.extensions = {**(error.extensions or {}), "code": error_code(error)}
    return error


def masked(fault: BaseException, error: GraphQLError | None = None) -> GraphQLError:
    """Logs the fault under a new id and leaves the client with that id alone."""
    correlation_id = secrets.token_hex(8)
    log.error("graphql.fault", correlation_id=correlation_id, path=_dotted(error), exc_info=fault)
    return GraphQLError(
        "Unexpected error.",
        nodes=error.nodes if error else None,
        path=error.path if error else None,
        extensions={"code": FAULT, "correlationId": correlation_id},
    )


def error_code(error: GraphQLError) -> str:
    own = (error.extensions or {}).get("code")
    if own:
        return str(own)
    if isinstance(error, GraphQLSyntaxError):
        # The parser reports its limits as syntax errors that end so.
        return "QUERY_TOO_COMPLEX" if error.message.endswith("Parsing aborted.") else "GRAPHQL_PARSE_FAILED"
    if _is_bad_request(error):
        return "BAD_REQUEST"
    at_field = error.path is not None and error.nodes and isinstance(error.nodes[0], FieldNode)
    return "EXECUTION_FAILED" if at_field else "BAD_USER_INPUT"


def _is_bad_request(error: GraphQLError) -> bool:
    return isinstance(error.original_error, CannotGetOperationTypeError | InvalidOperationTypeError | MissingQueryError)


def _is_fault(error: GraphQLError) -> bool:
    """A foreign exception is a fault, unless it is a scalar refusing a value: that names a place in the document,
    but no path in the answer."""
    cause = error.original_error
    if cause is None or isinstance(cause, GraphQLError) or _is_bad_request(error):
        return False
    return error.path is not None or not error.nodes


def _dotted(error: GraphQLError | None) -> str | None:
    return ".".join(map(str, error.path)) if error is not None and error.path else None
