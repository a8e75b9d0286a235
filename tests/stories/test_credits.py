"""Credits where two things meet: the end of a contract, the end of a month, usage, and news that come late."""

from tests.stories.world import World

VISA = "pm_card_visa"


async def test_what_was_used_in_a_month_is_usage_and_the_rest_expires(world: World) -> None:
    await world.onboard("ada", tier="PRO", paymentMethodId=VISA)
    await world.use("ada", 4_000)

    await world.to("2028-02-29T00:00:10")

    assert (await world.customer("ada"))["credits"]["balance"] == 10_000
    assert await world.ledger("ada") == [
        ("EXPIRY", -6_000),
        ("GRANT", 10_000),
        ("GRANT", 10_000),
        ("USAGE", -4_000),
    ]
    await world.agrees("ada")


async def test_an_allowance_that_was_used_up_is_usage_at_the_end_of_its_month(world: World) -> None:
    await world.onboard("ada", tier="PRO", paymentMethodId=VISA)
    await world.use("ada", 10_000)

    await world.to("2028-02-29T00:00:10")

    assert (await world.customer("ada"))["credits"]["balance"] == 10_000
    await world.agrees("ada")


async def test_coming_back_before_the_news_of_the_end_arrive_keeps_the_credits(world: World) -> None:
    await world.onboard("ada", tier="PRO", paymentMethodId=VISA)
    await world.service.metronome.http.post("/_mock/webhooks/hold")
    await world.ask("cancel", entityId="ada", effective="IMMEDIATELY", creditUnusedTime=False)
    await world.ask("reactivate", entityId="ada")
    await world.agrees("ada")

    await world.service.metronome.http.post("/_mock/webhooks/release", json={})
    await world.settled()

    assert (await world.customer("ada"))["credits"]["balance"] == 10_000
    await world.agrees("ada")


async def test_a_scheduled_downgrade_within_a_credit_month_leaves_the_share_of_the_days_left(world: World) -> None:
    await world.onboard("ada", tier="PRO", paymentMethodId=VISA)
    await world.to("2028-02-10T12:00:00")
    await world.do("changeTier", entityId="ada", tier="TEAM", billingPeriod="YEARLY")
    await world.do("changeTier", entityId="ada", tier="PRO", billingPeriod="MONTHLY", effective="AT_PERIOD_END")

    await world.to("2029-01-31T00:00:10")
    await world.to("2029-02-10T00:00:10")

    assert (await world.customer("ada"))["credits"]["balance"] == 50_000 - 25_714  # 18 of 28 days
    await world.agrees("ada")
