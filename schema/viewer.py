"""What the caller may do, told by the same rules that let them in or not."""

from itertools import chain

from access.callers import Caller
from schema.context import Info
from schema.errors import NotAllowed
from schema.gate import check
from schema.policy import MUTATIONS, QUERIES, SUBSCRIPTIONS, Rule
from schema.types.viewer import RefusedField, Viewer


def viewer(info: Info) -> Viewer:
    caller = info.context.caller
    rules = chain(QUERIES.items(), MUTATIONS.items(), SUBSCRIPTIONS.items())
    reasons = ((name, _why_not(rule, caller)) for name, rule in rules)
    return Viewer(
        kind=caller.kind,
        name=caller.name,
        scopes=sorted(caller.scopes, key=lambda scope: scope.value),
        entity_id=caller.customer.entity_id if caller.customer else None,
        expires_at=caller.expires_at,
        refused=[RefusedField(name=name, reason=reason) for name, reason in reasons if reason is not None],
    )


def _why_not(rule: Rule, caller: Caller) -> str | None:
    try:
        check(rule, caller)
    except NotAllowed as refusal:
        return refusal.message
    return None
