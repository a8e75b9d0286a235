"""Customers as the tests of this folder make them, and all that our side says of one."""

from dataclasses import dataclass
from typing import Any

import models
from tests.api.onboarding import onboard
from tests.service import Service
from tests.webhooks.delivery import Json, until

STANDING = """
query Standing($id: String!) {
  customer(entityId: $id) {
    name email credits { balance }
    subscription { status tier currentPeriod { start end } }
    paymentMethods { brand last4 isDefault }
    invoices(first: 10) { status amount { minorUnits } payments { status errorCode declineCode clientSecret } }
  }
  creditLedger(entityId: $id) { nodes { kind amount } }
}
"""

FAILING_CARD = "pm_card_chargeCustomerFail"
SECURE_CARD = "pm_card_authenticationRequired"
GOOD_CARD = "pm_card_visa"


@dataclass(frozen=True, slots=True)
class Payer:
    entity_id: str
    metronome_id: str
    stripe_id: str
    onboarded: Json

    @property
    def ids(self) -> tuple[str, str]:
        return self.metronome_id, self.stripe_id


async def payer(service: Service, entity_id: str, card: str | None = GOOD_CARD, tier: str = "PRO") -> Payer:
    given: dict[str, Any] = {"tier": tier} | ({"paymentMethodId": card} if card else {})
    payload = await until(lambda: _onboarded(service, entity_id, given), what=f"{entity_id} onboarded")
    customer = payload["customer"]
    return Payer(entity_id, customer["metronomeCustomerId"], customer["stripeCustomerId"], payload)


async def _onboarded(service: Service, entity_id: str, given: Json) -> Json | None:
    """Asked again, the same onboarding answers how far it is."""
    payload = await onboard(service, entity_id, **given)
    if payload["userErrors"] or payload["operation"]["status"] not in ("RUNNING", "SUCCEEDED"):
        raise AssertionError(payload)
    return payload if payload["operation"]["status"] == "SUCCEEDED" else None


async def standing(service: Service, entity_id: str) -> Json:
    """What the API shows of a customer, all of it but instants and ids."""
    return await service.graphql(STANDING, id=entity_id)


async def contract_of(entity_id: str) -> str:
    """Metronome's name for the contract the customer is on."""
    row = await models.Subscription.get(customer__entity_id=entity_id, is_current=True)
    return str(row.metronome_contract_id)


async def authenticate(service: Service, payer: Payer, *, outcome: str) -> None:
    """Be the cardholder before the 3-D Secure page."""
    secret = payer.onboarded["payment"]["clientSecret"]
    answer = await service.stripe.http.post(
        "/_mock/authenticate", json={"payment_intent": secret.partition("_secret_")[0], "outcome": outcome}
    )
    assert answer.is_success, answer.text


async def settled(service: Service, entity_id: str) -> bool:
    """Metronome was told of a payment that no verb was waiting for."""
    query = """query($id: String!) {
      operations(first: 1, filter: {entityId: $id, kind: SETTLE_PAYMENT, status: SUCCEEDED}) { totalCount }
    }"""
    return bool((await service.graphql(query, id=entity_id))["operations"]["totalCount"])
