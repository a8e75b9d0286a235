"""What broke is shown with its reason and mended from the browser: dead events, operations that stopped half-way."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from playwright.async_api import expect

import models
from tests.stories.world import World
from tests.web.visit import Visit
from tests.webhooks.delivery import stored_where, until

MOMENT = timedelta(seconds=1)


@pytest.fixture(autouse=True)
async def no_faults_left(world: World) -> AsyncIterator[None]:
    yield
    await world.service.stripe.clear_faults()


async def payer_confirms(world: World, entity_id: str) -> None:
    answer = await world.service.graphql(
        "query ($id: String!) { payments(entityId: $id, first: 1) { nodes { id } } }", id=entity_id
    )
    await world.service.graphql(
        "mutation ($input: AuthenticateSandboxPaymentInput!) "
        "{ authenticateSandboxPayment(input: $input) { userErrors { code } } }",
        input={"paymentId": answer["payments"]["nodes"][0]["id"], "success": True},
    )


async def tried_to_death(world: World) -> list[str]:
    """The types of the events that have used up their attempts, once none waits; time is set ahead to each next one."""

    async def look() -> list[str]:
        waiting = await stored_where(world.service, state="PENDING")
        nexts = [datetime.fromisoformat(each["nextAttemptAt"]) for each in waiting]
        if nexts and min(nexts) > world.now:  # else one is being tried just now
            await set_clock(world, max(nexts) + MOMENT)
        return [] if waiting else [each["type"] for each in await stored_where(world.service, state="DEAD")]

    return await until(look, what="events tried to death")


async def set_clock(world: World, moment: datetime) -> None:
    await world.service.graphql(
        "mutation ($input: AdvanceSandboxClockInput!) { advanceSandboxClock(input: $input) { userErrors { code } } }",
        input={"to": moment.isoformat()},
    )


async def break_payments(world: World, **fault: Any) -> None:
    """Stripe as it is on a bad day, where payments are concerned."""
    await world.service.stripe.fault(kind="status_before", status=503, path="^/v1/payment_intents", times=None, **fault)


async def test_dead_events_show_why_and_are_replayed_one_by_one_or_all_at_once(visit: Visit) -> None:
    world = visit.world
    await world.ask(
        "onboard",
        entity={"id": "web_dead", "type": "USER", "name": "Ada Lovelace", "email": "ada@example.com"},
        tier="PRO",
        paymentMethodId="pm_card_authenticationRequired",
    )
    await world.settled()
    await break_payments(world, method="GET")
    await payer_confirms(world, "web_dead")
    dead = await tried_to_death(world)
    assert sorted(dead) == ["charge.succeeded", "charge.updated", "payment_intent.succeeded"]

    await visit.open("/webhooks/?state=DEAD")
    row = visit.page.get_by_role("row", name=re.compile("payment_intent.succeeded"))
    await expect(row).to_contain_text("Dead")
    await expect(row).to_contain_text("16")
    await expect(row).to_contain_text("stripe get_payment_intent")
    await visit.keep_picture("webhooks-dead")
    assert await visit.violations() == []

    await world.service.stripe.clear_faults()
    await visit.button("payment_intent.succeeded").click()
    await visit.sees("What went wrong", within=visit.dialog())
    await visit.button("Replay", within=visit.dialog()).click()
    await visit.sees("Done", within=visit.dialog())
    await visit.button("Close", within=visit.dialog()).click()
    await visit.button("Replay 2 dead events").click()
    await visit.button("Replay them").click()

    await visit.sees("2 events will be handled again")
    await visit.sees("No event is like that")
    await expect(visit.button(re.compile("^Replay .* dead"))).to_have_count(0)
    await world.settled()
    assert await world.succeeded_charges("web_dead") == [900]
    await world.agrees("web_dead")


async def test_an_operation_that_stands_still_is_found_and_finished_from_its_page(visit: Visit) -> None:
    world = visit.world
    await break_payments(world, method="POST")
    entity = {"id": "web_stuck", "type": "USER", "name": "Ada Lovelace", "email": "ada@example.com"}
    onboarding = asyncio.create_task(world.ask("onboard", entity=entity, tier="PRO", paymentMethodId="pm_card_visa"))
    await visit.open("/operations/?view=stuck&customer=web_stuck")
    row = visit.page.get_by_role("row", name=re.compile("web_stuck"))
    await expect(row).to_contain_text("stripe create_payment_intent: no answer (status 503)")
    await visit.button("Onboard", within=row).click()
    steps = visit.dialog().locator("[data-step]")
    await expect(visit.dialog().locator("[data-step=metronome_invoice][data-state=DONE]")).to_be_visible()
    payment = visit.dialog().locator("[data-step=payment_1]")
    await expect(payment).to_have_attribute("data-state", "INTENDED")
    await expect(payment).to_contain_text(re.compile(r"sent \d+ times"))
    await visit.sees("Still trying", within=visit.dialog())
    (begun,) = await models.Operation.filter(customer__entity_id="web_stuck")
    assert begun.status is models.OperationStatus.RUNNING
    done = visit.dialog().locator("[data-step=stripe_customer]")
    await expect(done.get_by_role("button", name=re.compile("provider request id"))).to_be_visible()
    assert await visit.violations() == []
    await visit.keep_picture("operation-stuck")

    await world.service.stripe.clear_faults()
    await visit.button("Look again now", within=visit.dialog()).click()

    await expect(payment).to_have_attribute("data-state", "DONE")
    await expect(payment.get_by_role("button", name=re.compile("provider request id"))).to_be_visible()
    await expect(visit.button("Look again now")).to_have_count(0)
    await visit.sees("Succeeded", within=visit.dialog())
    await expect(visit.dialog().locator("[data-state=DONE]")).to_have_count(await steps.count())
    assert (await onboarding)["userErrors"] == []
    await world.settled()
    assert await world.succeeded_charges("web_stuck") == [900]
    await world.agrees("web_stuck")


async def test_a_failed_operation_says_which_step_was_refused_and_why(visit: Visit) -> None:
    await visit.world.onboard("web_failed", tier="FREE", paymentMethodId="pm_card_chargeCustomerFail")
    await visit.world.ask("changeTier", entityId="web_failed", tier="PRO")

    await visit.open("/operations/?view=failed&customer=web_failed")
    row = visit.page.get_by_role("row", name=re.compile("web_failed"))
    await expect(row).to_contain_text("declined")
    await visit.button("Change tier", within=row).click()

    refused = visit.dialog().locator("[data-state=REFUSED]")
    await expect(refused).to_contain_text("Your card was declined")
    await expect(refused.get_by_role("button", name=re.compile("provider request id"))).to_be_visible()
    await expect(visit.button("Look again now")).to_have_count(0)
    await visit.keep_picture("operation-failed")
