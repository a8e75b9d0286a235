"""What a person at the browser does and sees."""

import re
from functools import cache
from pathlib import Path
from typing import Any

from playwright.async_api import ConsoleMessage, Locator, Page, Request, expect

from tests.stories.world import World

AXE = Path("frontend/node_modules/axe-core/axe.min.js")
SCREENSHOTS = Path("build/screenshots")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
AUDIT = """
async (rules) => {
  const found = await axe.run(document, {runOnly: {type: "tag", values: rules}});
  return found.violations.map((each) => [each.id, each.nodes.map((node) => node.target.join(" ")).join(", ")]);
}
"""


def address_of(world: World) -> str:
    return str(world.service.http.base_url).rstrip("/")


@cache
def _axe() -> str:
    return AXE.read_text("utf-8")


class Visit:
    def __init__(self, page: Page, world: World) -> None:
        self.page = page
        self.world = world
        self.complaints: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(f"page error: {error}"))
        page.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"console {message.type}: {message.text} ({message.location['url']})")

    def _request(self, request: Request) -> None:
        if not request.url.startswith((address_of(self.world), "data:", "blob:")):
            self.complaints.append(f"left the origin: {request.url}")

    def check_no_complaints(self) -> None:
        assert not self.complaints, self.complaints

    async def open(self, path: str) -> None:
        await self.page.goto(path)
        await self.is_live()
        await self.is_loaded()

    async def is_live(self) -> None:
        await expect(self.page.locator("[data-connection=live]")).to_be_visible()

    async def is_loaded(self) -> None:
        """No skeleton is left."""
        await expect(self.page.get_by_text(re.compile("^Loading "))).to_have_count(0)

    def button(self, name: str | re.Pattern[str], *, within: Locator | None = None) -> Locator:
        return (within or self.page).get_by_role("button", name=name, exact=isinstance(name, str))

    def card(self, title: str) -> Locator:
        """The section under that heading."""
        return self.page.locator("section").filter(has=self.page.get_by_role("heading", name=title, exact=True)).last

    def dialog(self) -> Locator:
        return self.page.get_by_role("dialog")

    async def sees(self, text: str | re.Pattern[str], *, within: Locator | None = None) -> None:
        await expect((within or self.page).get_by_text(text).first).to_be_visible()

    async def violations(self) -> list[Any]:
        await self.page.evaluate(_axe())
        found: list[Any] = await self.page.evaluate(AUDIT, RULES)
        return found

    async def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        width: int = await self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        return width

    async def keep_picture(self, name: str) -> None:
        await self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)
