"""Nobody sees anything without a key; with one, the page that was wanted."""

from playwright.async_api import Browser, expect

from tests.keys import ADMIN_KEY
from tests.stories.world import World
from tests.web.conftest import visiting
from tests.web.visit import Visit


def without_refusals(visit: Visit) -> list[str]:
    """The browser itself tells of each answer that is a 401, and of the socket that is refused."""
    return [each for each in visit.complaints if "401" not in each and "403" not in each]


async def test_a_stranger_is_asked_for_a_key_and_then_sees_the_page_they_wanted(browser: Browser, world: World) -> None:
    async with visiting(browser, world, key=None) as visit:
        await visit.page.goto("/customers/")
        await visit.sees("Sign in")
        assert await visit.violations() == []
        await visit.keep_picture("sign-in")

        await visit.page.get_by_label("API key").fill("bk_test_nothing")
        await visit.button("Sign in").click()
        await visit.sees("This key opens nothing.")
        await visit.page.get_by_label("API key").fill(ADMIN_KEY)
        await visit.button("Sign in").click()

        await expect(visit.page.get_by_role("heading", name="Customers")).to_be_visible()
        await visit.is_live()
        await visit.sees("tests", within=visit.page.get_by_role("complementary"))
        visit.complaints = without_refusals(visit)


async def test_whoever_signs_out_is_out(browser: Browser, world: World) -> None:
    async with visiting(browser, world) as visit:
        await visit.open("/")
        await visit.button("Sign out").first.click()
        await visit.sees("With an API key.")

        await visit.page.reload()

        await visit.sees("With an API key.")
        visit.complaints = without_refusals(visit)
