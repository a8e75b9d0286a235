"""The schema with its guards on: limits before validation, parsed documents kept, errors made fit to be seen."""

import asyncio
import copy
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
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
from schema.request_errors import RequestErrorCode

log = structlog.get_logger("graphql")

FAULT = RequestErrorCode.INTERNAL
CORRELATION_ID = "correlation_id"
CACHED_DOCUMENTS = 256
SUGGESTION = re.compile(r"\s*Did you mean [^?]*\?")


Charge = Callable[[object, int], Awaitable[GraphQLError | None]]
REFUSED_COST = 50
"""What a document costs that is refused: to read it was work as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a client may learn about the schema, and how much it may ask for at once."""

    introspection: bool = False
    hints: bool = False
    """"Did you mean", and which part of a document does not fit: without them a list of words learns the schema."""
    is_explorer: Callable[[object], bool] = lambda _: False
    """Whose context it is: somebody who may have introspection and hints wherever they are off."""
    limits: DocumentLimits = field(default_factory=DocumentLimits)
    charge: Charge | None = None
    """Takes the cost off what the caller may still ask for. Answers why it may not, if so."""
    seconds: float = 10
    """How long a query or a mutation may take; a subscription, until it has begun."""


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
        guard = DocumentGuard(self._documents)
        more: list[SchemaExtension] = [] if sync else [Charging(guard, self.policy), Deadline(self.policy.seconds)]
        return [guard, *more, *super().get_extensions(sync)]

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Called once for every result that has errors, over HTTP, WebSocket and SSE alike."""
        hints = self.policy.hints or _is_explorers(execution_context, self.policy)
        errors[:] = [presentable(error, hints=hints) for error in errors]
        codes = sorted({error_code(error) for error in errors} - {FAULT})
        if codes:
            log.info("graphql.refused", codes=codes, path=_dotted(errors[0]), errors=len(errors))


def _is_explorers(execution_context: ExecutionContext | None, policy: Policy) -> bool:
    return execution_context is not None and policy.is_explorer(execution_context.context)


class OperationNotNamed(GraphQLError):  # noqa: N818  named for what is wrong, as all our errors
    def __init__(self) -> None:
        super().__init__(
            "Several operations: say which in `operationName`.", extensions={"code": RequestErrorCode.BAD_REQUEST}
        )


class DoesNotFit(GraphQLError):  # noqa: N818  as above
    """Every error of validation at once, with no word and no place that would tell a right name from a wrong one."""

    def __init__(self) -> None:
        super().__init__(
            "The document does not fit the schema. Validate it against the SDL that was published for this service.",
            extensions={"code": RequestErrorCode.GRAPHQL_VALIDATION_FAILED},
        )


class Document:
    """A parsed document that remembers that it was found valid, and what it costs with which page sizes."""

    def __init__(self, node: DocumentNode) -> None:
        self.node = node
        self.operations = sum(isinstance(each, OperationDefinitionNode) for each in node.definitions)
        self._valid_under: set[tuple[type[ASTValidationRule], ...]] = set()
        self._page_variables: set[str] = set()
        self._measured: dict[str, object] | None = None
        self._cost = 0

    def cost(self, schema: GraphQLSchema, variables: dict[str, object], limits: DocumentLimits) -> int:
        """Raises `QueryTooComplex`."""
        if self._measured is None or self._measured != self._page_sizes(variables):
            budget = DocumentBudget(schema=schema, document=self.node, variables=variables, limits=limits)
            self._cost = budget.check().cost
            self._page_variables = budget.page_variables
            self._measured = self._page_sizes(variables)
        return self._cost

    def _page_sizes(self, variables: dict[str, object]) -> dict[str, object]:
        return {name: variables[name] for name in self._page_variables if name in variables}

    def refusals(self, schema: GraphQLSchema, rules: tuple[type[ASTValidationRule], ...]) -> list[GraphQLError]:
        if rules in self._valid_under:
            return []
        errors = validate_document(schema, self.node, rules)
        for error in errors:
            error.extensions = {"code": RequestErrorCode.GRAPHQL_VALIDATION_FAILED, **(error.extensions or {})}
        if not errors:
            self._valid_under.add(rules)
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
        self.cost: int | None = None

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
        is_explorer = policy.is_explorer(context.context)
        if not (policy.introspection or is_explorer):
            rules = (*rules, NoSchemaIntrospectionCustomRule)
        try:
            cost = document.cost(schema, context.variables or {}, policy.limits)
        except QueryTooComplex as refusal:
            return [refusal]
        if context._provided_operation_name is None and document.operations > 1:
            return [OperationNotNamed()]  # Strawberry would run the first
        if errors := document.refusals(schema, rules):
            return errors if policy.hints or is_explorer else [DoesNotFit()]
        self.cost = cost  # only now: an estimate tells which names exist
        return [QueryTooComplex("cost", policy.limits.cost)] if cost > policy.limits.cost else []

    def get_results(self) -> dict[str, object]:
        """`extensions.cost`, in the first answer of a stream only."""
        if self.cost is None:
            return {}
        estimate, self.cost = self.cost, None
        return {"cost": {"estimate": estimate, "limit": self.documents.policy.limits.cost}}


class Charging(SchemaExtension):
    """After the guard: what an operation costs is taken off its caller's allowance before anything is run."""

    def __init__(self, guard: DocumentGuard, policy: Policy) -> None:
        super().__init__()
        self.guard = guard
        self.policy = policy

    async def on_validate(self) -> AsyncIterator[None]:
        if self.policy.charge is not None:
            cost = REFUSED_COST if self.guard.cost is None else self.guard.cost
            # What is beyond the limit is refused as such, and is not run: it takes no more than the limit.
            cost = min(cost, self.policy.limits.cost)
            refusal = await self.policy.charge(self.execution_context.context, cost)
            if refusal is not None:
                self.execution_context.pre_execution_errors = [refusal]
        yield


class TookTooLong(GraphQLError):  # noqa: N818  as above
    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"The request was stopped after {seconds:g} seconds. What a mutation began may go on: send it again, with "
            "the same idempotency key, to learn what became of it.",
            extensions={"code": RequestErrorCode.TIMEOUT},
        )


class Deadline(SchemaExtension):
    """Cancels what takes too long. What a mutation has accepted stands in the database, and goes on without it."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    async def on_execute(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self.seconds):
                yield
        except TimeoutError:
            raise TookTooLong(self.seconds) from None


def presentable(error: GraphQLError, *, hints: bool) -> GraphQLError:
    """The error as a client may see it: always with a code, never with the words of an unexpected exception."""
    if _is_fault(error):
        return masked(error.original_error or error, error)
    if not hints:
        error.message = SUGGESTION.sub("", error.message)
    error.extensions = {**(error.extensions or {}), "code": error_code(error)}
    return error


def masked(fault: BaseException, error: GraphQLError | None = None) -> GraphQLError:
    """Logs the fault under its id and leaves the client with that id alone."""
    correlation_id = correlation_id_of(fault)
    log.error("graphql.fault", correlation_id=correlation_id, path=_dotted(error), exc_info=fault)
    return GraphQLError(
        "Unexpected error.",
        nodes=error.nodes if error else None,
        path=error.path if error else None,
        extensions={"code": FAULT, "correlationId": correlation_id},
    )


def correlation_id_of(fault: BaseException) -> str:
    """The same wherever the fault is told: in the answer, the log and the audit log."""
    if not hasattr(fault, CORRELATION_ID):
        setattr(fault, CORRELATION_ID, secrets.token_hex(8))
    return str(getattr(fault, CORRELATION_ID))


def error_code(error: GraphQLError) -> str:
    own = (error.extensions or {}).get("code")
    if own:
        return str(own)
    if isinstance(error, GraphQLSyntaxError):
        # The parser reports its limits as syntax errors that end so.
        is_cut_off = error.message.endswith("Parsing aborted.")
        return RequestErrorCode.QUERY_TOO_COMPLEX if is_cut_off else RequestErrorCode.GRAPHQL_PARSE_FAILED
    if _is_bad_request(error):
        return RequestErrorCode.BAD_REQUEST
    at_field = error.path is not None and error.nodes and isinstance(error.nodes[0], FieldNode)
    return RequestErrorCode.EXECUTION_FAILED if at_field else RequestErrorCode.BAD_USER_INPUT


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
