"""The whole schema, field by field: who is let in, and that nobody is by mistake."""

from collections.abc import Mapping
from typing import Any

import pytest
import strawberry

from access.scopes import Scope
from schema.gate import Uncovered, guarded
from schema.policy import MUTATIONS, QUERIES, SUBSCRIPTIONS, Rule
from tests.access.asking import Asker, RootField, asker, code_of, root_fields
from tests.keys import bearer
from tests.service import Service

RULES: Mapping[str, Mapping[str, Rule]] = {
    "query": QUERIES,
    "mutation": MUTATIONS,
    "subscription": SUBSCRIPTIONS,
}
FIELDS = tuple(root_fields())
EVERY_FIELD = pytest.mark.parametrize("root", FIELDS, ids=str)


def rule_of(root: RootField) -> Rule:
    return RULES[root.operation][root.name]


def scope_of(root: RootField) -> Scope:
    scope = rule_of(root).scope
    assert scope is not None
    return scope


FOR_EVERYBODY = [root for root in FIELDS if rule_of(root).scope is None]
SCOPED = [root for root in FIELDS if root not in FOR_EVERYBODY]
EVERY_SCOPED_FIELD = pytest.mark.parametrize("root", SCOPED, ids=str)


@pytest.fixture(scope="module")
async def askers(service: Service) -> dict[Scope, Asker]:
    """For each scope, a key that has all others: what it is refused, it is refused for want of that one."""
    every = [scope for scope in Scope if scope is not Scope.ADMIN]
    return {scope: await asker(service, *(other.name for other in every if other is not scope)) for scope in Scope}


def test_every_root_field_has_a_rule_and_every_rule_a_field() -> None:
    fields = {operation: {root.name for root in FIELDS if root.operation == operation} for operation in RULES}

    assert fields == {operation: set(rules) for operation, rules in RULES.items()}


def test_a_schema_with_a_field_nobody_thought_of_does_not_start() -> None:
    with pytest.raises(Uncovered, match=r"Query do not agree about forgotten$"):

        @guarded({"known": Rule(Scope.ADMIN)})
        @strawberry.type
        class Query:
            known: int = 1
            forgotten: int = 2


def test_a_rule_for_a_field_that_is_gone_does_not_start() -> None:
    with pytest.raises(Uncovered, match=r"Query do not agree about removed$"):

        @guarded({"known": Rule(Scope.ADMIN), "removed": Rule(Scope.ADMIN)})
        @strawberry.type
        class Query:
            known: int = 1


def test_only_who_asks_is_told_to_everybody() -> None:
    assert [root.name for root in FOR_EVERYBODY] == ["viewer"]


@EVERY_SCOPED_FIELD
async def test_a_key_that_lacks_the_scope_is_refused(
    service: Service, askers: dict[Scope, Asker], root: RootField
) -> None:
    scope = scope_of(root)

    body = await askers[scope].ask(root)

    assert code_of(body) == "FORBIDDEN"
    assert body["errors"][0]["message"] == f"This needs the scope {scope.value}."
    assert not (body.get("data") or {}).get(root.name)


@EVERY_FIELD
async def test_a_stranger_is_refused_before_anything_else(service: Service, root: RootField) -> None:
    stranger = Asker(service, bearer(f"bk_test_{'f' * 64}"))

    body = await stranger.ask(root)

    assert code_of(body) == "UNAUTHENTICATED"
    assert "data" not in body


QUERIES_AND_MUTATIONS = [root for root in SCOPED if root.operation != "subscription"]


@pytest.mark.parametrize("root", QUERIES_AND_MUTATIONS, ids=str)
async def test_a_key_with_that_scope_alone_is_let_in(service: Service, root: RootField) -> None:
    let_in = await asker(service, scope_of(root).name)

    body = await let_in.ask(root, entityId="nobody", quoteId="nothing")

    assert code_of(body) in (None, "BAD_USER_INPUT"), body


NESTED = [
    "creditLedger { amount }",
    "invoices { status }",
    "payments { status }",
    "paymentMethods { last4 }",
    "operations { status }",
]


@pytest.mark.parametrize("nested", NESTED)
async def test_who_may_write_but_not_read_gets_the_answer_and_nothing_below_its_nodes(
    service: Service, entity_id: str, nested: str
) -> None:
    writer = await asker(service, "BILLING_WRITE")
    onboard = "mutation ($input: OnboardInput!) { onboard(input: $input) { customer { entityId %s } } }"
    entity = {"id": entity_id, "type": "USER", "name": "Ada", "email": "ada@example.com"}

    plain = await writer.execute(onboard % "", input={"entity": entity})
    deeper: dict[str, Any] = await writer.execute(onboard % nested, input={"entity": entity})

    assert plain["data"]["onboard"]["customer"] == {"entityId": entity_id}
    assert code_of(deeper) == "FORBIDDEN"
