"""One customer, from the first free day to a renewal after coming back: two years, every figure, three books."""

from datetime import timedelta
from typing import Any

from tests.stories.world import World

VISA = "pm_card_visa"
DECLINING = "pm_card_chargeCustomerFail"


class Ada:
    """What a story says of her, each time after all three books were found to agree."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def is_(self, tier: str, status: str = "ACTIVE", *, credits_: int | None, until: str) -> dict[str, Any]:
        await self.world.agrees("ada")
        ada = await self.world.customer("ada")
        subscription = ada["subscription"]
        assert (subscription["tier"], subscription["status"]) == (tier, status)
        assert credits_ is None or ada["credits"]["balance"] == credits_
        assert subscription["currentPeriod"]["end"] == until
        return ada

    async def has_paid(self, *amounts: int) -> None:
        assert await self.world.succeeded_charges("ada") == list(amounts)


async def test_two_years_of_a_customer(world: World) -> None:
    ada = Ada(world)
    await world.onboard("ada")
    await ada.is_("FREE", credits_=1_000, until="2028-02-29")

    await _to_pro_and_team(world, ada)
    await _through_the_year(world, ada)
    await _declined_and_recovered(world, ada)
    await _down_at_the_period_end(world, ada)
    await _gone_and_back(world, ada)

    found = await world.customer("ada")
    assert [invoice["status"] for invoice in found["invoices"]] == ["PAID"] * 7
    assert found["accountBalance"]["minorUnits"] == 0
    assert await world.failed_charges("ada") == [29_000] * 4


async def _to_pro_and_team(world: World, ada: Ada) -> None:
    await world.to("2028-02-10T12:00:00")
    await world.do("attachPaymentMethod", entityId="ada", paymentMethodId=VISA)
    await world.do("changeTier", entityId="ada", tier="PRO")
    await ada.is_("PRO", credits_=1_000 + 5_897, until="2028-02-29")  # 19 of 29 days
    await ada.has_paid(590)

    await world.to("2028-02-29T00:00:10")
    await ada.is_("PRO", credits_=10_000, until="2028-03-31")
    await ada.has_paid(590, 900)

    await world.to("2028-03-15T12:00:00")
    await world.do("changeTier", entityId="ada", tier="TEAM", billingPeriod="YEARLY")
    found = await ada.is_("TEAM", credits_=10_000 + 20_645, until="2029-03-15")  # 16 of 31 days
    assert [line["amount"]["minorUnits"] for line in found["invoices"][0]["lines"]] == [-465, 29_000]
    await ada.has_paid(590, 900, 28_535)


async def _through_the_year(world: World, ada: Ada) -> None:
    """Credits month by month, counted from the day she came; one month she uses some."""
    for boundary in ("2028-03-31", "2028-04-30", "2028-05-31", "2028-06-30"):
        await world.to(f"{boundary}T00:00:10")
        await ada.is_("TEAM", credits_=50_000, until="2029-03-15")

    await world.use("ada", 12_345)
    [metered] = await world.differences("ada")
    assert (metered.what, metered.ours, metered.theirs, metered.severity) == (
        "credits.balance", "50000", "37655", "LOW",
    )  # fmt: skip

    for boundary in ("07-31", "08-31", "09-30", "10-31", "11-30", "12-31"):
        await world.to(f"2028-{boundary}T00:00:10")
        await ada.is_("TEAM", credits_=50_000, until="2029-03-15")
    for boundary in ("2029-01-31", "2029-02-28"):
        await world.to(f"{boundary}T00:00:10")
        await ada.is_("TEAM", credits_=50_000, until="2029-03-15")
    await ada.has_paid(590, 900, 28_535)


async def _declined_and_recovered(world: World, ada: Ada) -> None:
    await world.to("2029-03-01T12:00:00")
    await world.do("attachPaymentMethod", entityId="ada", paymentMethodId=DECLINING)
    await world.to("2029-03-15T00:00:10")
    found = await ada.is_("TEAM", "PAST_DUE", credits_=50_000, until="2030-03-15")
    assert _dunning(found) == (29_000, "OPEN", 1, "2029-03-16")

    for failures, (day, following) in enumerate((("16", "18"), ("18", "20"), ("20", "22")), start=2):
        await world.to(f"2029-03-{day}T06:00:00")
        await world.tried("ada", failures=failures)
        found = await ada.is_("TEAM", "PAST_DUE", credits_=50_000, until="2030-03-15")
        assert _dunning(found) == (29_000, "OPEN", failures, f"2029-03-{following}")
    assert {payment["declineCode"] for payment in found["invoices"][0]["payments"]} == {"generic_decline"}

    await world.to("2029-03-21T12:00:00")
    await world.do("attachPaymentMethod", entityId="ada", paymentMethodId=VISA)
    found = await ada.is_("TEAM", credits_=50_000, until="2030-03-15")
    assert _dunning(found) == (29_000, "PAID", 4, None)
    await ada.has_paid(590, 900, 28_535, 29_000)


def _dunning(ada: dict[str, Any]) -> tuple[int, str, int, str | None]:
    """Of the newest invoice: the amount, its status, how often it failed, the day of the next attempt."""
    invoice = ada["invoices"][0]
    next_day = invoice["nextAttemptAt"] and invoice["nextAttemptAt"][:10]
    return invoice["amount"]["minorUnits"], invoice["status"], invoice["failedAttempts"], next_day


async def _down_at_the_period_end(world: World, ada: Ada) -> None:
    payload = await world.do(
        "changeTier", entityId="ada", tier="PRO", billingPeriod="MONTHLY", effective="AT_PERIOD_END"
    )
    assert payload["subscription"]["status"] == "ACTIVE"
    found = await ada.is_("TEAM", credits_=50_000, until="2030-03-15")
    assert found["subscription"]["scheduledChange"] == {
        "tier": "PRO",
        "billingPeriod": "MONTHLY",
        "effectiveOn": "2030-03-15",
    }
    for boundary in ("03-31", "04-30", "05-31", "06-30", "07-31", "08-31", "09-30", "10-31", "11-30", "12-31"):
        await world.to(f"2029-{boundary}T00:00:10")
        await ada.is_("TEAM", credits_=50_000, until="2030-03-15")
    for boundary in ("2030-01-31", "2030-02-28"):
        await world.to(f"{boundary}T00:00:10")
        await ada.is_("TEAM", credits_=50_000, until="2030-03-15")

    await world.to("2030-03-15T00:00:10")
    found = await ada.is_("PRO", credits_=None, until="2030-04-15")  # of its credits tells test_credits
    assert found["subscription"]["billingPeriod"] == "MONTHLY"
    assert found["subscription"]["scheduledChange"] is None
    await ada.has_paid(590, 900, 28_535, 29_000, 900)

    await world.to("2030-03-31T00:00:10")
    await ada.is_("PRO", credits_=10_000, until="2030-04-15")


async def _gone_and_back(world: World, ada: Ada) -> None:
    await world.to("2030-04-01T12:00:00")
    await world.do("cancel", entityId="ada")
    found = await ada.is_("PRO", credits_=10_000, until="2030-04-15")
    assert found["subscription"]["cancelAtPeriodEnd"] is True

    await world.to("2030-04-15T00:00:10")
    await ada.is_("PRO", "CANCELLED", credits_=0, until="2030-04-15")
    await world.to("2030-04-30T00:00:10")
    await ada.is_("PRO", "CANCELLED", credits_=0, until="2030-04-15")

    await world.to("2030-05-02T12:00:00")
    await world.do("reactivate", entityId="ada")
    await ada.is_("PRO", credits_=10_000, until="2030-06-02")
    await world.to("2030-05-31T00:00:10")
    await ada.is_("PRO", credits_=10_000, until="2030-06-02")
    await world.to("2030-06-02T00:00:10")
    await ada.is_("PRO", credits_=10_000, until="2030-07-02")
    await ada.has_paid(590, 900, 28_535, 29_000, 900, 900, 900)


async def test_a_customer_whose_card_never_works_again_expires_after_the_last_attempt(world: World) -> None:
    ada = Ada(world)
    await world.onboard("ada", tier="PRO", paymentMethodId=VISA)
    await world.do("attachPaymentMethod", entityId="ada", paymentMethodId=DECLINING)
    await world.to("2028-02-29T00:00:10")
    found = await ada.is_("PRO", "PAST_DUE", credits_=10_000, until="2028-03-31")
    assert _dunning(found) == (900, "OPEN", 1, "2028-03-01")

    for failures, (day, following) in enumerate((("01", "03"), ("03", "05"), ("05", "07")), start=2):
        await world.to(f"2028-03-{day}T06:00:00")
        await world.tried("ada", failures=failures)
        found = await ada.is_("PRO", "PAST_DUE", credits_=10_000, until="2028-03-31")
        assert _dunning(found) == (900, "OPEN", failures, f"2028-03-{following}")

    await world.to("2028-03-07T06:00:00")
    await world.tried("ada", failures=5)
    found = await ada.is_("PRO", "EXPIRED", credits_=0, until="2028-03-31")
    assert _dunning(found) == (900, "UNCOLLECTIBLE", 5, None)

    await world.after(timedelta(days=60))
    await world.another_round()
    await ada.is_("PRO", "EXPIRED", credits_=0, until="2028-03-31")
    await ada.has_paid(900)
    assert await world.failed_charges("ada") == [900] * 5
