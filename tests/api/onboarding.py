"""Onboarding somebody, and everything that then exists of them on all three sides."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import models
from app.settings import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET, SANDBOX_STRIPE_KEY
from tests.service import Mock, Service

ONBOARD = """
mutation Onboard($input: OnboardInput!) {
  onboard(input: $input) {
    customer {
      entityId entityType name email metadata metronomeCustomerId stripeCustomerId
      credits { balance }
      paymentMethods { brand last4 isDefault }
    }
    subscription {
      status tier billingPeriod price { minorUnits currency } creditsPerMonth currentPeriod { start end }
    }
    invoice { status amount { minorUnits currency amount } dueDate lines { description amount { minorUnits } } }
    payment { id status errorCode declineCode errorMessage clientSecret amount { minorUnits } }
    operation { id status kind stage lastProblem }
    warnings { code field message }
    userErrors { code field message retryable }
  }
}
"""

FOLLOW = """
query Follow($id: ID!) {
  operation(id: $id) {
    id status stage entityId lastProblem finishedAt
    error { code message }
    steps { name attempt sends state }
  }
}
"""


def person(entity_id: str, **changed: Any) -> dict[str, Any]:
    return {"id": entity_id, "type": "USER", "name": "Ada Lovelace", "email": "ada@example.com", **changed}


def paid(entity_id: str, **changed: Any) -> dict[str, Any]:
    return {"entity": person(entity_id), "tier": "PRO", "paymentMethodId": "pm_card_visa", **changed}


async def send_onboard(service: Service, given: Mapping[str, Any]) -> dict[str, Any]:
    payload: dict[str, Any] = (await service.graphql(ONBOARD, input=given))["onboard"]
    return payload


async def onboard(service: Service, entity_id: str, **given: Any) -> dict[str, Any]:
    return await send_onboard(service, {"entity": person(entity_id), **given})


async def follow(service: Service, operation_id: str) -> dict[str, Any]:
    operation: dict[str, Any] = (await service.graphql(FOLLOW, id=operation_id))["operation"]
    return operation


async def follow_until(
    service: Service, operation_id: str, reached: Callable[[dict[str, Any]], object]
) -> dict[str, Any]:
    async with asyncio.timeout(120):
        while not reached(operation := await follow(service, operation_id)):  # noqa: ASYNC110  a client can only ask
            await asyncio.sleep(0.02)
    return operation


async def ended(service: Service, operation_id: str) -> dict[str, Any]:
    return await follow_until(service, operation_id, lambda operation: operation["status"] != "RUNNING")


async def waiting(service: Service, operation_id: str) -> dict[str, Any]:
    """The operation as soon as it says what it waits for."""
    return await follow_until(service, operation_id, lambda operation: operation["lastProblem"])


@dataclass(frozen=True, slots=True)
class Everything:
    """What Metronome and Stripe hold of one entity, read through their public lists."""

    metronome_customers: list[dict[str, Any]]
    contracts: list[dict[str, Any]]
    grants: list[dict[str, Any]]
    invoices: list[dict[str, Any]]
    stripe_customers: list[dict[str, Any]]
    payment_methods: list[dict[str, Any]]
    charges: list[dict[str, Any]]

    @property
    def counts(self) -> dict[str, int]:
        return {name: len(getattr(self, name)) for name in self.__slots__}


ONE_OF_EACH = dict.fromkeys(Everything.__slots__, 1)


async def everything_of(service: Service, entity_id: str) -> Everything:
    customers = await metronome_list(service.metronome, "customers", entity_id=entity_id)
    stripe_customers = [
        each
        for each in await stripe_list(service.stripe, "customers", limit="100")
        if each["metadata"]["entity_id"] == entity_id
    ]
    ours = [each["id"] for each in customers]
    theirs = [each["id"] for each in stripe_customers]
    return Everything(
        metronome_customers=customers,
        contracts=[c for id_ in ours for c in await metronome_list(service.metronome, "contracts", customer_id=id_)],
        grants=[c for id_ in ours for c in await metronome_list(service.metronome, "credits", customer_id=id_)],
        invoices=[c for id_ in ours for c in await metronome_list(service.metronome, "invoices", customer_id=id_)],
        stripe_customers=stripe_customers,
        payment_methods=[
            c for id_ in theirs for c in await stripe_list(service.stripe, f"customers/{id_}/payment_methods")
        ],
        charges=[c for id_ in theirs for c in await stripe_list(service.stripe, "charges", customer=id_)],
    )


async def metronome_list(mock: Mock, noun: str, **query: str) -> list[dict[str, Any]]:
    credentials = {"client_id": SANDBOX_CLIENT_ID, "client_secret": SANDBOX_CLIENT_SECRET.get_secret_value()}
    granted = await mock.http.post("/oauth/token", data={"grant_type": "client_credentials", **credentials})
    token = granted.json()["access_token"]
    answer = await mock.http.get(f"/api/v1/{noun}", params=query, headers={"authorization": f"Bearer {token}"})
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


async def stripe_list(mock: Mock, noun: str, **query: str) -> list[dict[str, Any]]:
    key = SANDBOX_STRIPE_KEY.get_secret_value()
    answer = await mock.http.get(f"/v1/{noun}", params=query, headers={"authorization": f"Bearer {key}"})
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


ROWS = (
    models.Customer,
    models.Subscription,
    models.Operation,
    models.ProviderEffect,
    models.IdempotencyKey,
    models.CreditEntry,
    models.AccountBalanceEntry,
    models.Invoice,
    models.InvoiceLine,
    models.Payment,
    models.PaymentMethod,
    models.Quote,
    models.Refund,
)


@dataclass(frozen=True, slots=True)
class Footprint:
    """How much there is of everything, everywhere, and what it holds. Two that are equal: nothing has happened."""

    rows: dict[str, int]
    contents: dict[str, str]
    metronome_objects: dict[str, int]
    stripe_objects: dict[str, int]
    digests: tuple[str, str]
    provider_writes: int

    @classmethod
    async def of(cls, service: Service) -> "Footprint":
        metronome, stripe = await service.metronome.state(digest="true"), await service.stripe.state(digest="true")
        rows = {model.__name__: await model.all().order_by(model._meta.pk_attr).values() for model in ROWS}
        sent = [*metronome["requests"], *stripe["requests"]]
        return cls(
            rows={name: len(each) for name, each in rows.items()},
            contents={name: sha256(repr(each).encode()).hexdigest() for name, each in rows.items()},
            metronome_objects=metronome["objects"],
            stripe_objects=stripe["objects"],
            digests=(metronome["digest"], stripe["digest"]),
            provider_writes=len([each for each in sent if each["method"] != "GET" and each["path"] != "/oauth/token"]),
        )

    @property
    def beside_quotes(self) -> "Footprint":
        """For a test that asks for quotes meanwhile: they are kept, and promise nothing else."""
        rows, contents = dict(self.rows), dict(self.contents)
        del rows["Quote"], contents["Quote"]
        return replace(self, rows=rows, contents=contents)
