"""`expand[]`: an id in the answer replaced by its object. Paths are checked before anything runs."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import cast

from mock_stripe.errors import ParameterError
from mock_stripe.store import Store, Table

Rendered = dict[str, object]

DEEPEST = 4

_EXPANDABLE: dict[str, dict[str, str]] = {
    "customer": {"invoice_settings": "invoice_settings"},
    "invoice_settings": {"default_payment_method": "payment_method"},
    "payment_method": {"customer": "customer"},
    "setup_intent": {"customer": "customer", "payment_method": "payment_method", "latest_attempt": "setup_attempt"},
    "setup_attempt": {"customer": "customer", "payment_method": "payment_method", "setup_intent": "setup_intent"},
    "payment_intent": {"customer": "customer", "payment_method": "payment_method", "latest_charge": "charge"},
    "charge": {
        "customer": "customer",
        "payment_intent": "payment_intent",
        "balance_transaction": "balance_transaction",
    },
    "refund": {
        "balance_transaction": "balance_transaction",
        "charge": "charge",
        "customer": "customer",
        "failure_balance_transaction": "balance_transaction",
        "payment_intent": "payment_intent",
        "payment_method": "payment_method",
    },
    "balance_transaction": {"source": "charge"},
}
"""Kind of object (or of a hash in one), member that can be expanded, kind of what it then is."""


def check_paths(kind: str, paths: Sequence[str], *, in_list: bool) -> None:
    for path in paths:
        keys = path.split(".")
        if in_list and keys[0] == "data":
            keys = keys[1:]
        elif in_list:
            raise _cannot_expand(path)
        if len(keys) > DEEPEST:
            raise ParameterError(f"You cannot expand more than {DEEPEST} levels of a property: {path}.", param="expand")
        _check(kind, keys, path=path)


def render(store: Store, answer: Mapping[str, object], paths: Sequence[str]) -> Rendered:
    """A copy of `answer` with every path expanded; `data.` leads into the items of a list."""
    rendered = deepcopy(dict(answer))
    for path in paths:
        _expand(store, rendered, path.split("."))
    return rendered


def _check(kind: str, keys: Sequence[str], *, path: str) -> None:
    here = kind
    for key in keys:
        if key not in _EXPANDABLE.get(here, {}):
            raise _cannot_expand(path)
        here = _EXPANDABLE[here][key]
    if not keys or here == "invoice_settings":
        raise _cannot_expand(path)


def _cannot_expand(path: str) -> ParameterError:
    return ParameterError(f"This property cannot be expanded ({path}).", param="expand")


def _expand(store: Store, here: Rendered, keys: Sequence[str]) -> None:
    if not keys:
        return
    key, *rest = keys
    value = here.get(key)
    if isinstance(value, str):
        value = here[key] = deepcopy(dict(_look_up(store, value)))
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, dict):
            _expand(store, cast("Rendered", item), rest)


def _look_up(store: Store, object_id: str) -> Mapping[str, object]:
    tables = cast(
        "tuple[Table[Mapping[str, object]], ...]",
        (
            store.customers,
            store.deleted_customers,
            store.payment_methods,
            store.payment_intents,
            store.setup_intents,
            store.setup_attempts,
            store.charges,
            store.refunds,
            store.balance_transactions,
        ),
    )
    return next(row for table in tables if (row := table.find(object_id)) is not None)
