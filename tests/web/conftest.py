"""The built web UI in a real browser, before the real service and both mocks, on one calendar.

Skipped where there is no Chromium or no build: `apt-get install chromium-headless-shell`, `make web`.
"""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, async_playwright, expect

from tests.database import SqliteDatabases
from tests.keys import ADMIN_KEY
from tests.stories.world import World, world_at
from tests.web.visit import SCREENSHOTS, Visit, address_of

PATIENCE_MS = 60_000
BUILT = Path("build/web/index.html")
CHROMIUMS = ("chromium-headless-shell", "chromium", "google-chrome")
# The last makes every other host unknown: what leaves this machine fails, and a test with it.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-pings",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One browser and one service for all of them: they run in one process."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.xdist_group("web"))


@pytest.fixture(scope="session")
def chromium() -> str:
    found = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if found is None:
        pytest.skip(f"no Chromium on the PATH ({', '.join(CHROMIUMS)})")
    if not BUILT.is_file():
        pytest.skip("the web UI is not built: make web")
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    return found


@pytest.fixture(scope="package")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest.fixture(scope="package")
async def world(
    browser: Browser, sqlite_databases: SqliteDatabases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    """Asked for after the browser, so that nothing is started where there is none. It ends with these tests: one
    process is connected to one database at a time.
    """
    async with (
        sqlite_databases.migrated() as url,
        world_at("2028-01-31T09:00:00", url, tmp_path_factory.mktemp("web"), own_clock=True) as world,
    ):
        yield world


@asynccontextmanager
async def visiting(
    browser: Browser,
    world: World,
    *,
    width: int = 1440,
    dark: bool = False,
    still: bool = True,
    key: str | None = ADMIN_KEY,
    token: str | None = None,
) -> AsyncIterator[Visit]:
    """A person of their own, who complains about everything the browser complains about.

    Signed in with the key, if any; with a customer's token every request carries that instead.
    """
    context: BrowserContext = await browser.new_context(
        base_url=address_of(world),
        viewport={"width": width, "height": 900},
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce" if still else "no-preference",
        extra_http_headers={"authorization": f"Bearer {token}"} if token else None,
        locale="en-GB",
        timezone_id="Europe/Berlin",
    )
    context.set_default_timeout(PATIENCE_MS)
    try:
        if key and not token:
            answer = await context.request.post("/session", data={"key": key}, headers={"origin": address_of(world)})
            assert answer.ok, await answer.text()
        visit = Visit(await context.new_page(), world)
        yield visit
        visit.check_no_complaints()
    finally:
        await context.close()


@pytest.fixture
async def visit(browser: Browser, world: World) -> AsyncIterator[Visit]:
    async with visiting(browser, world) as visit:
        yield visit
