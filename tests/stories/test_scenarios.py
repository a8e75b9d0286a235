"""Eight short stories over real sockets; at the end of each, Metronome, Stripe and the service agree."""

from typing import Any

from models import WebhookEvent
from tests.stories.world import World
from tests.webhooks.delivery import metronome_headers, stripe_headers

VISA = "pm_card_visa"


def invoiced(customer: dict[str, Any]) -> list[tuple[int, str]]:
    """Amount and status of each invoice, the oldest first."""
    return [(each["amount"]["minorUnits"], each["status"]) for each in reversed(customer["invoices"])]


def lines(invoice: dict[str, Any]) -> list[int]:
    return [line["amount"]["minorUnits"] for line in invoice["lines"]]


async def test_onboarding_on_free_makes_no_invoice(world: World) -> None:
    await world.onboard("ada")

    ada = await world.customer("ada")
    assert (ada["subscription"]["status"], ada["subscription"]["tier"]) == ("ACTIVE", "FREE")
    assert ada["subscription"]["currentPeriod"] == {"start": "2028-01-31", "end": "2028-02-29"}
    assert ada["credits"]["balance"] == 1_000
    assert ada["invoices"] == []
    assert await world.succeeded_charges("ada") == []
    await world.agrees("ada")


async def test_onboarding_on_a_paid_tier_invoices_and_collects(world: World) -> None:
    await world.onboard("ada", tier="PRO", paymentMethodId=VISA)

    ada = await world.customer("ada")
    assert (ada["subscription"]["status"], ada["subscription"]["tier"]) == ("ACTIVE", "PRO")
    assert ada["credits"]["balance"] == 10_000
    assert ada["paymentMethods"] == [{"last4": "4242", "isDefault": True}]
    assert invoiced(ada) == [(900, "PAID")]
    assert await world.succeeded_charges("ada") == [900]
    await world.agrees("ada")


async def test_an_upgrade_charges_the_difference_of_the_days_left_and_raises_the_credits(world: World) -> None:
    await world.onboard("ada", tier="PRO", paymentMethodId=VISA)
    await world.to("2028-02-10T12:00:00")

    await world.do("changeTier", entityId="ada", tier="TEAM")

    ada = await world.customer("ada")
    assert (ada["subscription"]["status"], ada["subscription"]["tier"]) == ("ACTIVE", "TEAM")
    assert ada["subscription"]["currentPeriod"] == {"start": "2028-01-31", "end": "2028-02-29"}
    assert lines(ada["invoices"][0]) == [-590, 1_900]  # 19 of 29 days
    assert invoiced(ada) == [(900, "PAID"), (1_310, "PAID")]
    assert await world.succeeded_charges("ada") == [900, 1_310]
    assert ada["credits"]["balance"] == 10_000 + 26_207
    await world.agrees("ada")


async def test_a_downgrade_credits_the_difference_and_the_next_invoice_uses_it(world: World) -> None:
    await world.onboard("ada", tier="TEAM", paymentMethodId=VISA)
    await world.to("2028-02-10T12:00:00")

    await world.do("changeTier", entityId="ada", tier="PRO")

    ada = await world.customer("ada")
    assert ada["subscription"]["tier"] == "PRO"
    assert ada["accountBalance"]["minorUnits"] == 1_900 - 590
    assert ada["credits"]["balance"] == 50_000 - 26_207
    await world.agrees("ada")

    await world.to("2028-02-29T00:00:10")
    await world.to("2028-03-31T00:00:10")

    ada = await world.customer("ada")
    assert invoiced(ada) == [(2_900, "PAID"), (900, "PAID"), (900, "PAID")]
    assert ada["accountBalance"]["minorUnits"] == 0
    assert await world.succeeded_charges("ada") == [2_900, 2 * 900 - 1_310]
    await world.agrees("ada")


async def test_the_billing_period_changes_both_ways(world: World) -> None:
    await world.onboard("ada", tier="PRO", paymentMethodId=VISA)
    await world.to("2028-02-10T12:00:00")

    await world.do("changeTier", entityId="ada", tier="PRO", billingPeriod="YEARLY")

    ada = await world.customer("ada")
    assert ada["subscription"]["currentPeriod"] == {"start": "2028-02-10", "end": "2029-02-10"}
    assert lines(ada["invoices"][0]) == [-590, 9_000]
    assert await world.succeeded_charges("ada") == [900, 8_410]
    assert ada["credits"]["balance"] == 10_000
    await world.agrees("ada")

    await world.to("2028-05-20T12:00:00")
    await world.do("changeTier", entityId="ada", tier="PRO", billingPeriod="MONTHLY")

    ada = await world.customer("ada")
    assert ada["subscription"]["currentPeriod"] == {"start": "2028-05-20", "end": "2028-06-20"}
    assert ada["accountBalance"]["minorUnits"] == 6_541 - 900  # 266 of 366 days
    assert await world.succeeded_charges("ada") == [900, 8_410]
    assert ada["credits"]["balance"] == 10_000
    await world.agrees("ada")

    await world.to("2028-06-20T00:00:10")
    ada = await world.customer("ada")
    assert ada["accountBalance"]["minorUnits"] == 6_541 - 2 * 900
    await world.agrees("ada")


async def test_cancelling_ends_it_now_with_the_rest_credited_or_at_the_period_end(world: World) -> None:
    await world.onboard("ada", tier="PRO", paymentMethodId=VISA)
    await world.onboard("bob", tier="PRO", paymentMethodId=VISA)
    await world.to("2028-02-10T12:00:00")

    await world.do("cancel", entityId="ada", effective="IMMEDIATELY")
    await world.do("cancel", entityId="bob")

    ada, bob = await world.customer("ada"), await world.customer("bob")
    assert (ada["subscription"]["status"], ada["credits"]["balance"]) == ("CANCELLED", 0)
    assert ada["accountBalance"]["minorUnits"] == 590
    assert (bob["subscription"]["status"], bob["subscription"]["cancelAtPeriodEnd"]) == ("ACTIVE", True)
    assert (bob["credits"]["balance"], bob["accountBalance"]["minorUnits"]) == (10_000, 0)
    await world.agrees("ada")
    await world.agrees("bob")

    await world.to("2028-03-31T00:00:10")

    bob = await world.customer("bob")
    assert (bob["subscription"]["status"], bob["credits"]["balance"]) == ("CANCELLED", 0)
    for entity_id in ("ada", "bob"):
        assert await world.succeeded_charges(entity_id) == [900]
        await world.agrees(entity_id)


async def test_reactivating_takes_a_cancellation_back_or_starts_anew(world: World) -> None:
    await world.onboard("ada", tier="PRO", paymentMethodId=VISA)
    await world.do("cancel", entityId="ada")
    await world.do("reactivate", entityId="ada")
    await world.agrees("ada")
    await world.to("2028-02-29T00:00:10")

    ada = await world.customer("ada")
    assert (ada["subscription"]["status"], invoiced(ada)) == ("ACTIVE", [(900, "PAID"), (900, "PAID")])
    await world.agrees("ada")

    await world.do("cancel", entityId="ada", effective="IMMEDIATELY", creditUnusedTime=False)
    await world.agrees("ada")
    await world.to("2028-03-10T12:00:00")
    await world.do("reactivate", entityId="ada", tier="TEAM")

    ada = await world.customer("ada")
    assert (ada["subscription"]["status"], ada["subscription"]["tier"]) == ("ACTIVE", "TEAM")
    assert ada["subscription"]["currentPeriod"] == {"start": "2028-03-10", "end": "2028-04-10"}
    assert await world.succeeded_charges("ada") == [900, 900, 2_900]
    # What was granted in this credit month already comes back, changed for 21 of its 31 days.
    assert ada["credits"]["balance"] == 10_000 + 27_097
    await world.agrees("ada")


async def test_news_of_both_providers_are_verified_followed_and_counted_once(world: World) -> None:
    await world.onboard("ada", tier="PRO", paymentMethodId=VISA)
    for mock in (world.service.metronome, world.service.stripe):
        await mock.http.post("/_mock/webhooks/duplicate", json={"times": 2, "next": 100})
    await world.to("2028-02-29T00:00:10")

    ada = await world.customer("ada")
    assert invoiced(ada) == [(900, "PAID"), (900, "PAID")]
    assert ada["credits"]["balance"] == 10_000
    states = await WebhookEvent.all().values_list("provider", "state")
    assert {(provider.value, state.value) for provider, state in states} == {("METRONOME", "DONE"), ("STRIPE", "DONE")}
    await world.agrees("ada")

    stored = await WebhookEvent.all().count()
    for provider, sign in (("metronome", metronome_headers), ("stripe", stripe_headers)):
        headers = sign(b"{}", at=world.now, secret="somebody-elses")
        answer = await world.service.http.post(f"/webhooks/{provider}", content=b"{}", headers=headers)
        assert answer.status_code == 400
    assert await WebhookEvent.all().count() == stored
