"""The committed SDL, which front-end code is generated from."""

from pathlib import Path

from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLObjectType

from app.__main__ import SDL
from schema.root import make_schema


def test_the_committed_sdl_is_current() -> None:
    committed = Path(__file__).parents[2].joinpath(SDL).read_text("utf-8")

    assert committed == make_schema().as_str() + "\n", "run `python -m app sdl` and commit it"


def test_every_type_and_every_root_field_and_its_arguments_are_described() -> None:
    schema = make_schema()._schema
    own = [each for name, each in schema.type_map.items() if not name.startswith("__")]
    types = [each for each in own if isinstance(each, GraphQLObjectType | GraphQLInputObjectType | GraphQLEnumType)]
    roots = [root for root in (schema.query_type, schema.mutation_type, schema.subscription_type) if root]
    fields = {f"{root.name}.{name}": field for root in roots for name, field in root.fields.items()}

    silent = [each.name for each in types if not each.description]
    silent += [name for name, field in fields.items() if not field.description]
    silent += [
        f"{name}({argument}:)"
        for name, field in fields.items()
        for argument, definition in field.args.items()
        if not (definition.description or argument in SPEAK_FOR_THEMSELVES)
    ]
    assert silent == []


# The type of each tells all: an input, a filter, an order.
SPEAK_FOR_THEMSELVES = {"input", "filter", "orderBy"}
