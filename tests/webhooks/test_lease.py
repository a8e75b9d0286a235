"""An event is one worker's for as long as its lease lasts; whoever comes back later than that writes nothing."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from tortoise.transactions import in_transaction

from mock_kit.clock import Clock
from models import Customer, Provider, WebhookEvent, WebhookEventState
from tests.api.rows import write_customer
from webhooks import inbox
from webhooks.inbox import Arrival, Claimed, LeaseLost

LEASE = timedelta(seconds=30)
NOW = Clock(frozen=True).now()
LATER = NOW + LEASE + timedelta(seconds=1)

pytestmark = pytest.mark.usefixtures("database")


async def test_within_the_lease_nobody_else_gets_the_event() -> None:
    held = await stored_and_claimed()

    assert await inbox.claim(at=NOW + LEASE - timedelta(seconds=1), lease=LEASE) is None
    await inbox.finish(held, WebhookEventState.DONE, at=NOW)

    assert (await the_event())["state"] is WebhookEventState.DONE


async def test_who_comes_back_after_the_lease_ends_nothing_and_has_done_nothing() -> None:
    late = await stored_and_claimed()
    holder = await inbox.claim(at=LATER, lease=LEASE)
    assert holder is not None
    assert (holder.id, late.attempt, holder.attempt) == (late.id, 1, 2)
    before = await the_event()

    with pytest.raises(LeaseLost):
        await done_with_its_effect(late)
    assert await the_event() == before
    assert await Customer.all().count() == 0

    await done_with_its_effect(holder)
    assert (await the_event())["state"] is WebhookEventState.DONE
    assert await Customer.all().count() == 1


async def test_who_comes_back_after_the_event_has_ended_changes_nothing() -> None:
    late = await stored_and_claimed()
    holder = await inbox.claim(at=LATER, lease=LEASE)
    assert holder is not None
    await done_with_its_effect(holder)
    before = await the_event()

    with pytest.raises(LeaseLost):
        await done_with_its_effect(late)
    with pytest.raises(LeaseLost):
        await done_with_its_effect(holder)

    assert await the_event() == before
    assert await Customer.all().count() == 1


@pytest.mark.parametrize("put_off", [inbox.postpone, inbox.wait], ids=["postponing", "waiting"])
async def test_who_comes_back_after_the_lease_does_not_put_it_off(put_off: Callable[..., Awaitable[None]]) -> None:
    late = await stored_and_claimed()
    assert await inbox.claim(at=LATER, lease=LEASE) is not None
    before = await the_event()

    await put_off(late, at=LATER, reason="Stripe is away.")

    assert await the_event() == before


async def stored_and_claimed() -> Claimed:
    arrival = Arrival(Provider.STRIPE, "evt_slow", "topup.created", "cus_slow", "{}", NOW)
    assert await inbox.store([arrival], at=NOW) == [True]
    claimed = await inbox.claim(at=NOW, lease=LEASE)
    assert claimed is not None
    return claimed


async def done_with_its_effect(event: Claimed) -> None:
    """As the processor does it."""
    async with in_transaction():
        await inbox.finish(event, WebhookEventState.DONE, at=LATER)
        await write_customer(f"effect of attempt {event.attempt}")


async def the_event() -> dict[str, object]:
    return await WebhookEvent.get(event_id="evt_slow").values()
