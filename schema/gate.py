"""The door before every root field. Nothing is behind it that `schema.policy` has no rule for."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog
from graphql import GraphQLError
from starlette.exceptions import HTTPException
from strawberry.extensions import FieldExtension
from strawberry.types.base import get_object_definition
from strawberry.types.field import StrawberryField
from strawberry.utils.str_converters import to_camel_case

from access.audit import About, Act, Facts, doing, record
from access.callers import Caller, acting_as
from billing.entity import LONGEST_ENTITY_ID
from billing.errors import BillingError
from models import AuditOutcome
from schema.admitted import while_admitted
from schema.context import Context, Info
from schema.errors import NotAllowed, require, user_errors
from schema.extensions import FAULT, correlation_id_of, error_code
from schema.policy import Rule
from schema.request_errors import RequestErrorCode

log = structlog.get_logger("graphql")

T = TypeVar("T", bound=type)


class Uncovered(Exception):  # noqa: N818  named for what is wrong, as all our errors
    def __init__(self, root: str, names: set[str]) -> None:
        super().__init__(f"schema/policy.py and {root} do not agree about {', '.join(sorted(names))}")


def guarded(rules: Mapping[str, Rule], make: "type[Gate] | None" = None) -> Callable[[T], T]:
    """Puts every field of a root type behind its rule. Raises `Uncovered` where there is one without the other."""
    make = make or Gate

    def guard(root: T) -> T:
        definition = get_object_definition(root, strict=True)
        fields = {to_camel_case(field.python_name): field for field in definition.fields}
        if odd := fields.keys() ^ rules.keys():
            raise Uncovered(definition.name, odd)
        for name, field in fields.items():
            field.extensions = [*field.extensions, make(name, rules[name])]
        return root

    return guard


def check(rule: Rule, caller: Caller) -> None:
    """Raises `NotAllowed`."""
    if caller.customer is not None and rule.own is None:
        raise NotAllowed("A customer token is not good for this.")
    if rule.scope is not None:
        require(caller, rule.scope)


class Gate(FieldExtension):
    def __init__(self, name: str, rule: Rule) -> None:
        self.name = name
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
        return while_admitted(found, info.context) if isinstance(found, AsyncGenerator) else found

    @property
    def _payload(self) -> Callable[..., object]:
        assert self._field is not None
        answer: Callable[..., object] = self._field.type  # type: ignore[assignment]  # only a payload has an input
        return answer


class AuditedGate(Gate):
    """Before a mutation. Whatever came of it is in the audit log; what changed something has put it there itself."""

    async def resolve_async(self, next_: Callable[..., Any], source: Any, info: Info, **given: Any) -> Any:
        async with audited(self.name, given.get("input"), info.context) as answer:
            payload = await super().resolve_async(next_, source, info, **given)
            answer.note(payload)
        return payload


@dataclass(slots=True)
class Answer:
    """What a mutation came to that has put nothing into the log itself."""

    outcome: AuditOutcome = AuditOutcome.SUCCEEDED
    error_code: str | None = None

    def note(self, payload: object) -> None:
        if errors := getattr(payload, "user_errors", None):
            self.outcome, self.error_code = AuditOutcome.REFUSED, errors[0].code.value
        elif getattr(payload, "operation", None) is not None:
            self.outcome = AuditOutcome.REPEATED


@asynccontextmanager
async def audited(name: str, given: object, context: Context) -> AsyncIterator[Answer]:
    answer = Answer()
    with acting_as(context.caller), doing(name, given) as act:
        try:
            yield answer
        except (GraphQLError, BillingError, HTTPException) as refusal:
            await _record_rest(act, Answer(AuditOutcome.REFUSED, _code(refusal)), context)
            raise
        except Exception as fault:
            await _record_fault(act, fault, context)
            raise
        await _record_rest(act, answer, context)


async def _record_rest(act: Act, answer: Answer, context: Context) -> None:
    if not act.recorded:
        about = _about(act, context)
        await record(act.action, answer.outcome, at=context.now(), about=about, error_code=answer.error_code)


async def _record_fault(act: Act, fault: Exception, context: Context) -> None:
    """Also after something was accepted: whoever asked was not told of it. Never in the place of the fault itself."""
    correlation_id = correlation_id_of(fault)
    try:
        await record(
            act.action,
            AuditOutcome.FAULT,
            at=context.now(),
            about=_about(act, context),
            error_code=FAULT,
            correlation_id=correlation_id,
        )
    except Exception:
        # What the fault was about may be why: without a database there is no audit log either.
        log.exception("audit.fault_not_recorded", action=act.action, correlation_id=correlation_id)


def _about(act: Act, context: Context) -> About:
    own = context.caller.customer
    return About(own.id, own.entity_id) if own else About(entity_id=_entity_id(act.asked))


def _entity_id(asked: Facts) -> str | None:
    found = asked.get("entity_id")
    return found if isinstance(found, str) and len(found) <= LONGEST_ENTITY_ID else None


def _code(refusal: GraphQLError | BillingError | HTTPException) -> str:
    if isinstance(refusal, HTTPException):
        return RequestErrorCode.BAD_REQUEST
    return refusal.code.value if isinstance(refusal, BillingError) else error_code(refusal)
