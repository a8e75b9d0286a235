"""Without a mouse, without motion, without a socket: all of it works, and what is missing is said."""

import re
from typing import Literal

from playwright.async_api import Browser, Page, Route, WebSocketRoute, expect

from tests.api.onboarding import person
from tests.stories.world import World
from tests.web.conftest import visiting
from tests.web.visit import Visit

Role = Literal["button", "link", "radio", "textbox"]

FOCUSED = "[...document.querySelectorAll(':focus')].pop()?.matches(':focus-visible')"
INSIDE = "document.activeElement === document.body || document.activeElement.closest('dialog') !== null"
MOVING = "document.getAnimations().filter((each) => each.playState === 'running').length"


async def tab_to(page: Page, role: Role, name: str) -> None:
    """By the Tab key alone, as far as it takes; what has the focus shows it."""
    wanted = page.locator(":focus").and_(page.get_by_role(role, name=name, exact=True))
    for _ in range(60):
        await page.keyboard.press("Tab")
        if await wanted.count():
            assert await page.evaluate(FOCUSED)
            return
    raise AssertionError(f"no Tab leads to the {role} {name}")


async def test_a_customer_is_onboarded_without_a_mouse(visit: Visit) -> None:
    page = visit.page
    await visit.open("/")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    await page.keyboard.press("Enter")
    await tab_to(page, "link", "New customer")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/customers/new/")
    await visit.is_loaded()

    for label, text in (("Entity id", "web_keys"), ("Name", "Key Board"), ("E-mail", "keys@example.com")):
        await tab_to(page, "textbox", label)
        await page.keyboard.type(text)
    await tab_to(page, "radio", "Monthly")
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Tab")
    await page.keyboard.press("ArrowDown")
    await expect(page.get_by_role("radio", name=re.compile(r"^Team\b"))).to_be_checked()
    await tab_to(page, "button", "Onboard and collect the first invoice")
    await page.keyboard.press("Enter")

    await visit.sees("$290.00", within=visit.card("What came of it"))
    await tab_to(page, "link", "Open Key Board")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/customers/view/?id=web_keys")
    await visit.sees("Yearly", within=visit.card("Subscription"))
    assert await visit.world.succeeded_charges("web_keys") == [29_000]


async def test_a_dialog_keeps_the_keys_inside_and_gives_them_back(visit: Visit) -> None:
    await visit.world.onboard("web_trapped", tier="FREE")
    page = visit.page
    await visit.open("/customers/view/?id=web_trapped")
    await tab_to(page, "button", "Grant credits")
    await page.keyboard.press("Enter")
    await expect(visit.dialog()).to_be_visible()

    for _ in range(12):
        await page.keyboard.press("Tab")
        assert await page.evaluate(
            "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
        )
    await page.keyboard.press("Escape")

    await expect(visit.dialog()).to_have_count(0)
    await expect(visit.button("Grant credits")).to_be_focused()


async def test_the_palette_is_walked_with_the_arrow_keys_and_left_with_escape(visit: Visit) -> None:
    await visit.world.do("onboard", entity={**person("user_arrows"), "name": "Arrow Keys"})
    page = visit.page
    await visit.open("/guide/")
    await page.keyboard.press("Control+k")
    box = page.get_by_role("combobox", name="Search customers, pages and actions")
    await expect(box).to_be_focused()
    chosen = page.get_by_role("option", selected=True)

    await expect(chosen).to_have_text(re.compile("^New customer"))
    await page.keyboard.press("ArrowDown")
    await expect(chosen).to_have_text(re.compile("^Dashboard"))
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("ArrowUp")
    await expect(page.get_by_role("option").last).to_have_attribute("aria-selected", "true")
    await expect(box).to_have_attribute("aria-activedescendant", str(await chosen.get_attribute("id")))
    await page.keyboard.type("nobody is called that")
    await visit.sees("Nothing is called that.")
    await page.keyboard.press("Escape")
    await expect(box).to_have_count(0)

    await page.keyboard.press("Control+k")
    await page.keyboard.type("arrow k")
    await expect(chosen).to_have_text(re.compile("^Arrow Keys"))
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/customers/view/?id=user_arrows")


async def moving_while_loading(browser: Browser, world: World, *, still: bool) -> int:
    """How much moves while every answer is kept back."""

    async def keep_back(_: Route) -> None:
        """Neither answered nor refused, until the page is left."""

    async with visiting(browser, world, still=still) as visit:
        await visit.page.route("**/graphql", keep_back)
        await visit.page.goto("/customers/")
        await expect(visit.page.get_by_text("Loading customers")).to_be_attached()
        moving: int = await visit.page.evaluate(MOVING)
        return moving


async def test_nothing_moves_for_whoever_asks_for_less_motion(browser: Browser, world: World) -> None:
    assert await moving_while_loading(browser, world, still=False) > 0
    assert await moving_while_loading(browser, world, still=True) == 0


async def test_without_a_socket_everything_is_asked_again_and_it_is_said_so(visit: Visit) -> None:
    async def refuse(socket: WebSocketRoute) -> None:
        await socket.close()

    await visit.page.route_web_socket("**/graphql", refuse)
    await visit.page.goto("/customers/?text=web_polled")
    await visit.sees("No customer is like that")
    state = visit.page.locator("[data-connection=polling]")
    await expect(state).to_have_text("Polling")
    await expect(state).to_have_accessible_description(re.compile("asked again every 10 seconds"))

    await visit.world.onboard("web_polled", tier="FREE")

    await expect(visit.page.get_by_role("row", name=re.compile("web_polled"))).to_be_visible()
    await expect(state).to_be_visible()
