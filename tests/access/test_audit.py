"""The audit log: every mutation is in it, with who, from where, before and after; and nothing in it can be changed."""

from datetime import timedelta
from typing import Any

import pytest
from tortoise.exceptions import BaseORMException

import models
from tests.access.asking import Asker, RootField, asker, new_key, root_fields
from tests.access.test_customer_tokens import token_for
from tests.api.onboarding import onboard
from tests.keys import ADMIN_KEY, ADMIN_KEY_ID
from tests.service import Service

LOG = """
query Log($first: Int!, $after: String, $filter: AuditFilter) {
  auditLog(first: $first, after: $after, filter: $filter) {
    totalCount
    pageInfo { hasNextPage endCursor }
    nodes {
      id at actor { kind name keyId credentialId address requestId }
      action outcome errorCode correlationId customerId entityId operationId asked before after
    }
  }
}
"""
CHANGE = """
mutation Change($input: ChangeTierInput!) { changeTier(input: $input) { operation { id status } userErrors { code } } }
"""
MUTATIONS = [root for root in root_fields() if root.operation == "mutation"]

Entry = dict[str, Any]


async def log(service: Service, **wanted: object) -> list[Entry]:
    """Newest first."""
    found: list[Entry] = (await service.graphql(LOG, first=50, filter=wanted))["auditLog"]["nodes"]
    return found


@pytest.mark.parametrize("root", MUTATIONS, ids=str)
async def test_every_mutation_is_in_the_log(service: Service, entity_id: str, root: RootField) -> None:
    admin = Asker(service, {"x-request-id": f"asked-{root.name}"})

    body = await admin.ask(root, entityId=entity_id)

    assert "errors" not in body
    written = await models.AuditEntry.filter(request_id=f"asked-{root.name}").values()
    assert [entry["action"] for entry in written][:1] == [root.name]
    assert {entry["key_id"] for entry in written} == {ADMIN_KEY_ID}


async def test_a_change_is_told_with_how_things_stood_before_and_after(service: Service, entity_id: str) -> None:
    await onboard(service, entity_id, tier="PRO", paymentMethodId="pm_card_visa")

    answer = await service.http.post(
        "/graphql",
        json={"query": CHANGE, "variables": {"input": {"entityId": entity_id, "tier": "TEAM"}}},
        headers={"x-request-id": "the-change"},
    )

    operation_id = answer.json()["data"]["changeTier"]["operation"]["id"]
    ended, accepted = await log(service, operationId=operation_id)
    assert (accepted["action"], accepted["outcome"], ended["outcome"]) == ("changeTier", "ACCEPTED", "SUCCEEDED")
    assert accepted["asked"] == {"entity_id": entity_id, "tier": "TEAM"}
    assert ended["actor"] == accepted["actor"]
    assert accepted["actor"] == {
        "kind": "API_KEY",
        "name": "tests",
        "keyId": ADMIN_KEY_ID,
        "credentialId": None,
        "address": "127.0.0.1",
        "requestId": "the-change",
    }
    assert (accepted["before"]["tier"], accepted["before"]["credit_balance"], accepted["after"]) == (
        "PRO",
        10_000,
        None,
    )
    assert (ended["before"], ended["after"]["tier"]) == (accepted["before"], "TEAM")
    assert ended["after"]["credit_balance"] == 50_000
    assert ended["after"]["invoice_id"].startswith("inv_")
    assert (ended["entityId"], ended["customerId"]) == (entity_id, accepted["customerId"])


async def test_a_failed_operation_says_why(service: Service, entity_id: str) -> None:
    await onboard(service, entity_id, tier="PRO", paymentMethodId="pm_card_chargeCustomerFail")
    (invoice,) = await models.Invoice.filter(customer__entity_id=entity_id)
    pay = "mutation($id: ID!) { payInvoice(input: {invoiceId: $id}) { userErrors { code } } }"

    await service.graphql(pay, id=invoice.id)

    ended, accepted = await log(service, entityId=entity_id, action="payInvoice")
    assert (accepted["outcome"], ended["outcome"], ended["errorCode"]) == ("ACCEPTED", "FAILED", "PAYMENT_DECLINED")


async def test_names_addresses_secrets_and_cards_stay_out(service: Service, entity_id: str) -> None:
    entity = {
        "id": entity_id,
        "type": "USER",
        "name": "Ada Planted",
        "email": "planted@example.com",
        "metadata": {"note": "planted too"},
    }
    await service.graphql(
        "mutation($input: OnboardInput!) { onboard(input: $input) { userErrors { code } } }",
        input={"entity": entity, "idempotencyKey": "planted key", "paymentMethodId": "pm_card_visa"},
    )
    setup = f'mutation {{ createSetupIntent(input: {{entityId: "{entity_id}"}}) {{ clientSecret }} }}'
    secret = (await service.graphql(setup))["createSetupIntent"]["clientSecret"]
    key = (await new_key(service, "CUSTOMERS_READ", name="Planted Person"))["secret"]

    text = str(await models.AuditEntry.all().values()).lower()

    assert entity_id in text
    for planted in ("planted", secret.lower(), key, ADMIN_KEY, "4242"):
        assert planted not in text.replace(ADMIN_KEY_ID, "")


async def test_what_was_refused_and_what_was_asked_again_are_told_as_such(service: Service, entity_id: str) -> None:
    grant = """
    mutation($id: String!) {
      grantCredits(input: {entityId: $id, amount: 5, idempotencyKey: $id}) { userErrors { code } }
    }
    """
    reader = await asker(service, "CUSTOMERS_READ")

    await service.graphql(grant, id=entity_id)
    await reader.execute(grant, id=entity_id)
    await onboard(service, entity_id)
    await service.graphql(grant, id=entity_id)
    await service.graphql(grant, id=entity_id)

    found = await log(service, entityId=entity_id, action="grantCredits")
    assert [(entry["outcome"], entry["errorCode"]) for entry in found] == [
        ("REPEATED", None),
        ("SUCCEEDED", None),
        ("ACCEPTED", None),
        ("REFUSED", "FORBIDDEN"),
        ("REFUSED", "CUSTOMER_NOT_FOUND"),
    ]


async def test_a_customer_is_the_actor_of_what_its_token_does(service: Service, entity_id: str) -> None:
    await onboard(service, entity_id, tier="PRO", paymentMethodId="pm_card_visa")
    token = await token_for(service, entity_id)

    await token.execute(f'mutation {{ cancel(input: {{entityId: "{entity_id}"}}) {{ userErrors {{ code }} }} }}')
    await token.execute('mutation { cancel(input: {entityId: "somebody else"}) { userErrors { code } } }')

    refused, _, accepted = await log(service, entityId=entity_id, actor="CUSTOMER_TOKEN")
    (minted,) = await log(service, entityId=entity_id, action="mintCustomerToken")
    assert accepted["actor"]["credentialId"] == minted["after"]["id"] == refused["actor"]["credentialId"]
    assert (accepted["actor"]["keyId"], accepted["actor"]["name"]) == (ADMIN_KEY_ID, f"customer {entity_id}")
    assert (refused["outcome"], refused["errorCode"]) == ("REFUSED", "CUSTOMER_NOT_FOUND")
    assert refused["asked"]["entity_id"] == "somebody else"


async def test_keys_are_told_from_their_birth_to_their_end(service: Service) -> None:
    made = (await new_key(service, "CUSTOMERS_READ"))["apiKey"]
    await service.graphql(
        "mutation($id: ID!) { revokeApiKey(input: {id: $id}) { userErrors { code } } }", id=made["id"]
    )

    revoked, created = (await log(service))[:2]

    assert (created["action"], created["before"], created["after"]["prefix"]) == ("createApiKey", None, made["prefix"])
    assert created["after"]["scopes"] == ["customers:read"]
    assert (revoked["action"], "revoked_at" in revoked["before"]) == ("revokeApiKey", False)
    assert revoked["after"]["revoked_at"] is not None


async def test_signing_in_and_out_is_told(service: Service) -> None:
    signed_in = await service.http.post("/session", json={"key": ADMIN_KEY})
    cookie = signed_in.headers["set-cookie"].partition(";")[0]
    sent = {"cookie": cookie, "origin": "http://service.test", "x-requested-with": "tests"}
    http = service.http
    without_key = {name: value for name, value in http.headers.items() if name != "authorization"}
    request = http.build_request("DELETE", "/session", headers={**without_key, **sent})
    del request.headers["authorization"]
    await http.send(request)
    http.cookies.clear()

    signed_out, entry = (await log(service))[:2]

    assert (entry["action"], entry["actor"]["keyId"]) == ("signIn", ADMIN_KEY_ID)
    assert (signed_out["action"], signed_out["actor"]["kind"]) == ("signOut", "SESSION")
    assert signed_out["actor"]["credentialId"] == entry["after"]["id"]


async def test_rest_is_in_the_log_too(service: Service, entity_id: str) -> None:
    entity = {"id": entity_id, "type": "user", "name": "Ada", "email": "ada@example.com"}
    reader = await asker(service, "CUSTOMERS_READ")

    for headers in (reader.headers, {}, {}):
        await service.http.post("/api/onboard", json={"entity": entity}, headers=headers)

    found = await log(service, action="onboard", since=(service.clock.now() - timedelta(minutes=1)).isoformat())
    own = [entry for entry in found if entry["entityId"] == entity_id]
    assert [entry["outcome"] for entry in own] == ["SUCCEEDED", "ACCEPTED"]
    assert own[-1]["asked"]["entity"] == {"id": entity_id, "type": "USER"}
    assert [entry["outcome"] for entry in found if entry["entityId"] is None][:2] == ["REPEATED", "REFUSED"]


async def test_the_log_is_read_page_by_page_and_by_time(service: Service, entity_id: str) -> None:
    await onboard(service, entity_id)
    service.clock.advance(timedelta(hours=1))
    between = service.clock.now().isoformat()
    await service.graphql(f'mutation {{ cancel(input: {{entityId: "{entity_id}"}}) {{ userErrors {{ code }} }} }}')

    first = (await service.graphql(LOG, first=1, filter={"entityId": entity_id}))["auditLog"]
    rest = await service.graphql(LOG, first=9, after=first["pageInfo"]["endCursor"], filter={"entityId": entity_id})
    before = await log(service, entityId=entity_id, until=between)
    since = await log(service, entityId=entity_id, since=between)

    everything = [*first["nodes"], *rest["auditLog"]["nodes"]]
    assert len(everything) == first["totalCount"]
    assert [*since, *before] == everything
    assert {entry["action"] for entry in before} == {"onboard"}


async def test_the_database_refuses_to_change_or_delete_an_entry(service: Service) -> None:
    await new_key(service, "CUSTOMERS_READ")
    before = await models.AuditEntry.all().order_by("id").values()

    with pytest.raises(BaseORMException, match="can only be added to"):
        await models.AuditEntry.all().update(actor_name="nobody")
    with pytest.raises(BaseORMException, match="can only be added to"):
        await models.AuditEntry.all().delete()

    assert await models.AuditEntry.all().order_by("id").values() == before
