"""Request parameters, checked against the SDK's own TypedDicts: Stripe refuses what it does not know, so does this."""

import re
import sys
import types
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, NotRequired, Required, Union, cast, get_args, get_origin

from stripe import RequestOptions
from typing_extensions import get_type_hints, is_typeddict  # the SDK's TypedDicts are of this module

from mock_stripe.encoding import Raw
from mock_stripe.errors import ParameterError

_INDEX = re.compile(r"[0-9]{1,9}")

Param = str | int | bool | list["Param"] | dict[str, "Param"]

_IDENTIFIERS = frozenset({"customer", "payment_method", "charge", "payment_intent", "setup_intent"})
"""Parameters that cannot be unset with an empty string."""


@dataclass(frozen=True, slots=True)
class Params:
    """Checked parameters of one request, or of one hash inside it. An empty string means: unset this."""

    values: Mapping[str, Param]

    def given(self, name: str) -> bool:
        return name in self.values

    def text(self, name: str) -> str | None:
        value = self.values.get(name)
        return value if isinstance(value, str) and value else None

    def required(self, name: str) -> str:
        value = self.text(name)
        if value is None:
            raise missing(name)
        return value

    def integer(self, name: str) -> int | None:
        value = self.values.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def flag(self, name: str) -> bool | None:
        value = self.values.get(name)
        return value if isinstance(value, bool) else None

    def texts(self, name: str) -> list[str]:
        value = self.values.get(name)
        return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []

    def hash(self, name: str) -> "Params":
        value = self.values.get(name)
        return Params(value if isinstance(value, dict) else {})


@dataclass(frozen=True, slots=True)
class _Accepts:
    """An annotation taken apart: which forms of a value it allows."""

    choices: tuple[str, ...]
    scalars: frozenset[object]
    hashes: tuple[type, ...]
    element: object | None
    free_hash: bool

    @property
    def emptyable(self) -> bool:
        return "" in self.choices


def check(shape: type, raw: Mapping[str, Raw]) -> Params:
    """Every parameter of `raw` as its declared type, or Stripe's 400."""
    if "payment_method_types" in raw and shape.__name__.startswith(("PaymentIntent", "SetupIntent")):
        raise _payment_method_types_gone()
    return Params(_hash(shape, raw, path=""))


def missing(name: str) -> ParameterError:
    return ParameterError(f"Missing required param: {name}.", code="parameter_missing", param=name)


def _payment_method_types_gone() -> ParameterError:
    return ParameterError(
        "The `payment_method_types` parameter is no longer supported. Use `allowed_payment_method_types`, "
        "`excluded_payment_method_types` or `automatic_payment_methods` instead.",
        code="payment_method_types_no_longer_supported",
        param="payment_method_types",
    )


def _hash(shape: type, raw: Mapping[str, Raw], *, path: str) -> dict[str, Param]:
    known = _members(shape)
    unknown = [_join(path, name) for name in raw if name not in known]
    if unknown:
        noun = "parameters" if len(unknown) > 1 else "parameter"
        raise ParameterError(
            f"Received unknown {noun}: {', '.join(unknown)}", code="parameter_unknown", param=unknown[0]
        )
    for name, member in known.items():
        if member.required and name not in raw:
            raise missing(_join(path, name))
    return {name: _value(known[name].accepts, value, path=_join(path, name)) for name, value in raw.items()}


@dataclass(frozen=True, slots=True)
class _Member:
    accepts: _Accepts
    required: bool


@cache
def _members(shape: type) -> dict[str, _Member]:
    options = RequestOptions.__annotations__
    own = {name: hint for name, hint in shape.__annotations__.items() if name not in options}
    # A stand-in class, because the options a params class inherits name types its module does not import.
    probe = type("Probe", (), {"__annotations__": own})
    hints = get_type_hints(probe, globalns=vars(sys.modules[shape.__module__]), include_extras=True)
    required: frozenset[str] = cast("Any", shape).__required_keys__
    return {name: _Member(_accepts(hint), required=name in required) for name, hint in hints.items()}


def _accepts(hint: object) -> _Accepts:
    choices: list[str] = []
    scalars: set[object] = set()
    hashes: list[type] = []
    element: object | None = None
    free_hash = False
    for option in _options(hint):
        origin = get_origin(option)
        if origin is Literal:
            choices += [str(value) for value in get_args(option)]
        elif origin is list:
            (element,) = get_args(option)
        elif is_typeddict(option):
            hashes.append(cast("type", option))
        elif option in {str, int, bool, float}:
            scalars.add(option)
        else:
            free_hash = True  # Dict[str, str] | UntypedStripeObject[str]
    return _Accepts(tuple(choices), frozenset(scalars), tuple(hashes), element, free_hash)


def _options(hint: object) -> list[object]:
    origin = get_origin(hint)
    if origin in {NotRequired, Required, Union, types.UnionType}:
        return [option for argument in get_args(hint) for option in _options(argument)]
    return [hint]


def _value(accepts: _Accepts, raw: Raw, *, path: str) -> Param:
    if isinstance(raw, dict):
        return _structure(accepts, raw, path=path)
    if raw == "":
        return _empty(accepts, path=path)
    return _scalar(accepts, raw, path=path)


def _structure(accepts: _Accepts, raw: dict[str, Raw], *, path: str) -> Param:
    if accepts.element is not None and all(_INDEX.fullmatch(key) for key in raw):
        inner = _accepts(accepts.element)
        ordered = sorted(raw.items(), key=lambda item: int(item[0]))
        return [_value(inner, value, path=_join(path, key)) for key, value in ordered]
    if accepts.hashes:
        return _hash(accepts.hashes[0], raw, path=path)
    if accepts.free_hash:
        return {key: _text(value, path=_join(path, key)) for key, value in raw.items()}
    expected = "array" if accepts.element is not None else "string"
    raise ParameterError(f"Invalid {expected}: {raw}", param=path)


def _text(raw: Raw, *, path: str) -> str:
    if isinstance(raw, dict):
        raise ParameterError(f"Invalid string: {raw}", param=path)
    return raw


def _empty(accepts: _Accepts, *, path: str) -> Param:
    if accepts.emptyable or (str in accepts.scalars and path not in _IDENTIFIERS):
        return ""
    raise ParameterError(
        f"You passed an empty string for '{path}'. We assume empty values are an attempt to unset a parameter; however "
        f"'{path}' cannot be unset. You should remove '{path}' from your request or supply a non-empty value.",
        code="parameter_invalid_empty",
        param=path,
    )


def _scalar(accepts: _Accepts, raw: str, *, path: str) -> Param:
    if raw in accepts.choices:
        return raw
    if int in accepts.scalars:
        return _integer(raw, path=path)
    if bool in accepts.scalars:
        return _boolean(raw, path=path)
    choices = [choice for choice in accepts.choices if choice]
    if choices:
        # The SDK types enums of requests as open (`Literal[...] | str`); the API behind it does not.
        raise ParameterError(f"Invalid {path}: must be one of {_listing(choices)}", param=path)
    if accepts.scalars:
        return raw
    expected = "array" if accepts.element is not None else "object"
    raise ParameterError(f"Invalid {expected}", param=path)


def _integer(raw: str, *, path: str) -> int:
    digits = raw.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 20):
        raise ParameterError(f"Invalid integer: {raw}", code="parameter_invalid_integer", param=path)
    return int(raw)


def _boolean(raw: str, *, path: str) -> bool:
    if raw not in {"true", "false"}:
        raise ParameterError(f"Invalid boolean: {raw}", param=path)
    return raw == "true"


def _listing(choices: list[str]) -> str:
    *first, last = choices
    return f"{', '.join(first)}, or {last}" if len(first) > 1 else " or ".join(choices)


def _join(path: str, name: str) -> str:
    return f"{path}[{name}]" if path else name
