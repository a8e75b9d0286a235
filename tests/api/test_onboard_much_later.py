"""An onboarding that a provider refused, sent again when its first period is long over."""

from models import Operation, OperationStatus
from tests.api.changing import Customers
from tests.api.onboarding import onboard

PRO = {"tier": "PRO", "paymentMethodId": "pm_card_visa"}


async def _refused(customers: Customers, entity_id: str, noun: str) -> None:
    customers.go_to_next(1, 1)
    await customers.service.metronome.fault(method="POST", path=f"/api/v1/{noun}$", kind="status_before", status=409)
    payload = await onboard(customers.service, entity_id, **PRO)
    assert [error["code"] for error in payload["userErrors"]] == ["PROVIDER_REJECTED"]
    customers.go_to_next(3, 10)


async def test_without_a_contract_its_first_period_begins_on_the_day_it_is_sent_again(
    customers: Customers, entity_id: str
) -> None:
    await _refused(customers, entity_id, "contracts")

    payload = await onboard(customers.service, entity_id, **PRO)

    assert (payload["userErrors"], payload["subscription"]["status"]) == ([], "ACTIVE")
    assert payload["subscription"]["currentPeriod"]["start"] == customers.today.isoformat()
    assert payload["customer"]["credits"]["balance"] == 10_000
    await customers.agree(entity_id)


async def test_with_a_contract_what_the_engine_renewed_meanwhile_waits_for_it_and_follows(
    customers: Customers, entity_id: str
) -> None:
    await _refused(customers, entity_id, "credits")
    await customers.hear(entity_id)
    assert not await Operation.exists(customer__entity_id=entity_id, status=OperationStatus.RUNNING)

    payload = await onboard(customers.service, entity_id, **PRO)
    await customers.hear(entity_id)

    assert (payload["userErrors"], payload["subscription"]["status"]) == ([], "ACTIVE")
    customer = await customers.customer(entity_id)
    march = customers.today.replace(day=1).isoformat()
    assert customer["subscription"]["currentPeriod"]["start"] == march
    assert [invoice["status"] for invoice in customer["invoices"]] == ["PAID"] * 3
    assert customer["credits"]["balance"] == 10_000
    await customers.agree(entity_id)
