"""What a customer's queries answer: the customer, credits at any instant, ledger, invoices, payments, operations."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.api.onboarding import onboard
from tests.api.rows import FIRST_DAY, write_customer, write_entry, write_history
from tests.service import Service

CUSTOMER = """
query Customer($id: String!) {
  customer(entityId: $id) {
    entityId name entityType accountBalance { minorUnits }
    subscription { status tier metronomeContractId startedAt endedAt }
    credits { balance }
    creditLedger { kind amount cause reason expiresAt }
    invoices { status amount { amount } lines { description quantity unitPrice { minorUnits } amount { minorUnits } }
      payments { status attempt } }
    paymentMethods { brand last4 expMonth expYear isDefault }
    payments { status amount { amount } stripePaymentIntentId stripeChargeId }
    operations { kind status steps { name provider state attempt sends objectId settledAt } }
  }
  subscription(entityId: $id) { status tier }
}
"""
UNKNOWN = """
query Unknown($id: String!, $operation: ID!) {
  customer(entityId: $id) { id }
  subscription(entityId: $id) { id }
  credits(entityId: $id) { balance }
  creditLedger(entityId: $id) { totalCount }
  invoices(entityId: $id) { totalCount }
  payments(entityId: $id) { totalCount }
  operation(id: $operation) { id }
  operations(filter: { entityId: $id }) { totalCount }
}
"""
CREDITS = "query ($id: String!, $at: DateTime) { credits(entityId: $id, asOf: $at) { balance asOf } }"
STEPS_OF_A_PAID_ONBOARDING = [
    ("attach_payment_method", "STRIPE"),
    ("default_payment_method", "STRIPE"),
    ("metronome_contract", "METRONOME"),
    ("metronome_credits", "METRONOME"),
    ("metronome_customer", "METRONOME"),
    ("metronome_invoice", "METRONOME"),
    ("metronome_invoice_paid", "METRONOME"),
    ("payment_1", "STRIPE"),
    ("stripe_customer", "STRIPE"),
]


async def test_a_customer_is_shown_whole(service: Service, entity_id: str) -> None:
    await onboard(service, entity_id, tier="PRO", paymentMethodId="pm_card_visa")

    data = await service.graphql(CUSTOMER, id=entity_id)

    customer = data["customer"]
    assert (customer["entityId"], customer["entityType"]) == (entity_id, "USER")
    assert data["subscription"] == {"status": "ACTIVE", "tier": "PRO"}
    assert customer["subscription"]["startedAt"].startswith("2028-01-31T")
    assert customer["subscription"]["startedAt"].endswith("Z")
    assert customer["subscription"]["endedAt"] is None
    [entry] = customer["creditLedger"]
    assert (entry["kind"], entry["amount"], entry["expiresAt"]) == ("GRANT", 10_000, "2028-02-29T00:00:00Z")
    assert entry["cause"].startswith("operation:op_")
    [invoice] = customer["invoices"]
    assert invoice["payments"] == [{"status": "SUCCEEDED", "attempt": 1}]
    [line] = invoice["lines"]
    assert (line["quantity"], line["unitPrice"], line["amount"]) == (1, {"minorUnits": 900}, {"minorUnits": 900})
    [card] = customer["paymentMethods"]
    assert (card["brand"], card["last4"], card["isDefault"]) == ("visa", "4242", True)
    [payment] = customer["payments"]
    assert (payment["status"], payment["amount"]) == ("SUCCEEDED", {"amount": "9.00"})
    assert payment["stripePaymentIntentId"].startswith("pi_")
    assert payment["stripeChargeId"].startswith("ch_")


async def test_an_operation_shows_every_change_it_made_at_the_providers(service: Service, entity_id: str) -> None:
    await onboard(service, entity_id, tier="PRO", paymentMethodId="pm_card_visa")

    [operation] = (await service.graphql(CUSTOMER, id=entity_id))["customer"]["operations"]

    assert (operation["kind"], operation["status"]) == ("ONBOARD", "SUCCEEDED")
    steps = operation["steps"]
    assert sorted((step["name"], step["provider"]) for step in steps) == STEPS_OF_A_PAID_ONBOARDING
    assert {(step["state"], step["attempt"], step["sends"]) for step in steps} == {("DONE", 1, 1)}
    assert all(step["objectId"] and step["settledAt"] for step in steps)
    assert {step["name"] for step in steps[:2]} == {"metronome_customer", "stripe_customer"}
    assert steps[-1]["name"] == "metronome_invoice_paid"


@pytest.mark.parametrize("unknown", ["nobody", "", "\x00", "x" * 10_000, "é", "' OR 1=1 --"], ids=range(6))
async def test_what_does_not_exist_is_null(service: Service, unknown: str) -> None:
    data = await service.graphql(UNKNOWN, id=unknown, operation=unknown)

    assert data.pop("operations") == {"totalCount": 0}
    assert set(data.values()) == {None}


async def test_a_customer_without_anything_has_empty_lists(service: Service, entity_id: str) -> None:
    await write_customer(entity_id)

    data = await service.graphql(UNKNOWN, id=entity_id, operation="op_none")

    assert [data[each]["totalCount"] for each in ("creditLedger", "invoices", "payments", "operations")] == [0] * 4


async def test_credits_are_told_as_of_any_instant(service: Service, entity_id: str) -> None:
    customer = await write_customer(entity_id, credit_balance=70)
    for day, amount in ((0, 100), (10, -40), (20, 10)):
        await write_entry(customer, amount, at=FIRST_DAY + timedelta(days=day))

    async def balance(at: str | None) -> int:
        found: int = (await service.graphql(CREDITS, id=entity_id, at=at))["credits"]["balance"]
        return found

    assert await balance("2026-12-31T23:59:59.999999Z") == 0
    assert await balance("2027-01-01T00:00:00Z") == 100
    assert await balance("2027-01-10T23:59:59Z") == 100
    assert await balance("2027-01-11T00:00:00Z") == 60
    assert await balance("2027-01-11T05:30:00+05:30") == 60
    assert await balance("2027-01-21T00:00:00.000001Z") == 70
    assert await balance("9999-12-31T00:00:00Z") == 70
    assert await balance(None) == 70


@pytest.mark.parametrize(
    "at", ["yesterday", "2027-01-01T00:00:00", "2027-13-01T00:00:00Z", "0001-01-01T00:00:00+14:00"]
)
async def test_an_instant_that_cannot_be_meant_is_refused(service: Service, at: str) -> None:
    [error] = (await service.execute(CREDITS, id="nobody", at=at))["errors"]

    assert error["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    ("field", "shown"),
    [("creditLedger", "at"), ("invoices", "issuedAt"), ("payments", "createdAt")],
)
async def test_the_lists_of_a_customer_are_paged_newest_first(
    service: Service, entity_id: str, field: str, shown: str
) -> None:
    await write_history(await write_customer(entity_id), length=7)
    query = f"""query ($id: String!, $after: String) {{
      {field}(entityId: $id, first: 3, after: $after) {{
        totalCount nodes {{ shown: {shown} }} pageInfo {{ hasNextPage endCursor }}
      }}
    }}"""
    seen: list[datetime] = []
    info: dict[str, Any] = {"hasNextPage": True, "endCursor": None}

    while info["hasNextPage"]:
        found = (await service.graphql(query, id=entity_id, after=info["endCursor"]))[field]
        assert found["totalCount"] == 7
        info, seen = found["pageInfo"], [*seen, *(datetime.fromisoformat(each["shown"]) for each in found["nodes"])]

    assert seen == [FIRST_DAY + timedelta(days=day) for day in range(6, -1, -1)]


async def test_operations_are_filtered(service: Service, entity_id: str) -> None:
    await onboard(service, entity_id)
    query = "query ($filter: OperationFilter) { operations(filter: $filter) { nodes { entityId kind status } } }"

    async def found(**filter_: str) -> list[dict[str, str]]:
        nodes: list[dict[str, str]] = (await service.graphql(query, filter=filter_))["operations"]["nodes"]
        return nodes

    mine = [{"entityId": entity_id, "kind": "ONBOARD", "status": "SUCCEEDED"}]
    assert await found(entityId=entity_id) == mine
    assert await found(entityId=entity_id, kind="ONBOARD", status="SUCCEEDED") == mine
    assert await found(entityId=entity_id, status="RUNNING") == []


async def test_the_tiers_are_the_catalogue(service: Service) -> None:
    prices = "monthlyPrice { minorUnits currency } yearlyPrice { amount }"
    query = f"{{ tiers {{ tier name {prices} creditsPerMonth features }} }}"
    free, pro, team, enterprise = (await service.graphql(query))["tiers"]

    assert free == {
        "tier": "FREE",
        "name": "Free",
        "monthlyPrice": {"minorUnits": 0, "currency": "USD"},
        "yearlyPrice": {"amount": "0.00"},
        "creditsPerMonth": 1_000,
        "features": ["Basic storage", "Public repositories"],
    }
    assert (pro["monthlyPrice"]["minorUnits"], pro["yearlyPrice"]["amount"]) == (900, "90.00")
    assert (team["monthlyPrice"]["minorUnits"], team["creditsPerMonth"]) == (2_900, 50_000)
    assert (enterprise["monthlyPrice"], enterprise["yearlyPrice"], enterprise["creditsPerMonth"]) == (None, None, None)
