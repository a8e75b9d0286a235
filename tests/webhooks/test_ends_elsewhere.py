"""The end of a contract, set or taken back at Metronome by somebody else."""

import pytest

from tests.api.changing import Customers
from tests.service import Service
from tests.webhooks.customers import contract_of
from tests.webhooks.delivery import Json
from tests.webhooks.providers import metronome_call
from tests.webhooks.timeline import timeline


@pytest.fixture
def customers(service: Service) -> Customers:
    return Customers(service)


async def test_an_end_set_at_metronome_is_a_cancellation_here_and_without_it_the_subscription_goes_on(
    customers: Customers, entity_id: str
) -> None:
    year = await on_pro(customers, entity_id)
    await set_end(customers, entity_id, f"{year}-02-01")
    await customers.hear(entity_id)
    assert (await subscription(customers, entity_id))["cancelAtPeriodEnd"] is True
    await customers.agree(entity_id)

    await set_end(customers, entity_id, None)
    await customers.hear(entity_id)

    assert (await subscription(customers, entity_id))["cancelAtPeriodEnd"] is False
    await customers.agree(entity_id)
    assert (await timeline(entity_id, "subscription."))[1:] == [
        ("subscription.cancellation_scheduled", f"Ends on {year}-02-01, as set at Metronome"),
        ("subscription.reactivated", "On PRO MONTHLY: the end was taken back at Metronome"),
    ]


async def test_a_cancellation_made_at_metronome_ends_the_subscription_at_the_period_end(
    customers: Customers, entity_id: str
) -> None:
    year = await on_pro(customers, entity_id)
    await cancel_at_metronome(customers, entity_id, f"{year}-02-01")
    await customers.hear(entity_id)
    assert (await subscription(customers, entity_id))["cancelAtPeriodEnd"] is True
    await customers.agree(entity_id)

    customers.to(f"{year}-02-01T10:00")
    await customers.hear(entity_id)

    ended = await subscription(customers, entity_id)
    assert (ended["status"], ended["cancelAtPeriodEnd"]) == ("CANCELLED", False)
    await customers.agree(entity_id)


async def test_told_backwards_and_twice_it_is_the_same(customers: Customers, entity_id: str) -> None:
    year = await on_pro(customers, entity_id)
    for end in (f"{year}-02-01", None, f"{year}-02-01"):
        await set_end(customers, entity_id, end)

    await customers.hear(entity_id, newest_first=True)
    await customers.hear(entity_id)

    assert (await subscription(customers, entity_id))["cancelAtPeriodEnd"] is True
    assert [kind for kind, _ in await timeline(entity_id, "subscription.")] == [
        "subscription.started",
        "subscription.cancellation_scheduled",
    ]


async def test_the_echoes_of_what_we_did_ourselves_change_nothing(customers: Customers, entity_id: str) -> None:
    await on_pro(customers, entity_id)
    await customers.cancel(entity_id, effective="AT_PERIOD_END")
    await customers.reactivate(entity_id)
    await customers.change(entity_id, tier="FREE", effective="AT_PERIOD_END")
    await customers.withdraw(entity_id)
    await customers.change(entity_id, tier="TEAM", effective="AT_PERIOD_END")
    before, told = await customers.standing(entity_id), await timeline(entity_id, "")

    await customers.hear(entity_id, newest_first=True)

    assert await customers.standing(entity_id) == before
    assert await timeline(entity_id, "") == told
    assert before["ours"]["subscription"]["scheduledChange"] == {"tier": "TEAM"}


async def test_without_the_end_of_its_contract_a_scheduled_change_is_off(customers: Customers, entity_id: str) -> None:
    await on_pro(customers, entity_id)
    await customers.change(entity_id, tier="FREE", effective="AT_PERIOD_END")
    await set_end(customers, entity_id, None)

    await customers.hear(entity_id)

    assert (await subscription(customers, entity_id))["scheduledChange"] is None
    assert (await timeline(entity_id, "subscription."))[-1] == (
        "subscription.change_withdrawn",
        "Stays on PRO MONTHLY: the end of its contract was taken back at Metronome",
    )
    await customers.agree(entity_id)


async def test_a_contract_that_is_cancelled_besides_is_followed_by_nothing(
    customers: Customers, entity_id: str
) -> None:
    year = await on_pro(customers, entity_id)
    await customers.change(entity_id, tier="FREE", effective="AT_PERIOD_END")
    await cancel_at_metronome(customers, entity_id, f"{year}-02-01")

    await customers.hear(entity_id)

    after = await subscription(customers, entity_id)
    assert (after["cancelAtPeriodEnd"], after["scheduledChange"]) == (True, None)
    await customers.agree(entity_id)


async def test_an_end_in_a_later_period_counts_when_that_period_has_come(customers: Customers, entity_id: str) -> None:
    year = await on_pro(customers, entity_id)
    await set_end(customers, entity_id, f"{year}-03-01")
    await customers.hear(entity_id)
    assert (await subscription(customers, entity_id))["cancelAtPeriodEnd"] is False

    customers.to(f"{year}-02-01T10:00")
    await customers.hear(entity_id)

    after = await subscription(customers, entity_id)
    assert (after["cancelAtPeriodEnd"], after["currentPeriod"]["end"]) == (True, f"{year}-03-01")
    await customers.agree(entity_id)


async def on_pro(customers: Customers, entity_id: str) -> int:
    """For January, of the year that is returned."""
    january = customers.go_to_next(1, 1)
    await customers.onboard(entity_id)
    return january.year


async def subscription(customers: Customers, entity_id: str) -> Json:
    found: Json = (await customers.customer(entity_id))["subscription"]
    return found


async def set_end(customers: Customers, entity_id: str, end: str | None) -> None:
    end_date = f"{end}T00:00:00Z" if end else None
    await metronome_call(
        customers.service, "PATCH", f"contracts/{await contract_of(entity_id)}", {"end_date": end_date}
    )


async def cancel_at_metronome(customers: Customers, entity_id: str, end: str) -> None:
    path = f"contracts/{await contract_of(entity_id)}/cancel"
    await metronome_call(customers.service, "POST", path, {"effective_date": f"{end}T00:00:00Z"})
