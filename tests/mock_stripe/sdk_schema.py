"""JSON Schemas derived from the SDK's own classes.

A member that is not Optional is required, and a member the class does not have is refused. What this cannot see:
"required, but may be null" (the SDK writes both as Optional), and enums, which the SDK leaves open.
"""

import ast
import importlib
import inspect
import sys
import types
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import cache
from typing import Any, ClassVar, Literal, Union, get_args, get_origin, get_type_hints

import stripe
from jsonschema import Draft202012Validator
from stripe._stripe_object import StripeObject, UntypedStripeObject

Schema = dict[str, Any]  # JSON Schema has no narrower type

_SCALARS: dict[object, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    float: {"type": "number"},
    Decimal: {"type": "string"},
    type(None): {"type": "null"},
    Any: {},
    object: {},
}

_CLASSES: dict[str, type[StripeObject]] = {
    "balance_transaction": stripe.BalanceTransaction,
    "charge": stripe.Charge,
    "customer": stripe.Customer,
    "event": stripe.Event,
    "payment_intent": stripe.PaymentIntent,
    "payment_method": stripe.PaymentMethod,
    "refund": stripe.Refund,
    "setup_attempt": stripe.SetupAttempt,
    "setup_intent": stripe.SetupIntent,
    "webhook_endpoint": stripe.WebhookEndpoint,
}


def problems(answer: Mapping[str, Any]) -> list[str]:
    """What the SDK's classes have against this answer: an object, a list of them, or an error body."""
    if "error" in answer:
        return _check(stripe.ErrorObject, answer["error"], "error")
    if answer["object"] in {"list", "search_result"}:
        return [problem for item in answer["data"] for problem in problems(item)]
    found = _check(_CLASSES[answer["object"]], answer, answer["object"])
    if answer["object"] == "event":
        found += [f"{answer['type']}: {problem}" for problem in problems(answer["data"]["object"])]
    return found


def _check(cls: type[StripeObject], content: object, name: str) -> list[str]:
    return [
        f"{name}.{'.'.join(map(str, error.absolute_path))}: {error.message[:200]}"
        for error in _deepest(validator(cls).iter_errors(content))
    ]


def _deepest(errors: Iterable[Any]) -> Iterable[Any]:
    """An anyOf reports only that nothing fitted; the reasons are in its branches."""
    for error in errors:
        branches = [inner for inner in error.context or [] if inner.absolute_path != error.absolute_path]
        yield from _deepest(branches) if branches else [error]


_DEFINITIONS: Schema = {}
"""Filled on demand, and shared, because nearly every class leads to nearly all others."""


def validator(cls: type[StripeObject]) -> Draft202012Validator:
    return Draft202012Validator({**_reference(cls), "$defs": _DEFINITIONS})


def _reference(cls: type) -> Schema:
    name = f"{cls.__module__}.{cls.__qualname__}"
    if name not in _DEFINITIONS:
        _DEFINITIONS[name] = {}  # the classes refer to each other in circles
        _DEFINITIONS[name] = _definition(cls)
    return {"$ref": f"#/$defs/{name}"}


def _definition(cls: type) -> Schema:
    hints = _members(cls)
    full: Schema = {
        "type": "object",
        "properties": {name: _schema(hint) for name, hint in hints.items()},
        "required": [name for name, hint in hints.items() if type(None) not in get_args(hint)],
        "additionalProperties": False,
    }
    if "deleted" not in hints:
        return full
    full["properties"] = {name: schema for name, schema in full["properties"].items() if name != "deleted"}
    stub = {
        "type": "object",
        "properties": {"id": {"type": "string"}, "object": {"type": "string"}, "deleted": {"const": True}},
        "required": ["id", "object", "deleted"],
        "additionalProperties": False,
    }
    return {"if": {"required": ["deleted"]}, "then": stub, "else": full}


def _schema(hint: object) -> Schema:
    if hint in _SCALARS:
        return _SCALARS[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in {Union, types.UnionType}:
        return {"anyOf": [_schema(option) for option in arguments]}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin is list:
        return {"type": "array", "items": _schema(arguments[0])}
    if origin in {dict, UntypedStripeObject}:
        return {"type": "object", "additionalProperties": _schema(arguments[-1])}
    if origin is stripe.ListObject:
        return {"type": "object", "properties": {"data": {"type": "array", "items": _schema(arguments[0])}}}
    assert inspect.isclass(hint), hint
    return _reference(hint)


def _members(cls: type) -> dict[str, object]:
    probe = type("Probe", (), {"__annotations__": dict(inspect.get_annotations(cls))})
    hints = get_type_hints(probe, globalns=_names(cls.__module__), localns=dict(vars(cls)))
    return {name: hint for name, hint in hints.items() if get_origin(hint) is not ClassVar}


@cache
def _names(module_name: str) -> dict[str, object]:
    """What the module's annotations can name, with what it imports for type checkers only."""
    module = sys.modules[module_name]
    names = dict(vars(module))
    for block in ast.parse(inspect.getsource(module)).body:
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING":
            for statement in block.body:
                if isinstance(statement, ast.ImportFrom) and statement.module:
                    source = importlib.import_module(statement.module)
                    names |= {alias.asname or alias.name: getattr(source, alias.name) for alias in statement.names}
    return names
