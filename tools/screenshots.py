"""The pictures of the README, of a service that runs: `make run`, then python -m tools.screenshots [--at URL]."""

import argparse
import asyncio
import shutil
import sys
from pathlib import Path

import click
from playwright.async_api import async_playwright, expect

IMAGES = Path("docs/images")
PAGES = {"dashboard": "/", "customer": "/customers/view/?id=org_acme"}
CHROMIUMS = ("chromium-headless-shell", "chromium", "google-chrome")
WIDTH, HEIGHT = 1280, 860


async def take(address: str, browser_path: str) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        context = await browser.new_context(
            base_url=address,
            viewport={"width": WIDTH, "height": HEIGHT},
            color_scheme="light",
            reduced_motion="reduce",
            locale="en-GB",
            timezone_id="UTC",
        )
        page = await context.new_page()
        for name, path in PAGES.items():
            await page.goto(path)
            await expect(page.locator("[data-connection=live]")).to_be_visible(timeout=30_000)
            await expect(page.locator("main .animate-pulse-soft")).to_have_count(0, timeout=30_000)
            await page.screenshot(path=IMAGES / f"{name}.png")
        await browser.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--at", default="http://127.0.0.1:3000", help="where the sandbox with its demo data runs")
    wanted = parser.parse_args()
    chromium = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if chromium is None:
        click.echo(f"no Chromium on the PATH ({', '.join(CHROMIUMS)})", err=True)
        return 1
    IMAGES.mkdir(parents=True, exist_ok=True)
    asyncio.run(take(wanted.at, chromium))
    for name in PAGES:
        click.echo(f"{IMAGES / name}.png: {(IMAGES / f'{name}.png').stat().st_size / 1024:.0f} KiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
