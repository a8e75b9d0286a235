"""Requests to any root field of the schema, made from the schema itself, and as whom they are sent."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    get_named_type,
    is_leaf_type,
    is_list_type,
    is_required_argument,
    is_required_input_field,
)

from schema.root import make_schema
from tests.keys import bearer
from tests.service import Service

CREATE_KEY = """
mutation Create($input: CreateApiKeyInput!) {
  createApiKey(input: $input) {
    secret
    apiKey { id name prefix scopes createdAt expiresAt revokedAt lastUsedAt }
    userErrors { code field message }
  }
}
"""
SCALARS: Mapping[str, object] = {
    "String": "sample",
    "ID": "sample",
    "Int": 1,
    "BigInt": 1,
    "Boolean": True,
    "DateTime": "2100-01-01T00:00:00Z",
    "JSON": {},
}


@dataclass(frozen=True, slots=True)
class RootField:
    operation: str
    name: str
    definition: GraphQLField

    def __str__(self) -> str:
        return self.name

    @property
    def takes_input(self) -> bool:
        return "input" in self.definition.args

    def document(self, selection: str, given: Iterable[str]) -> str:
        """With a variable for each argument that is given."""
        declared = ", ".join(f"${name}: {self.definition.args[name].type}" for name in given)
        passed = ", ".join(f"{name}: ${name}" for name in given)
        leaf = is_leaf_type(get_named_type(self.definition.type))
        return (
            f"{self.operation} Ask{f'({declared})' if declared else ''} "
            f"{{ {self.name}{f'({passed})' if passed else ''} {'' if leaf else f'{{ {selection} }}'} }}"
        )

    def variables(self, **named: object) -> dict[str, object]:
        """The least that is asked for; `named` values wherever an argument or a field of an input has that name."""
        return {
            name: sample(name, argument.type, named)
            for name, argument in self.definition.args.items()
            if is_required_argument(argument) or name in named
        }


def root_fields() -> Iterator[RootField]:
    schema = make_schema()._schema
    for operation, root in (
        ("query", schema.query_type),
        ("mutation", schema.mutation_type),
        ("subscription", schema.subscription_type),
    ):
        assert isinstance(root, GraphQLObjectType)
        yield from (RootField(operation, name, definition) for name, definition in root.fields.items())


def everything_below(root: RootField) -> str:
    """Every field that there is, as far down as no type comes back."""
    kind = get_named_type(root.definition.type)
    return _everything_of(kind, (kind,)) if isinstance(kind, GraphQLObjectType) else ""


def _everything_of(kind: GraphQLObjectType, above: tuple[GraphQLNamedType, ...]) -> str:
    selected = []
    for name, definition in kind.fields.items():
        below = get_named_type(definition.type)
        if is_leaf_type(below):
            selected.append(name)
        elif isinstance(below, GraphQLObjectType) and below not in above:
            selected.append(f"{name} {{ {_everything_of(below, (*above, below))} }}")
    return " ".join(selected)


def sample(name: str, kind: GraphQLInputType, named: Mapping[str, object]) -> object:
    if name in named:
        return named[name]
    bare = get_named_type(kind)
    value: object
    if isinstance(bare, GraphQLEnumType):
        value = next(iter(bare.values))
    elif isinstance(bare, GraphQLInputObjectType):
        value = {
            inner: sample(inner, each.type, named)
            for inner, each in bare.fields.items()
            if is_required_input_field(each) or inner in named
        }
    else:
        assert isinstance(bare, GraphQLScalarType)
        value = SCALARS[bare.name]
    return [value] if is_list_type(kind.of_type if isinstance(kind, GraphQLNonNull) else kind) else value


@dataclass(frozen=True, slots=True)
class Asker:
    """Somebody with credentials of their own."""

    service: Service
    headers: Mapping[str, str] = field(default_factory=dict)

    async def execute(self, query: str, **variables: Any) -> dict[str, Any]:
        answer = await self.service.http.post(
            "/graphql", json={"query": query, "variables": variables}, headers=self.headers
        )
        body: dict[str, Any] = answer.json()
        return body

    async def ask(self, root: RootField, selection: str = "__typename", **named: object) -> dict[str, Any]:
        """The answer; of a subscription that is refused, the refusal."""
        given = root.variables(**named)
        accept = "text/event-stream" if root.operation == "subscription" else "application/json"
        answer = await self.service.http.post(
            "/graphql",
            json={"query": root.document(selection, given), "variables": given},
            headers={**self.headers, "accept": accept},
        )
        body: dict[str, Any] = json.loads(answer.text.partition("data: ")[2].partition("\n")[0] or answer.text)
        return body


async def new_key(service: Service, *scopes: str, **given: Any) -> dict[str, Any]:
    """The answer to createApiKey, asked by an administrator."""
    wanted = {"name": "a program", "scopes": list(scopes), **given}
    payload: dict[str, Any] = (await service.graphql(CREATE_KEY, input=wanted))["createApiKey"]
    return payload


async def asker(service: Service, *scopes: str, **given: Any) -> Asker:
    """Somebody with a fresh key of these scopes."""
    return Asker(service, bearer((await new_key(service, *scopes, **given))["secret"]))


def code_of(body: Mapping[str, Any]) -> str | None:
    """Of the first top-level error."""
    errors = body.get("errors")
    return str(errors[0]["extensions"]["code"]) if errors else None
