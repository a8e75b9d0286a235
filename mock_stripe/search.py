"""Stripe's search query language: clauses joined by AND, or by OR, never both.

email:'a@b.c' AND metadata['entity_id']:'u1'     created>1700000000     -status:'canceled'     name~'jen'
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from mock_stripe.errors import ParameterError

_CLAUSE = re.compile(
    r"""\s*(?P<negated>-)?
        (?P<field>[a-z_.]+)(?:\[(?P<kq>["'])(?P<key>(?:\\.|(?!(?P=kq)).)*)(?P=kq)\])?
        \s*(?P<operator>:|~|>=|<=|>|<)\s*
        (?:(?P<vq>["'])(?P<text>(?:\\.|(?!(?P=vq)).)*)(?P=vq)|(?P<bare>null|-?\d+))\s*""",
    re.VERBOSE | re.IGNORECASE,
)
_JOINT = re.compile(r"(AND|OR)\s", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Clause:
    field: str
    key: str | None
    operator: str
    value: str | None
    """None: the field has to be missing."""
    negated: bool

    def matches(self, row: Mapping[str, object]) -> bool:
        return self._holds(self._actual(row)) != self.negated

    def _actual(self, row: Mapping[str, object]) -> object:
        value = row.get(self.field)
        return cast("Mapping[str, object]", value or {}).get(self.key) if self.key is not None else value

    def _holds(self, actual: object) -> bool:
        if self.value is None or actual is None:
            return actual is None and self.value is None
        if self.operator == ":":
            return str(actual).casefold() == self.value.casefold()
        if self.operator == "~":
            return self.value.casefold() in str(actual).casefold()
        return isinstance(actual, int) and self._compares(actual, int(self.value))

    def _compares(self, actual: int, bound: int) -> bool:
        outcomes = {">": actual > bound, ">=": actual >= bound, "<": actual < bound, "<=": actual <= bound}
        return outcomes[self.operator]


@dataclass(frozen=True, slots=True)
class Query:
    clauses: tuple[Clause, ...]
    any_of_them: bool

    def matches(self, row: Mapping[str, object]) -> bool:
        found = [clause.matches(row) for clause in self.clauses]
        return any(found) if self.any_of_them else all(found)


def parse_query(text: str, *, fields: frozenset[str]) -> Query:
    """`fields`: what this resource can be searched by; metadata is one."""
    clauses: list[Clause] = []
    joints: set[str] = set()
    position = 0
    while True:
        found = _CLAUSE.match(text, position)
        if not found:
            raise _unparsable(text)
        clauses.append(_clause(found, fields))
        position = found.end()
        if position == len(text):
            break
        joint = _JOINT.match(text, position)
        if joint:
            joints.add(joint[1].upper())
            position = joint.end()
        else:
            joints.add("AND")
    if len(joints) > 1:
        raise ParameterError("You can't combine AND and OR in the same query.", param="query")
    return Query(tuple(clauses), any_of_them="OR" in joints)


def _clause(found: re.Match[str], fields: frozenset[str]) -> Clause:
    field, key, operator = found["field"], found["key"], found["operator"]
    if field not in fields or (field == "metadata") != (key is not None):
        raise ParameterError(
            f"Field `{field}` is an unsupported search field for this resource. See "
            "http://stripe.com/docs/search#query-fields-for-charges for a list of supported fields.",
            param="query",
        )
    value = None if found["bare"] == "null" else found["bare"] or _unescape(found["text"])
    if operator in {">", ">=", "<", "<="} and not re.fullmatch(r"-?\d{1,18}", value or ""):
        raise _unparsable(found[0])
    return Clause(field, _unescape(key) if key is not None else None, operator, value, bool(found["negated"]))


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _unparsable(text: str) -> ParameterError:
    return ParameterError(
        f'We were unable to parse your search query: {text.strip()}. Try using the format `metadata["key"]:"value"` '
        'to query for metadata or key:"value" to query for other fields.',
        param="query",
    )
