"""A client can know before it asks: what `viewer` says is refused is refused, in the same words, and nothing else."""

from typing import Any

from access.scopes import Scope
from schema.policy import MUTATIONS, QUERIES, SUBSCRIPTIONS
from tests.access.asking import Asker, asker, root_fields
from tests.api.onboarding import onboard
from tests.keys import bearer
from tests.service import Service

VIEWER = "{ viewer { kind name scopes entityId expiresAt refused { name reason } } }"
MINT = "mutation ($input: MintCustomerTokenInput!) { mintCustomerToken(input: $input) { token expiresAt } }"
RULES = {**QUERIES, **MUTATIONS, **SUBSCRIPTIONS}
QUERIES_AND_MUTATIONS = [root for root in root_fields() if root.operation != "subscription"]


async def viewer_of(somebody: Asker) -> dict[str, Any]:
    body = await somebody.execute(VIEWER)
    viewer: dict[str, Any] = body["data"]["viewer"]
    return viewer


def refused(viewer: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["reason"] for each in viewer["refused"]}


async def test_an_administrator_is_refused_nothing(service: Service) -> None:
    viewer = (await service.graphql(VIEWER))["viewer"]

    assert viewer == {
        "kind": "API_KEY",
        "name": "tests",
        "scopes": ["ADMIN", "BILLING_WRITE", "CUSTOMERS_READ", "PAYMENTS_WRITE", "WEBHOOKS_ADMIN"],
        "entityId": None,
        "expiresAt": None,
        "refused": [],
    }


async def test_a_key_is_told_which_scope_each_thing_needs_that_it_lacks(service: Service) -> None:
    reader = await asker(service, "CUSTOMERS_READ")

    viewer = await viewer_of(reader)

    assert viewer["scopes"] == ["CUSTOMERS_READ"]
    assert refused(viewer) == {
        name: f"This needs the scope {rule.scope.value}."
        for name, rule in RULES.items()
        if rule.scope not in (None, Scope.CUSTOMERS_READ)
    }


async def test_a_key_that_may_not_even_read_customers_learns_so(service: Service) -> None:
    viewer = await viewer_of(await asker(service, "WEBHOOKS_ADMIN"))

    assert refused(viewer)["customers"] == "This needs the scope customers:read."
    assert "webhookEvents" not in refused(viewer)


async def test_a_customer_token_is_told_whose_it_is_and_what_is_not_for_customers(
    service: Service, entity_id: str
) -> None:
    await onboard(service, entity_id)
    minted = (await service.graphql(MINT, input={"entityId": entity_id}))["mintCustomerToken"]
    customer = Asker(service, bearer(minted["token"]))

    viewer = await viewer_of(customer)

    assert (viewer["kind"], viewer["entityId"], viewer["expiresAt"]) == (
        "CUSTOMER_TOKEN",
        entity_id,
        minted["expiresAt"],
    )
    assert refused(viewer) == {
        name: "A customer token is not good for this." for name, rule in RULES.items() if rule.own is None
    }


async def test_what_it_says_is_refused_is_refused_in_the_same_words_and_nothing_else(service: Service) -> None:
    reader = await asker(service, "CUSTOMERS_READ")
    reasons = refused(await viewer_of(reader))

    for root in QUERIES_AND_MUTATIONS:
        body = await reader.ask(root)
        told = [error["message"] for error in body.get("errors", []) if error["extensions"]["code"] == "FORBIDDEN"]
        assert told == ([reasons[root.name]] if root.name in reasons else []), root.name
