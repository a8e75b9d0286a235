"""A provider holds something else of a customer than we do: shown on the customer, told, listed, reconciled."""

from typing import Any

import pytest

import models
from operations.reconcile import compare
from tests.service import Service
from tests.webhooks.customers import Payer, payer, standing
from tests.webhooks.delivery import Json, Sent, deliver, events_of, handled
from tests.webhooks.providers import metronome_call, stripe_call
from tests.webhooks.timeline import timeline

DRIFT = "query($id: String!) { customer(entityId: $id) { drift { provider kind since } } }"
DRIFTING = "query($has: Boolean!) { customers(first: 50, filter: {hasDrift: $has}) { nodes { entityId } } }"

CASES = [
    ("stripe", {"name": "Eve"}, ["NAME"], "Stripe holds another name than we do"),
    ("stripe", {"email": "eve@example.com"}, ["EMAIL"], "Stripe holds another e-mail address than we do"),
    ("metronome", {"name": "Eve"}, ["NAME"], "Metronome holds another name than we do"),
    ("metronome", {"email": "eve@example.com"}, ["EMAIL"], "Metronome holds another e-mail address than we do"),
]


@pytest.mark.parametrize(("provider", "change", "kinds", "sentence"), CASES, ids=lambda value: str(value)[:12])
async def test_another_name_or_address_at_a_provider_is_shown_until_it_is_ours_again(
    service: Service, entity_id: str, provider: str, change: dict[str, str], kinds: list[str], sentence: str
) -> None:
    customer = await payer(service, entity_id, card=None)
    before = await standing(service, entity_id)

    assert (await told_of(service, customer, provider, **change))["state"] == "DONE"

    shown = await drift_of(service, entity_id)
    assert [(each["provider"], each["kind"]) for each in shown] == [(provider.upper(), kind) for kind in kinds]
    assert await timeline(entity_id, "customer.") == [("customer.drifted", sentence)]
    assert await standing(service, entity_id) == before  # what we say of the customer stays ours
    assert await reconciled(service, entity_id) == [f"{provider}.customer.{next(iter(change))}"]

    ours = {"name": "Ada Lovelace", "email": "ada@example.com"}
    await told_of(service, customer, provider, **{field: ours[field] for field in change})

    assert await drift_of(service, entity_id) == []
    assert [kind for kind, _ in await timeline(entity_id, "customer.")] == ["customer.drifted", "customer.drift_ended"]
    assert await reconciled(service, entity_id) == []


async def test_the_same_drift_told_again_is_told_once(service: Service, entity_id: str) -> None:
    customer = await payer(service, entity_id, card=None)
    await told_of(service, customer, "stripe", name="Eve")
    first = await drift_of(service, entity_id)

    await told_of(service, customer, "stripe", phone="+15550100")

    assert await drift_of(service, entity_id) == first
    assert len(await timeline(entity_id, "customer.")) == 1


async def test_a_customer_deleted_at_stripe_is_drift_and_stays_here(service: Service, entity_id: str) -> None:
    customer = await payer(service, entity_id)
    before = await standing(service, entity_id)
    await stripe_call(service, "DELETE", f"customers/{customer.stripe_id}")
    updated = (await events_named(service, customer, "customer.updated"))[-1]
    deleted = (await events_named(service, customer, "customer.deleted"))[-1]

    for sent in (deleted, updated):  # and older news of it change nothing
        await deliver(service, sent)
        assert (await handled(service, sent.id))["state"] == "DONE"

    shown = await drift_of(service, entity_id)
    assert [(each["provider"], each["kind"]) for each in shown] == [("STRIPE", "DELETED")]
    assert await timeline(entity_id, "customer.") == [
        ("customer.drifted", "Stripe has deleted the customer, nothing was deleted here")
    ]
    assert await standing(service, entity_id) == before
    assert await reconciled(service, entity_id) == ["stripe.customer"]


async def test_customers_are_listed_by_whether_they_drift(service: Service, entity_id: str) -> None:
    customer = await payer(service, entity_id, card=None)
    assert entity_id in await listed(service, has=False)
    await told_of(service, customer, "stripe", name="Eve", email="eve@example.com")

    assert (await listed(service, has=True)).count(entity_id) == 1
    assert entity_id not in await listed(service, has=False)


async def test_drift_whose_end_was_never_told_is_found_by_reconciling(service: Service, entity_id: str) -> None:
    customer = await payer(service, entity_id, card=None)
    await told_of(service, customer, "metronome", name="Eve")
    await metronome_call(service, "PATCH", f"customers/{customer.metronome_id}", {"name": "Ada Lovelace"})

    found = await compare(await models.Customer.get(entity_id=entity_id), service.app.state.tools)

    assert [(each.what, each.ours, each.theirs, each.severity) for each in found] == [
        ("metronome.customer.drift", "NAME", "none", "LOW")
    ]


async def told_of(service: Service, customer: Payer, provider: str, **change: Any) -> Json:
    """Changed at the provider, and what it tells of that, handled."""
    if provider == "stripe":
        await stripe_call(service, "POST", f"customers/{customer.stripe_id}", **change)
    else:
        await metronome_call(service, "PATCH", f"customers/{customer.metronome_id}", change)
    sent = (await events_named(service, customer, "customer.updated", provider=provider))[-1]
    await deliver(service, sent)
    return await handled(service, sent.id)


async def events_named(service: Service, customer: Payer, name: str, *, provider: str = "stripe") -> list[Sent]:
    told = await events_of(service, *customer.ids)
    return [sent for sent in told if sent.event["type"] == name and sent.provider == provider]


async def drift_of(service: Service, entity_id: str) -> list[Json]:
    shown: list[Json] = (await service.graphql(DRIFT, id=entity_id))["customer"]["drift"]
    return shown


async def listed(service: Service, *, has: bool) -> list[str]:
    nodes = (await service.graphql(DRIFTING, has=has))["customers"]["nodes"]
    return [node["entityId"] for node in nodes]


async def reconciled(service: Service, entity_id: str) -> list[str]:
    found = await compare(await models.Customer.get(entity_id=entity_id), service.app.state.tools)
    return [difference.what for difference in found]
