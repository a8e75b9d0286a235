"""What an onboarding comes to: for the client, in our rows, and at both providers."""

import asyncio
from typing import Any

import pytest

from tests.api.onboarding import ONE_OF_EACH, everything_of, onboard, person
from tests.service import Mock, Service

ENTERPRISE_TERMS = {"price": {"minorUnits": 123_456, "currency": "EUR"}, "creditsPerMonth": 750_000}
NOTHING_TO_CHARGE = ONE_OF_EACH | {"payment_methods": 0, "charges": 0}


async def test_a_free_customer_gets_credits_and_no_invoice(service: Service, entity_id: str) -> None:
    payload = await onboard(service, entity_id)

    assert payload["userErrors"] == []
    assert payload["subscription"] == {
        "status": "ACTIVE",
        "tier": "FREE",
        "billingPeriod": "MONTHLY",
        "price": {"minorUnits": 0, "currency": "USD"},
        "creditsPerMonth": 1_000,
        "currentPeriod": {"start": "2028-01-31", "end": "2028-02-29"},
    }
    assert payload["customer"]["credits"] == {"balance": 1_000}
    assert payload["invoice"] is None
    assert payload["payment"] is None
    assert payload["operation"]["status"] == "SUCCEEDED"
    found = await everything_of(service, entity_id)
    assert found.counts == NOTHING_TO_CHARGE | {"invoices": 0}


async def test_a_paid_customer_is_invoiced_and_charged_once(service: Service, entity_id: str) -> None:
    payload = await onboard(service, entity_id, tier="PRO", paymentMethodId="pm_card_visa")

    assert payload["userErrors"] == []
    assert payload["warnings"] == []
    assert payload["subscription"]["status"] == "ACTIVE"
    assert payload["invoice"] == {
        "status": "PAID",
        "amount": {"minorUnits": 900, "currency": "USD", "amount": "9.00"},
        "dueDate": "2028-03-01",
        "lines": [{"description": "Pro, monthly, 2028-01-31 to 2028-02-29", "amount": {"minorUnits": 900}}],
    }
    assert payload["payment"]["status"] == "SUCCEEDED"
    assert payload["customer"]["credits"] == {"balance": 10_000}
    assert payload["customer"]["paymentMethods"] == [{"brand": "visa", "last4": "4242", "isDefault": True}]


async def test_both_providers_hold_one_of_everything_and_agree(service: Service, entity_id: str) -> None:
    payload = await onboard(service, entity_id, tier="TEAM", paymentMethodId="pm_card_visa")

    found = await everything_of(service, entity_id)
    assert found.counts == ONE_OF_EACH
    [ours], [theirs] = found.metronome_customers, found.stripe_customers
    assert (ours["id"], theirs["id"]) == (
        payload["customer"]["metronomeCustomerId"],
        payload["customer"]["stripeCustomerId"],
    )
    [contract], [grant], [invoice], [charge] = found.contracts, found.grants, found.invoices, found.charges
    assert (contract["tier"], contract["status"], contract["billing_period"]) == ("team", "active", "monthly")
    assert (grant["amount"], grant["expires_at"]) == (50_000, "2028-02-29T00:00:00Z")
    assert (invoice["status"], invoice["amount"], invoice["external_payment_id"]) == (
        "paid",
        2_900,
        charge["payment_intent"],
    )
    assert (charge["amount"], charge["currency"], charge["status"]) == (2_900, "usd", "succeeded")


async def test_an_enterprise_customer_gets_its_own_terms(service: Service, entity_id: str) -> None:
    payload = await onboard(
        service, entity_id, tier="ENTERPRISE", enterpriseTerms=ENTERPRISE_TERMS, paymentMethodId="pm_card_amex"
    )

    assert payload["subscription"]["price"] == {"minorUnits": 123_456, "currency": "EUR"}
    assert payload["invoice"]["amount"] == {"minorUnits": 123_456, "currency": "EUR", "amount": "1234.56"}
    assert payload["customer"]["credits"] == {"balance": 750_000}
    found = await everything_of(service, entity_id)
    [contract], [charge] = found.contracts, found.charges
    assert (contract["price"], contract["credits_per_month"], contract["currency"]) == (123_456, 750_000, "EUR")
    assert (charge["amount"], charge["currency"]) == (123_456, "eur")


async def test_a_yearly_plan_releases_the_credits_of_one_month(service: Service, entity_id: str) -> None:
    payload = await onboard(
        service, entity_id, tier="PRO", billingPeriod="YEARLY", paymentMethodId="pm_card_mastercard"
    )

    assert payload["subscription"]["currentPeriod"] == {"start": "2028-01-31", "end": "2029-01-31"}
    assert payload["invoice"]["amount"]["minorUnits"] == 9_000
    assert payload["customer"]["credits"] == {"balance": 10_000}
    found = await everything_of(service, entity_id)
    assert [(grant["amount"], grant["expires_at"]) for grant in found.grants] == [(10_000, "2028-02-29T00:00:00Z")]


@pytest.mark.parametrize("entity_type", ["USER", "ORGANIZATION"])
async def test_who_is_billed_is_told_to_both_providers(service: Service, entity_id: str, entity_type: str) -> None:
    metadata = {"plan manager": "Grace", "cost_center": "42"}
    entity = person(entity_id, type=entity_type, name="  Zoë & Söhne ", metadata=metadata)

    payload = await onboard(service, entity_id, entity=entity)

    customer = payload["customer"]
    assert (customer["entityType"], customer["name"], customer["metadata"]) == (entity_type, "Zoë & Söhne", metadata)
    found = await everything_of(service, entity_id)
    [ours], [theirs] = found.metronome_customers, found.stripe_customers
    assert (ours["entity_type"], ours["name"], ours["metadata"]) == (entity_type.lower(), "Zoë & Söhne", metadata)
    assert (theirs["name"], theirs["metadata"]) == ("Zoë & Söhne", {**metadata, "entity_id": entity_id})


async def test_a_card_that_cannot_be_attached_is_a_warning(service: Service, entity_id: str) -> None:
    payload = await onboard(service, entity_id, tier="PRO", paymentMethodId="pm_card_chargeDeclined")

    assert payload["userErrors"] == []
    assert payload["warnings"] == [
        {"code": "PAYMENT_METHOD_REJECTED", "field": "paymentMethodId", "message": "Your card was declined."}
    ]
    assert payload["operation"]["status"] == "SUCCEEDED"
    assert payload["subscription"]["status"] == "ACTIVE"
    assert payload["invoice"]["status"] == "OPEN"
    assert payload["payment"] is None
    assert payload["customer"]["paymentMethods"] == []
    assert (await everything_of(service, entity_id)).counts == NOTHING_TO_CHARGE


async def test_a_decline_leaves_the_subscription_past_due(service: Service, entity_id: str) -> None:
    payload = await onboard(service, entity_id, tier="PRO", paymentMethodId="pm_card_chargeCustomerFail")

    assert payload["subscription"]["status"] == "PAST_DUE"
    assert payload["invoice"]["status"] == "OPEN"
    payment = payload["payment"]
    assert (payment["status"], payment["errorCode"], payment["declineCode"], payment["errorMessage"]) == (
        "FAILED",
        "card_declined",
        "generic_decline",
        "Your card was declined.",
    )
    found = await everything_of(service, entity_id)
    assert [charge["status"] for charge in found.charges] == ["failed"]
    assert [invoice["status"] for invoice in found.invoices] == ["open"]


async def test_without_a_payment_method_the_invoice_is_due_in_thirty_days(service: Service, entity_id: str) -> None:
    payload = await onboard(service, entity_id, tier="PRO")

    assert payload["warnings"] == []
    assert payload["subscription"]["status"] == "ACTIVE"
    assert (payload["invoice"]["status"], payload["invoice"]["dueDate"]) == ("OPEN", "2028-03-01")
    assert payload["payment"] is None
    found = await everything_of(service, entity_id)
    assert found.counts == NOTHING_TO_CHARGE
    assert [(each["status"], each["due_date"]) for each in found.invoices] == [("open", "2028-03-01T00:00:00Z")]


async def test_a_payment_to_be_confirmed_hands_out_its_secret(service: Service, entity_id: str) -> None:
    payload = await onboard(service, entity_id, tier="PRO", paymentMethodId="pm_card_authenticationRequired")

    assert payload["subscription"]["status"] == "ACTIVE"
    assert payload["invoice"]["status"] == "OPEN"
    payment = payload["payment"]
    assert payment["status"] == "REQUIRES_ACTION"
    intent_id, _, secret = payment["clientSecret"].partition("_secret_")
    assert intent_id.startswith("pi_")
    assert secret
    assert (await everything_of(service, entity_id)).charges == []


@pytest.mark.parametrize("card", ["pm_card_visa", "pm_card_chargeCustomerFail"])
async def test_a_payment_that_is_decided_shows_no_secret(service: Service, entity_id: str, card: str) -> None:
    payload = await onboard(service, entity_id, tier="PRO", paymentMethodId=card)

    assert payload["payment"]["clientSecret"] is None


async def test_the_two_customers_are_created_side_by_side(service: Service, entity_id: str) -> None:
    for mock, path in ((service.metronome, "^/api/v1/customers$"), (service.stripe, "^/v1/customers$")):
        await mock.fault(kind="delay", path=path, method="POST", delay_ms=400, times=1)

    onboarding = asyncio.create_task(onboard(service, entity_id))

    while not onboarding.done():
        if await _under_way(service.metronome) and await _under_way(service.stripe):
            break
        await asyncio.sleep(0)
    assert not onboarding.done()
    assert (await onboarding)["operation"]["status"] == "SUCCEEDED"


async def _under_way(mock: Mock) -> list[dict[str, Any]]:
    """The requests that the mock has read and not answered yet."""
    return [each for each in (await mock.state())["requests"] if each["status"] is None]
