"""A payment that the payer completes, or fails to, after onboarding has ended."""

from tests.service import Service
from tests.webhooks.customers import SECURE_CARD, authenticate, payer, standing
from tests.webhooks.delivery import Json, all_handled, deliver_all, events_of, until


async def test_a_completed_payment_is_paid_here_and_at_metronome(service: Service, entity_id: str) -> None:
    customer = await payer(service, entity_id, SECURE_CARD)
    before = await standing(service, entity_id)
    assert before["customer"]["invoices"][0]["payments"][0]["status"] == "REQUIRES_ACTION"

    await authenticate(service, customer, outcome="success")
    events = await events_of(service, *customer.ids)
    await deliver_all(service, events)

    assert set((await all_handled(service, events)).values()) == {"DONE"}
    after = (await standing(service, entity_id))["customer"]
    assert after["invoices"] == [
        {
            "status": "PAID",
            "amount": {"minorUnits": 900},
            "payments": [{"status": "SUCCEEDED", "errorCode": None, "declineCode": None, "clientSecret": None}],
        }
    ]
    assert after["subscription"]["status"] == "ACTIVE"
    settled = await until(lambda: _settled(service, entity_id), what="the settling operation's end")
    assert settled["status"] == "SUCCEEDED"
    paid = await _paid_at_metronome(service, customer.metronome_id)
    assert paid == [_intent_id(customer.onboarded)]


async def test_a_failed_authentication_leaves_the_invoice_open_and_the_subscription_past_due(
    service: Service, entity_id: str
) -> None:
    customer = await payer(service, entity_id, SECURE_CARD)

    await authenticate(service, customer, outcome="failure")
    events = await events_of(service, *customer.ids)
    await deliver_all(service, events)

    assert set((await all_handled(service, events)).values()) == {"DONE"}
    after = (await standing(service, entity_id))["customer"]
    assert after["invoices"] == [
        {
            "status": "OPEN",
            "amount": {"minorUnits": 900},
            "payments": [
                {
                    "status": "FAILED",
                    "errorCode": "payment_intent_authentication_failure",
                    "declineCode": None,
                    "clientSecret": None,
                }
            ],
        }
    ]
    assert after["subscription"]["status"] == "PAST_DUE"
    assert await _paid_at_metronome(service, customer.metronome_id) == []


async def _settled(service: Service, entity_id: str) -> Json | None:
    query = """query Settling($id: String!) {
      operations(first: 5, filter: {entityId: $id, kind: SETTLE_PAYMENT}) { nodes { status } }
    }"""
    nodes = (await service.graphql(query, id=entity_id))["operations"]["nodes"]
    assert len(nodes) <= 1
    return nodes[0] if nodes and nodes[0]["status"] != "RUNNING" else None


async def _paid_at_metronome(service: Service, metronome_id: str) -> list[str]:
    """The payments that Metronome was told of, each as often as it took effect."""
    events = await events_of(service, metronome_id)
    return [sent.event["data"]["external_payment_id"] for sent in events if sent.event["type"] == "invoice.paid"]


def _intent_id(onboarded: Json) -> str:
    return str(onboarded["payment"]["clientSecret"].partition("_secret_")[0])
