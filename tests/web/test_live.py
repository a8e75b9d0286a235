"""What happens elsewhere is shown by itself; without a connection, it is said so."""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from playwright.async_api import Browser, expect

from tests.api.onboarding import person
from tests.stories.world import World
from tests.web.conftest import visiting
from tests.web.visit import Visit
from tests.webhooks.delivery import until

QUERY = re.compile(r"query (\w+)")


async def test_the_dashboard_counts_a_customer_that_somebody_else_onboards(visit: Visit) -> None:
    await visit.open("/")
    count = (
        visit.page.locator("[data-station=ONBOARDING]").get_by_text("customers").locator("xpath=preceding-sibling::*")
    )
    before = int(await count.inner_text())

    await visit.world.onboard("user_seen_live", tier="PRO", paymentMethodId="pm_card_visa")

    await expect(count).to_have_text(str(before + 1))
    await visit.sees("user_seen_live", within=visit.card("Activity"))


async def test_a_customer_page_follows_what_another_person_does(browser: Browser, world: World) -> None:
    await world.onboard("user_two_see", tier="PRO", paymentMethodId="pm_card_visa")
    async with visiting(browser, world) as one, visiting(browser, world) as other:
        for visit in (one, other):
            await visit.open("/customers/view/?id=user_two_see")
        await one.button("Cancel…").click()
        await one.button(re.compile("^End it on")).click()

        await other.sees("until then everything works")


async def test_the_palette_finds_a_customer_by_a_part_of_the_name(visit: Visit) -> None:
    await visit.world.do("onboard", entity={**person("user_palette"), "name": "Katherine Johnson"})
    await visit.open("/")

    await visit.page.keyboard.press("Control+k")
    await visit.page.keyboard.type("erine joh")
    await expect(visit.page.get_by_role("option", name=re.compile("Katherine Johnson"))).to_be_visible()
    assert await visit.violations() == []
    await visit.keep_picture("palette")
    await visit.page.keyboard.press("Enter")

    await visit.page.wait_for_url("**/customers/view/?id=user_palette")
    await visit.sees("Katherine Johnson")


async def test_filters_stand_in_the_address_and_back_goes_back(visit: Visit) -> None:
    await visit.world.onboard("user_filter", tier="TEAM", paymentMethodId="pm_card_visa")
    await visit.open("/customers/")

    await visit.page.get_by_label("Tier").select_option("TEAM")
    await visit.page.get_by_label("Search customers").fill("user_filter")
    await visit.page.wait_for_url("**/customers/?tier=TEAM&text=user_filter")
    await expect(visit.page.get_by_role("row")).to_have_count(2)
    await visit.page.get_by_role("link", name="Ada Lovelace").click()
    await visit.page.wait_for_url("**/customers/view/**")
    await visit.page.go_back()

    await expect(visit.page.get_by_label("Tier")).to_have_value("TEAM")
    await expect(visit.page.get_by_label("Search customers")).to_have_value("user_filter")


async def test_an_id_is_copied_by_a_click(visit: Visit) -> None:
    await visit.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await visit.world.onboard("user_copied", tier="FREE")
    await visit.open("/customers/view/?id=user_copied")

    await visit.button(re.compile(r"^user_copied\s*, copy entity id")).first.click()

    await visit.button(re.compile(r"^user_copied\s*, entity id, copied")).wait_for()  # looks more often than `expect`
    assert await visit.page.evaluate("navigator.clipboard.readText()") == "user_copied"


async def test_a_pretty_link_leads_to_the_customer(visit: Visit) -> None:
    await visit.world.onboard("user_linked", tier="FREE")

    await visit.page.goto("/customers/user_linked")

    await visit.page.wait_for_url("**/customers/view/?id=user_linked")
    await visit.sees("user_linked")


async def test_the_colours_chosen_are_kept(visit: Visit) -> None:
    await visit.open("/")
    await visit.page.keyboard.press("Control+k")
    await visit.page.keyboard.type("dark")
    await visit.page.keyboard.press("Enter")
    await expect(visit.page.locator("html")).to_have_attribute("data-theme", "dark")

    await visit.page.reload()

    await expect(visit.page.locator("html")).to_have_attribute("data-theme", "dark")


async def test_when_the_service_is_away_it_is_said_and_what_was_there_stays(visit: Visit) -> None:
    await visit.world.onboard("user_stays", tier="FREE")
    await visit.open("/customers/view/?id=user_stays")

    await visit.page.context.set_offline(True)
    await visit.page.evaluate("window.dispatchEvent(new Event('online'))")
    await visit.sees("The service does not answer. What you see is as it was")
    await visit.sees("1,000", within=visit.card("Credits"))
    await visit.keep_picture("offline")
    await visit.page.context.set_offline(False)

    await visit.is_live()
    visit.complaints.clear()  # the browser's own, about what it could not reach


async def nothing_happened_lately(world: World) -> bool:
    """What did may have been missed while the page opened; then everything is asked for again."""
    answer = await world.service.graphql("{ environment { now } latestActivity(first: 1) { at } }")
    now, newest = (
        datetime.fromisoformat(at) for at in (answer["environment"]["now"], answer["latestActivity"][0]["at"])
    )
    if now - newest > timedelta(seconds=15):
        return True
    await world.service.graphql(
        "mutation ($input: AdvanceSandboxClockInput!) { advanceSandboxClock(input: $input) { userErrors { code } } }",
        input={"to": (now + timedelta(seconds=20)).isoformat()},
    )
    await world.settled()
    return False


async def test_a_page_that_is_opened_asks_each_question_once(visit: Visit) -> None:
    """Every question counts towards the limit of the caller's key. The events of a customer are asked for every five
    seconds, because nothing tells of them: when they were asked for again, the rest was not.
    """
    await visit.world.onboard("user_asked_once")
    await visit.open("/guide/")  # so that the scripts are there: a page that is not live in time asks again
    await until(lambda: nothing_happened_lately(visit.world), what="a quiet moment")
    asked: list[str] = []
    visit.page.on("request", lambda request: asked.extend(QUERY.findall(request.post_data or "")))

    await visit.open("/customers/view/?id=user_asked_once")
    async with visit.page.expect_request(lambda request: asked.count("CustomerEvents") >= 2):
        pass

    once = ["Customer", "Ledger", "Invoices", "Payments", "CustomerOperations", "LatestActivity"]
    assert {name: asked.count(name) for name in once} == dict.fromkeys(once, 1)


async def test_a_time_is_told_in_the_local_zone_and_in_utc_on_hover(visit: Visit) -> None:
    await visit.world.onboard("user_timed", tier="FREE")
    await visit.open("/customers/view/?id=user_timed")

    told = visit.card("Profile").locator("time")

    utc = datetime.fromisoformat(str(await told.get_attribute("datetime")))
    local = utc.astimezone(ZoneInfo("Europe/Berlin"))
    assert local.utcoffset() != utc.utcoffset()
    await expect(told).to_have_text(f"{local:%-d %b %Y, %H:%M:%S}")
    await expect(told).to_have_attribute("title", f"{local:%-d %b %Y, %H:%M:%S}\n{utc:%-d %b %Y, %H:%M:%S} UTC")
