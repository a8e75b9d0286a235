"""The door before every root field. Nothing is behind it that `schema.policy` has no rule for."""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Any, TypeVar

from graphql import GraphQLError
from strawberry.extensions import FieldExtension
from strawberry.types.base import get_object_definition
from strawberry.types.field import StrawberryField
from strawberry.utils.str_converters import to_camel_case

from access.callers import Caller, acting_as
from access.errors import NotAdmitted
from schema.context import Context, Info
from schema.errors import NotAllowed, require, user_errors
from schema.policy import Rule

T = TypeVar("T", bound=type)


class Uncovered(Exception):  # noqa: N818  named for what is wrong, as all our errors
    def __init__(self, root: str, names: set[str]) -> None:
        super().__init__(f"schema/policy.py and {root} do not agree about {', '.join(sorted(names))}")


class Unauthenticated(GraphQLError):  # noqa: N818  as above
    def __init__(self, problem: NotAdmitted) -> None:
        super().__init__(str(problem), extensions={"code": "UNAUTHENTICATED"})


def guarded(rules: Mapping[str, Rule]) -> Callable[[T], T]:
    """Puts every field of a root type behind its rule. Raises `Uncovered` where there is one without the other."""

    def guard(root: T) -> T:
        definition = get_object_definition(root, strict=True)
        fields = {to_camel_case(field.python_name): field for field in definition.fields}
        if odd := fields.keys() ^ rules.keys():
            raise Uncovered(definition.name, odd)
        for name, field in fields.items():
            field.extensions = [*field.extensions, Gate(rules[name])]
        return root

    return guard


def check(rule: Rule, caller: Caller) -> None:
    """Raises `NotAllowed`."""
    if caller.customer is not None and rule.own is None:
        raise NotAllowed("A customer token is not good for this.")
    require(caller, rule.scope)


class Gate(FieldExtension):
    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._field: StrawberryField | None = None

    def apply(self, field: StrawberryField) -> None:
        self._field = field

    def resolve(self, next_: Callable[..., Any], source: Any, info: Info, **given: Any) -> Any:
        check(self.rule, info.context.caller)
        return next_(source, info, **given)

    async def resolve_async(self, next_: Callable[..., Any], source: Any, info: Info, **given: Any) -> Any:
        caller = info.context.caller
        check(self.rule, caller)
        if caller.customer is not None and self.rule.own is not None:
            refusal = await self.rule.own(given.get("input"), caller.customer)
            if refusal is not None:
                return self._payload(user_errors=user_errors(refusal))
        with acting_as(caller):
            found = await next_(source, info, **given)
        return _while_admitted(found, info.context) if isinstance(found, AsyncGenerator) else found

    @property
    def _payload(self) -> Callable[..., object]:
        assert self._field is not None
        answer: Callable[..., object] = self._field.type  # type: ignore[assignment]  # only a payload has an input
        return answer


async def _while_admitted(events: AsyncGenerator[Any, None], context: Context) -> AsyncGenerator[Any, None]:
    """A stream ends with the key, session or token that opened it."""
    async with aclosing(events):
        async for event in events:
            try:
                await context.ask_again()
            except NotAdmitted as problem:
                raise Unauthenticated(problem) from None
            yield event
