"""Paying, refunding, cards and credits by hand: the mutations as a client sends them, and what they left behind."""

from datetime import timedelta
from typing import Any

import models
from app.settings import SANDBOX_STRIPE_KEY
from operations.engine import Engine
from tests.api.onboarding import everything_of, onboard
from tests.service import Service

PAYLOAD = """
    invoice { id status failedAttempts nextAttemptAt paidAt }
    payment {
      id attempt status errorCode declineCode clientSecret stripePaymentIntentId
      refundedAmount { minorUnits } refunds { id status amount { minorUnits } reason failureReason }
    }
    subscription { status }
    customer { credits { balance } paymentMethods { id stripePaymentMethodId brand last4 expMonth expYear isDefault } }
    operation { id kind status error { code message } }
    warnings { code field message }
    userErrors { code field message retryable }
"""

EXTRA = {
    "refundPayment": "refund { id status amount { minorUnits currency } reason stripeRefundId failureReason }",
    "attachPaymentMethod": "paymentMethod { id stripePaymentMethodId brand last4 expMonth expYear isDefault }",
    "setDefaultPaymentMethod": "paymentMethod { id isDefault }",
    "detachPaymentMethod": "paymentMethod { id isDefault }",
    "createSetupIntent": "clientSecret",
}

INVOICES = """
query Invoices($entityId: String!) {
  invoices(entityId: $entityId) {
    nodes { id status failedAttempts nextAttemptAt payments { id attempt status declineCode } }
  }
}
"""


def mutation(name: str) -> str:
    kind = name[0].upper() + name[1:]
    return f"mutation {kind}($input: {kind}Input!) {{ {name}(input: $input) {{ {PAYLOAD} {EXTRA.get(name, '')} }} }}"


async def send(service: Service, name: str, **given: Any) -> dict[str, Any]:
    payload: dict[str, Any] = (await service.graphql(mutation(name), input=given))[name]
    return payload


def codes(payload: dict[str, Any]) -> list[tuple[str, str | None]]:
    return [(error["code"], error["field"]) for error in payload["userErrors"]]


async def with_open_invoice(service: Service, entity_id: str, **given: Any) -> str:
    """On Pro, with an invoice of 9.00 that nobody has paid. Returns its id."""
    await onboard(service, entity_id, tier="PRO", **given)
    [invoice] = await invoices_of(service, entity_id)
    assert invoice["status"] == "OPEN"
    return str(invoice["id"])


async def invoices_of(service: Service, entity_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await service.graphql(INVOICES, entityId=entity_id))["invoices"]["nodes"]
    return found


async def charged(service: Service, entity_id: str) -> list[int]:
    """The charges that succeeded at Stripe."""
    charges = (await everything_of(service, entity_id)).charges
    return [charge["amount"] for charge in charges if charge["status"] == "succeeded"]


async def authenticate(service: Service, payment_intent_id: str, outcome: str = "success") -> None:
    """The payer goes through 3-D Secure."""
    answer = await service.stripe.http.post(
        "/_mock/authenticate", json={"payment_intent": payment_intent_id, "outcome": outcome}
    )
    assert answer.is_success, answer.text


async def new_card(service: Service, name: str = "pm_card_visa") -> str:
    """The id of a card that belongs to nobody yet, as a browser would hand it over."""
    number = {"pm_card_visa": "4242424242424242", "pm_card_chargeCustomerFail": "4000000000000341"}[name]
    key = SANDBOX_STRIPE_KEY.get_secret_value()
    answer = await service.stripe.http.post(
        "/v1/payment_methods",
        data={
            "type": "card",
            "card[number]": number,
            "card[exp_month]": "12",
            "card[exp_year]": str(service.clock.now().year + 9),
            "card[cvc]": "123",
        },
        headers={"authorization": f"Bearer {key}"},
    )
    assert answer.is_success, answer.text
    return str(answer.json()["id"])


def engine_of(service: Service) -> Engine:
    engine = service.app.state.engine
    assert isinstance(engine, Engine)
    return engine


async def until_idle(service: Service, entity_id: str) -> None:
    """Every operation of the customer has ended."""
    customer = await models.Customer.get(entity_id=entity_id)
    running = models.Operation.filter(customer_id=customer.id, status=models.OperationStatus.RUNNING)
    for operation in await running:
        await engine_of(service).wait(operation.id, seconds=120)
    assert not await running.exists()


def in_days(service: Service, days: int) -> None:
    service.clock.advance(timedelta(days=days))
