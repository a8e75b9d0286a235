"""A customer's own token against the whole schema: of any other customer it does not even learn that there is one."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import jwt
import pytest

import models
from access.scopes import Scope
from schema.policy import MUTATIONS, QUERIES
from tests.access.asking import Asker, RootField, asker, code_of, everything_below, root_fields
from tests.api.onboarding import onboard
from tests.keys import bearer
from tests.service import Service

TOKEN_SECRET = "a secret of the tests that is long enough"
SETTINGS: dict[str, Any] = {
    "customer_token_secret": TOKEN_SECRET,
    "graphql_max_cost": 1_000_000,  # whole trees are asked for
}

MINT = """
mutation Mint($input: MintCustomerTokenInput!) {
  mintCustomerToken(input: $input) { token expiresAt userErrors { code field } }
}
"""
EVERYTHING = """
{
  customers(first: 50) { totalCount nodes { entityId } }
  subscriptions(first: 50) { totalCount nodes { customer { entityId } } }
  operations(first: 50) { totalCount nodes { id } }
}
"""
TREE = """
query Tree($id: String!) {
  customer(entityId: $id) {
    entityId name metadata accountBalance { amount } credits { balance }
    subscription { id customer { entityId } }
    creditLedger { id amount }
    invoices { id lines { description } payments { id refunds { id } } }
    payments { id }
    paymentMethods { id stripePaymentMethodId }
    operations { id steps { name } }
  }
}
"""
NOBODY = "nobody_here"
FIELDS = tuple(root_fields())
OF_CUSTOMERS = [
    root for root in FIELDS if root.operation != "subscription" and {**QUERIES, **MUTATIONS}[root.name].own is not None
]
NAME_NOBODY = ("tiers", "viewer", "environment", "quoteTierChange", "credits", "creditLedger")
FOR_OTHERS = [root for root in FIELDS if root.operation != "subscription" and root not in OF_CUSTOMERS]
INSTANT = re.compile(r'"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z"')


@dataclass(frozen=True, slots=True)
class Owned:
    """Ids of everything one customer has, by the names that arguments and inputs give them."""

    entity_id: str
    by_name: Mapping[str, Any]

    @classmethod
    async def of(cls, service: Service, entity_id: str, quote_id: str) -> "Owned":
        customer = await models.Customer.get(entity_id=entity_id)
        method = await models.PaymentMethod.get(customer_id=customer.id)
        operation = (await models.Operation.filter(customer_id=customer.id))[0]
        by_name = {
            "entityId": entity_id,
            "invoiceId": (await models.Invoice.filter(customer_id=customer.id))[0].id,
            "paymentId": (await models.Payment.filter(customer_id=customer.id))[0].id,
            "paymentMethodId": method.stripe_payment_method_id,
            "operationId": operation.id,
            "quoteId": quote_id,
            "id": operation.id,
        }
        return cls(entity_id, by_name)


GHOST = Owned(
    NOBODY,
    {
        "entityId": NOBODY,
        "invoiceId": "inv_00000000000000000000000000000000",
        "paymentId": "pay_00000000000000000000000000000000",
        "paymentMethodId": "pm_1Nobody0000000000000000A",
        "operationId": "op_00000000000000000000000000000000",
        "quoteId": "quo_00000000000000000000000000000000",
        "id": "op_00000000000000000000000000000000",
    },
)


async def minted(asker_: Asker, entity_id: str, **given: Any) -> dict[str, Any]:
    payload: dict[str, Any] = (await asker_.execute(MINT, input={"entityId": entity_id, **given}))["data"]
    found: dict[str, Any] = payload["mintCustomerToken"]
    return found


async def token_for(service: Service, entity_id: str) -> Asker:
    payload = await minted(Asker(service), entity_id)
    assert payload["userErrors"] == []
    return Asker(service, bearer(payload["token"]))


QUOTE = """
query Quote($input: QuoteTierChangeInput!) { quoteTierChange(input: $input) { quote { id } userErrors { code } } }
"""


async def paying(service: Service, entity_id: str) -> Owned:
    await onboard(service, entity_id, tier="PRO", paymentMethodId="pm_card_visa")
    quoted = await service.graphql(QUOTE, input={"entityId": entity_id, "tier": "TEAM"})
    return await Owned.of(service, entity_id, quoted["quoteTierChange"]["quote"]["id"])


@pytest.fixture(scope="module")
async def alice(service: Service) -> Owned:
    return await paying(service, "alice")


@pytest.fixture(scope="module")
async def bob(service: Service) -> Owned:
    return await paying(service, "bob")


@pytest.fixture(scope="module")
async def as_alice(service: Service, alice: Owned) -> Asker:
    return await token_for(service, alice.entity_id)


def without_ids(answer: object, owned: Owned) -> str:
    """The answer with each id that was asked for replaced by its name, and without the instants."""
    text = INSTANT.sub('"<instant>"', json.dumps(answer, sort_keys=True))
    for name, value in owned.by_name.items():
        text = text.replace(str(value), f"<{name}>")
    return text


@pytest.mark.parametrize("root", OF_CUSTOMERS, ids=str)
async def test_what_is_somebody_elses_is_answered_exactly_as_what_is_not_there(
    as_alice: Asker, bob: Owned, root: RootField
) -> None:
    of_bob = await as_alice.ask(root, everything_below(root), **bob.by_name)
    of_nobody = await as_alice.ask(root, everything_below(root), **GHOST.by_name)

    assert without_ids(of_bob, bob) == without_ids(of_nobody, GHOST)
    assert await models.Operation.filter(customer__entity_id=bob.entity_id).count() == 1


def ids_in(root: RootField) -> set[str]:
    given = root.variables(**GHOST.by_name)
    inner = given.get("input")
    return {*given, *(inner if isinstance(inner, dict) else ())} & GHOST.by_name.keys()


@pytest.mark.parametrize("root", [root for root in OF_CUSTOMERS if len(ids_in(root)) > 1], ids=str)
async def test_with_the_own_customer_and_the_rest_somebody_elses_it_is_not_there_either(
    as_alice: Asker, alice: Owned, bob: Owned, root: RootField
) -> None:
    own = {name: alice.by_name[name] for name in ("entityId", "invoiceId")}
    mixed, ghostly = {**bob.by_name, **own}, {**GHOST.by_name, **own}

    of_bob = await as_alice.ask(root, everything_below(root), **mixed)
    of_nobody = await as_alice.ask(root, everything_below(root), **ghostly)

    assert without_ids(of_bob, bob) == without_ids(of_nobody, GHOST)


@pytest.mark.parametrize("root", FOR_OTHERS, ids=str)
async def test_what_is_not_for_customers_is_refused_whatever_is_asked(
    as_alice: Asker, alice: Owned, root: RootField
) -> None:
    body = await as_alice.ask(root, **alice.by_name)

    assert code_of(body) == "FORBIDDEN"
    assert body["errors"][0]["message"] == "A customer token is not good for this."


async def test_lists_show_that_customer_alone(service: Service, as_alice: Asker, alice: Owned, bob: Owned) -> None:
    everything = (await as_alice.execute(EVERYTHING))["data"]

    own = await models.Operation.filter(customer__entity_id=alice.entity_id).count()
    assert everything["customers"] == {"totalCount": 1, "nodes": [{"entityId": "alice"}]}
    assert everything["subscriptions"] == {"totalCount": 1, "nodes": [{"customer": {"entityId": "alice"}}]}
    assert everything["operations"]["totalCount"] == own


async def test_a_filter_does_not_widen_what_is_seen(as_alice: Asker, bob: Owned) -> None:
    query = """
    { customers(first: 5, filter: {text: "bob"}) { totalCount }
      operations(first: 5, filter: {entityId: "bob"}) { totalCount }
      subscriptions(first: 5, filter: {entityId: "bob"}) { totalCount } }
    """

    found = (await as_alice.execute(query))["data"]

    assert {name: each["totalCount"] for name, each in found.items()} == {
        "customers": 0,
        "operations": 0,
        "subscriptions": 0,
    }


@pytest.mark.parametrize("root", [root for root in OF_CUSTOMERS if root.operation == "query"], ids=str)
async def test_wherever_a_token_goes_in_the_schema_it_meets_its_own_customer_alone(
    service: Service, as_alice: Asker, alice: Owned, bob: Owned, root: RootField
) -> None:
    own = await as_alice.ask(root, everything_below(root), **alice.by_name)
    of_bob = await Asker(service).ask(root, everything_below(root), **bob.by_name)

    assert "errors" not in own
    assert await words_of(bob) & words_in(own) == set()
    # So that it would show: an administrator meets somebody there.
    assert root.name in NAME_NOBODY or await words_of(bob) & words_in(of_bob)


async def words_of(owned: Owned) -> set[str]:
    """What only this customer's rows hold."""
    rows = await models.Customer.filter(entity_id=owned.entity_id).values_list(
        "id", "entity_id", "metronome_customer_id", "stripe_customer_id"
    )
    return {*map(str, rows[0]), *map(str, owned.by_name.values())}


def words_in(answer: object) -> set[str]:
    return set(re.findall(r'"([^"]*)"', json.dumps(answer)))


async def test_everything_below_the_own_node_is_seen_and_is_what_an_administrator_sees(
    service: Service, as_alice: Asker, alice: Owned
) -> None:
    own = await as_alice.execute(TREE, id=alice.entity_id)

    assert own == await service.execute(TREE, id=alice.entity_id)
    assert own["data"]["customer"]["invoices"][0]["payments"]


async def test_a_customer_pays_by_its_own_id_and_gives_itself_no_terms(as_alice: Asker, alice: Owned) -> None:
    setup = 'mutation { createSetupIntent(input: {entityId: "alice"}) { clientSecret userErrors { code } } }'
    terms = """
    mutation { changeTier(input: {entityId: "alice", tier: ENTERPRISE,
      enterpriseTerms: {price: {minorUnits: 0}, creditsPerMonth: 1000000}}) { userErrors { code field } } }
    """

    allowed = (await as_alice.execute(setup))["data"]["createSetupIntent"]
    refused = (await as_alice.execute(terms))["data"]["changeTier"]

    assert allowed["userErrors"] == []
    assert allowed["clientSecret"].startswith("seti_")
    assert refused["userErrors"] == [{"code": "INVALID_INPUT", "field": "enterpriseTerms"}]


async def test_an_idempotency_key_of_somebody_else_is_unknown(
    service: Service, as_alice: Asker, alice: Owned, bob: Owned
) -> None:
    setup = """
    mutation Setup($id: String!) {
      createSetupIntent(input: {entityId: $id, idempotencyKey: "the same"}) { operation { id } userErrors { code } } }
    """

    of_bob = (await service.execute(setup, id=bob.entity_id))["data"]["createSetupIntent"]
    of_alice = (await as_alice.execute(setup, id=alice.entity_id))["data"]["createSetupIntent"]
    again = (await as_alice.execute(setup, id=alice.entity_id))["data"]["createSetupIntent"]

    assert (of_bob["userErrors"], of_alice["userErrors"]) == ([], [])
    assert of_alice["operation"]["id"] != of_bob["operation"]["id"]
    assert again == of_alice


async def test_a_token_opens_no_more_than_the_key_that_minted_it(service: Service, alice: Owned) -> None:
    reader = await asker(service, "CUSTOMERS_READ")
    token = Asker(service, bearer((await minted(reader, alice.entity_id))["token"]))

    read = await token.execute('{ customer(entityId: "alice") { entityId } }')
    pay = await token.execute('mutation { createSetupIntent(input: {entityId: "alice"}) { clientSecret } }')

    assert read["data"]["customer"] == {"entityId": "alice"}
    assert code_of(pay) == "FORBIDDEN"
    assert pay["errors"][0]["message"] == f"This needs the scope {Scope.PAYMENTS_WRITE.value}."


async def test_a_token_ends_in_time_and_with_its_key(service: Service, alice: Owned) -> None:
    minter = await asker(service, "CUSTOMERS_READ")
    short = Asker(service, bearer((await minted(minter, alice.entity_id, ttlSeconds=60))["token"]))
    long = Asker(service, bearer((await minted(minter, alice.entity_id, ttlSeconds=3600))["token"]))
    tiers = "{ tiers { tier } }"

    at_first = [code_of(await each.execute(tiers)) for each in (short, long)]
    service.clock.advance(timedelta(seconds=61))
    later = [code_of(await each.execute(tiers)) for each in (short, long)]
    key_id = (await models.ApiKey.all().order_by("-created_at", "-id"))[0].id
    await service.graphql("mutation($id: ID!) { revokeApiKey(input: {id: $id}) { userErrors { code } } }", id=key_id)
    revoked = [code_of(await each.execute(tiers)) for each in (short, long)]

    assert at_first == [None, None]
    assert later == ["UNAUTHENTICATED", None]
    assert revoked == ["UNAUTHENTICATED", "UNAUTHENTICATED"]


@pytest.mark.parametrize("ttl", [-1, 0, 59, 3601])
async def test_a_token_lives_for_a_minute_to_an_hour(service: Service, alice: Owned, ttl: int) -> None:
    payload = await minted(Asker(service), alice.entity_id, ttlSeconds=ttl)

    assert (payload["token"], payload["userErrors"]) == (None, [{"code": "INVALID_INPUT", "field": "ttlSeconds"}])


async def test_nobody_gets_no_token(service: Service) -> None:
    payload = await minted(Asker(service), NOBODY)

    assert (payload["token"], payload["userErrors"]) == (None, [{"code": "CUSTOMER_NOT_FOUND", "field": "entityId"}])


async def test_a_doctored_token_opens_nothing(service: Service, as_alice: Asker, bob: Owned) -> None:
    token = as_alice.headers["authorization"].removeprefix("Bearer ")
    claims = jwt.decode(token, options={"verify_signature": False})
    head, body, signature = token.split(".")
    doctored = {
        "unsigned": jwt.encode({**claims, "ent": "bob"}, "", algorithm="none"),
        "other secret": jwt.encode(claims, "another secret that is long enough too", algorithm="HS256"),
        "other algorithm": jwt.encode(claims, f"{TOKEN_SECRET}{TOKEN_SECRET}", algorithm="HS512"),
        "other audience": jwt.encode({**claims, "aud": "elsewhere"}, TOKEN_SECRET, algorithm="HS256"),
        "without an end": jwt.encode(
            {name: value for name, value in claims.items() if name != "exp"}, TOKEN_SECRET, algorithm="HS256"
        ),
        "cut": f"{head}.{body}",
        "swapped": f"{head}.{signature}.{body}",
        "empty": "..",
    }

    codes = {
        name: code_of(await Asker(service, bearer(text)).execute("{ tiers { tier } }"))
        for name, text in doctored.items()
    }

    assert codes == dict.fromkeys(doctored, "UNAUTHENTICATED")


@pytest.mark.parametrize(
    "subscription",
    [
        'subscription { customerChanged(entityId: "%s") { kind } }',
        'subscription { operationProgress(id: "%s") { kind } }',
    ],
)
async def test_a_subscription_to_somebody_else_is_refused_as_one_to_nobody(
    service: Service, as_alice: Asker, bob: Owned, subscription: str
) -> None:
    async def refusal(given: object) -> str:
        answer = await service.http.post(
            "/graphql",
            json={"query": subscription % given},
            headers={**as_alice.headers, "accept": "text/event-stream"},
        )
        return answer.text

    name = "entityId" if "entityId" in subscription else "id"
    assert await refusal(bob.by_name[name]) == await refusal(GHOST.by_name[name])


async def test_rest_shows_a_token_its_customer_and_does_nothing_for_it(as_alice: Asker, bob: Owned) -> None:
    http, headers = as_alice.service.http, as_alice.headers

    listed = await http.get("/api/customers", headers=headers)
    own = await http.get("/api/subscription/alice", headers=headers)
    of_bob = await http.get("/api/subscription/bob", headers=headers)
    of_nobody = await http.get(f"/api/subscription/{NOBODY}", headers=headers)
    change = await http.post("/api/tier/change", json={"entityId": "alice", "newTier": "team"}, headers=headers)

    assert [each["entity"]["id"] for each in listed.json()["customers"]] == ["alice"]
    assert own.status_code == 200
    assert (of_bob.status_code, of_bob.text) == (404, of_nobody.text.replace(NOBODY, "bob"))
    assert (change.status_code, change.json()["error"]["code"]) == (403, "FORBIDDEN")
