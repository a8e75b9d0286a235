"""The form encoding of Stripe's v1 API: `a[b][c]=v`, `a[0]=v`, `a[]=v`."""

from urllib.parse import parse_qsl

from mock_stripe.errors import ParameterError

Raw = str | dict[str, "Raw"]
"""A value as sent. Arrays are hashes with the keys "0", "1", ... until the parameter's type is known."""

MAX_PAIRS = 2_000
MAX_DEPTH = 12


def decode_form(encoded: str) -> dict[str, Raw]:
    """`a[b]=1&c[]=2` -> `{"a": {"b": "1"}, "c": {"0": "2"}}`."""
    root: dict[str, Raw] = {}
    try:
        pairs = parse_qsl(encoded, keep_blank_values=True, max_num_fields=MAX_PAIRS)
    except ValueError as error:
        raise ParameterError("Too many parameters.") from error
    for name, value in pairs:
        _put(root, _path(name), value, name=name)
    return root


def _path(name: str) -> list[str]:
    head, bracket, rest = name.partition("[")
    if not bracket:
        return [head]
    if not head or not rest.endswith("]"):
        raise ParameterError(f"Invalid parameter name: {name}", param=name)
    keys = [head, *rest[:-1].split("][")]
    if len(keys) > MAX_DEPTH or any("[" in key or "]" in key for key in keys):
        raise ParameterError(f"Invalid parameter name: {name}", param=name)
    return keys


def _put(root: dict[str, Raw], keys: list[str], value: str, *, name: str) -> None:
    here = root
    for key in keys[:-1]:
        inner = here.setdefault(key or str(len(here)), {})
        if isinstance(inner, str):
            raise ParameterError(f"Conflicting values for parameter: {name}", param=name)
        here = inner
    last = keys[-1] or str(len(here))
    if isinstance(here.get(last), dict):
        raise ParameterError(f"Conflicting values for parameter: {name}", param=name)
    here[last] = value
