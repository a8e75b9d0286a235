"""The committed SDL, which front-end code is generated from."""

import re
from pathlib import Path

import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLObjectType

from app.__main__ import SDL
from operations.live import StreamEnded
from schema.root import make_schema

ROOT = Path(__file__).parents[2]


def test_the_committed_sdl_is_current() -> None:
    committed = ROOT.joinpath(SDL).read_text("utf-8")

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


@pytest.mark.parametrize("name", ["ErrorCode", "RequestErrorCode"])
def test_every_code_of_an_error_is_described(name: str) -> None:
    codes = make_schema()._schema.type_map[name]
    assert isinstance(codes, GraphQLEnumType)

    assert [code for code, value in codes.values.items() if not value.description] == []


def test_the_codes_that_are_listed_for_requests_are_those_that_are_answered() -> None:
    listed = make_schema()._schema.type_map["RequestErrorCode"]
    assert isinstance(listed, GraphQLEnumType)
    rooms = [ROOT / room for room in ("app", "resolvers", "schema")]
    source = "".join(path.read_text("utf-8") for room in rooms for path in room.rglob("*.py"))
    answered = set(re.findall(r"RequestErrorCode\.([A-Z_]+)", source)) | {
        each.code for each in StreamEnded.__subclasses__()
    }

    assert set(listed.values) == answered
    assert re.findall(r'"code": "[A-Z_]+"', source) == [], "a code that the schema does not list"


# The type of each tells all: an input, a filter, an order.
SPEAK_FOR_THEMSELVES = {"input", "filter", "orderBy"}
