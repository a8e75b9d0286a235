"""How much work a GraphQL document asks for, measured before anything walks it blindly.

Limits that expand fragment spreads without memory are themselves a denial of service: 744 bytes of chained fragments
keep them busy for seconds. Here a fragment is measured once and its sums are reused: the effort is linear in the text.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_list_type,
)
from graphql.utilities.coerce_input_value import coerce_default_value

from schema.request_errors import RequestErrorCode

PAGE_SIZE_ARGUMENTS = ("first", "last")
MEASURED_LIMITS = ("expanded_size", "depth", "introspection_depth", "aliases", "directives", "repeats")
INTROSPECTION_ROOTS = frozenset({"__schema", "__type"})

MAX_LEVEL = 64
"""Nesting, inline fragments and spreads included, at which measuring stops: keeps the recursion shallow."""

MAX_PAGE_DIGITS = 9
"""Longer page sizes than this are beyond every limit, and `int()` refuses thousands of digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentLimits:
    """The most one document may ask for: `depth` in fields with a selection set, `cost` in values of the answer."""

    source_characters: int = 32_768
    tokens: int = 1_000
    comments: int = 200
    definitions: int = 30
    depth: int = 8
    introspection_depth: int = 20
    aliases: int = 15
    directives: int = 8
    repeats: int = 20
    expanded_size: int = 2_000
    cost: int = 5_000
    assumed_page_size: int = 50
    """For a paged field whose page size is neither given nor defaulted."""
    assumed_list_size: int = 10
    """For a list without pages."""


class QueryTooComplex(GraphQLError):  # noqa: N818  named for what is wrong, as all our errors
    """The document exceeds one limit, which the message and the extensions name."""

    def __init__(self, limit: str, maximum: int) -> None:
        super().__init__(
            f"The query is too complex: the limit for {limit.replace('_', ' ')} is {maximum}.",
            extensions={"code": RequestErrorCode.QUERY_TOO_COMPLEX, "limit": limit, "maximum": maximum},
        )


@dataclass(slots=True)
class Measure:
    """Sums over a selection set, every fragment spread expanded. `names` counts the fields on its top level."""

    expanded_size: int = 0
    depth: int = 0
    introspection_depth: int = 0
    aliases: int = 0
    directives: int = 0
    repeats: int = 0
    cost: int = 0
    names: dict[str, int] = field(default_factory=dict)

    def add(self, other: "Measure") -> None:
        """Puts `other` beside what is here, on the same level."""
        self.expanded_size += other.expanded_size
        self.aliases += other.aliases
        self.directives += other.directives
        self.cost += other.cost
        self.depth = max(self.depth, other.depth)
        self.introspection_depth = max(self.introspection_depth, other.introspection_depth)
        self.repeats = max(self.repeats, other.repeats)
        for name, count in other.names.items():
            self.names[name] = count = self.names.get(name, 0) + count
            self.repeats = max(self.repeats, count)


class DocumentBudget:
    """Measures one document against a schema, the limits and the variables of the request."""

    def __init__(
        self,
        *,
        schema: GraphQLSchema,
        document: DocumentNode,
        variables: Mapping[str, object],
        limits: DocumentLimits,
    ) -> None:
        self.visits = 0
        self.page_variables: set[str] = set()
        """The variables that decided a page size: with the same values the sums are the same."""
        self._schema = schema
        self._limits = limits
        self._definitions = document.definitions
        self._operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._variables = {**_default_variables(self._operations), **variables}
        self._measured: dict[tuple[str, bool], Measure] = {}

    def check(self) -> Measure:
        """The sums over all operations, the largest depth, repeats and cost; raises `QueryTooComplex`.

        The cost is not refused here: how large it is depends on which names the schema has, and a document that is not
        valid must not find that out.
        """
        self._require("definitions", len(self._definitions))
        total = Measure()
        for operation in self._operations:
            cost = total.cost
            total.add(self._operation(operation))
            total.names.clear()  # operations do not share a level
            total.cost = max(cost, total.cost - cost)
        for name in self._fragments:
            self._fragment(name, in_page=False, level=0)  # unused ones too: validation will walk them
        for limit in MEASURED_LIMITS:
            self._require(limit, getattr(total, limit))
        return total

    def _require(self, limit: str, value: int) -> None:
        maximum: int = getattr(self._limits, limit)
        if value > maximum:
            raise QueryTooComplex(limit, maximum)

    def _operation(self, node: OperationDefinitionNode) -> Measure:
        root = self._schema.get_root_type(node.operation)
        measure = self._selections(node.selection_set, root, in_page=False, level=0)
        measure.directives += len(node.directives or ())
        measure.directives += sum(len(each.directives or ()) for each in node.variable_definitions or ())
        return measure

    def _selections(
        self, node: SelectionSetNode, parent: GraphQLNamedType | None, *, in_page: bool, level: int
    ) -> Measure:
        if level > MAX_LEVEL:
            raise QueryTooComplex("depth", self._limits.depth)
        total = Measure()
        for selection in node.selections:
            self.visits += 1
            total.add(self._selection(selection, parent, in_page=in_page, level=level + 1))
            self._require("expanded_size", total.expanded_size)
        return total

    def _selection(self, node: SelectionNode, parent: GraphQLNamedType | None, *, in_page: bool, level: int) -> Measure:
        if isinstance(node, FieldNode):
            return self._field(node, parent, in_page=in_page, level=level)
        if isinstance(node, InlineFragmentNode):
            condition = node.type_condition
            inner = self._schema.get_type(condition.name.value) if condition else parent
            measure = self._selections(node.selection_set, inner, in_page=in_page, level=level)
        else:
            assert isinstance(node, FragmentSpreadNode)
            shared = self._fragment(node.name.value, in_page=in_page, level=level)
            measure = Measure()
            measure.add(shared)
        measure.directives += len(node.directives or ())
        return measure

    def _fragment(self, name: str, *, in_page: bool, level: int) -> Measure:
        """Unknown and cyclic fragments count as nothing: validation refuses them."""
        key = (name, in_page)
        if key not in self._measured:
            self._measured[key] = Measure()
            definition = self._fragments.get(name)
            if definition is not None:
                inner = self._schema.get_type(definition.type_condition.name.value)
                measure = self._selections(definition.selection_set, inner, in_page=in_page, level=level)
                measure.directives += len(definition.directives or ())
                self._measured[key] = measure
        return self._measured[key]

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None, *, in_page: bool, level: int) -> Measure:
        name = node.name.value
        definition = _field_definition(parent, name)
        page_size = self._page_size(node, definition)
        measure = Measure(
            expanded_size=1,
            aliases=1 if node.alias else 0,
            directives=len(node.directives or ()),
            repeats=1,
            cost=1,
            names={name: 1},
        )
        if node.selection_set is None:
            return measure
        child_type = get_named_type(definition.type) if definition else None
        child = self._selections(node.selection_set, child_type, in_page=page_size is not None, level=level)
        self._enclose(measure, child, introspection=name in INTROSPECTION_ROOTS)
        measure.cost += child.cost * self._multiplier(definition, page_size, in_page=in_page)
        return measure

    @staticmethod
    def _enclose(measure: Measure, child: Measure, *, introspection: bool) -> None:
        measure.expanded_size += child.expanded_size
        measure.aliases += child.aliases
        measure.directives += child.directives
        measure.repeats = max(measure.repeats, child.repeats)
        if introspection:
            measure.introspection_depth = 1 + child.depth
        else:
            measure.depth = 1 + child.depth
            measure.introspection_depth = child.introspection_depth

    def _multiplier(self, definition: GraphQLField | None, page_size: int | None, *, in_page: bool) -> int:
        """A connection multiplies once: the list directly inside it (`edges`, `nodes`) is that same page."""
        if page_size is not None:
            return max(page_size, 1)
        if definition is None or in_page or _is_introspection(definition):
            return 1
        return self._limits.assumed_list_size if is_list_type(get_nullable_type(definition.type)) else 1

    def _page_size(self, node: FieldNode, definition: GraphQLField | None) -> int | None:
        """The larger of `first` and `last`, else the schema's default; None for a field without pages."""
        if definition is None:
            return None
        declared = [name for name in PAGE_SIZE_ARGUMENTS if name in definition.args]
        if not declared:
            return None
        given = {argument.name.value: argument.value for argument in node.arguments or ()}
        sizes = [self._integer(given[name]) for name in declared if name in given]
        asked = [size for size in sizes if size is not None]
        if asked:
            return max(asked)
        defaults = [_coerced_integer(coerce_default_value(definition.args[name])) for name in declared]
        return max((size for size in defaults if size is not None), default=self._limits.assumed_page_size)

    def _integer(self, node: ValueNode) -> int | None:
        if isinstance(node, VariableNode):
            name = node.name.value
            self.page_variables.add(name)
            return _coerced_integer(self._variables.get(name))
        return _literal_integer(node)


def _literal_integer(node: ValueNode | None) -> int | None:
    if not isinstance(node, IntValueNode):
        return None
    return int(node.value) if len(node.value) <= MAX_PAGE_DIGITS else 10**MAX_PAGE_DIGITS


def _coerced_integer(value: object) -> int | None:
    """As GraphQL coerces an `Int`: 3.0 is 3, true and "3" are nothing."""
    if isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1:
        return int(value)
    return None


def _is_introspection(definition: GraphQLField) -> bool:
    return get_named_type(definition.type).name.startswith("__")


def _field_definition(parent: GraphQLNamedType | None, name: str) -> GraphQLField | None:
    if not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
        return None
    fields: Mapping[str, GraphQLField] = parent.fields
    return fields.get(name)


def _default_variables(operations: list[OperationDefinitionNode]) -> dict[str, int]:
    """Where operations disagree, the larger."""
    defaults: dict[str, int] = {}
    for definition in (each for operation in operations for each in operation.variable_definitions or ()):
        size = _literal_integer(definition.default_value)
        if size is not None:
            name = definition.variable.name.value
            defaults[name] = max(size, defaults.get(name, size))
    return defaults
