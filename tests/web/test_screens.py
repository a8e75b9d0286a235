"""Every screen, on every width, in both colours, with friendly and with ugly data: nothing sticks out, nothing is
unreachable, nothing is refused."""

import re

import pytest
from playwright.async_api import Browser, expect

from tests.stories.world import World
from tests.web.conftest import visiting

# As ugly as the service takes them: 200 characters without a gap, an id of 128, a price of ten digits.
LONG_NAME = "W" * 200
LONG_ID = "long_" + "o" * 118 + ":@.-_"
LONG_METADATA = {"a_key_of_forty_letters_without_any_gap__": "x" * 500}

STICKING_OUT = """
dialog => {
  const edges = dialog.getBoundingClientRect();
  const outside = ({left, right}) => left < edges.left - 1 || right > edges.right + 1;
  return [...dialog.querySelectorAll("*")]
    .filter((each) => outside(each.getBoundingClientRect()))
    .map((each) => each.outerHTML);
}
"""

SCREENS = {
    "dashboard": "/",
    "customers": "/customers/",
    "customers-none": "/customers/?text=nobody+is+called+this",
    "new-customer": "/customers/new/",
    "customer": "/customers/view/?id=seen_pro",
    "customer-ugly": f"/customers/view/?id={LONG_ID}",
    "customer-declined": "/customers/view/?id=seen_declined",
    "customer-3ds": "/customers/view/?id=seen_3ds",
    "customer-gone": "/customers/view/?id=seen_gone",
    "customer-unknown": "/customers/view/?id=nobody",
    "subscriptions": "/subscriptions/",
    "subscriptions-past-due": "/subscriptions/?view=past-due",
    "operations": "/operations/",
    "operations-failed": "/operations/?view=failed",
    "webhooks": "/webhooks/",
    "guide": "/guide/",
    "sandbox": "/sandbox/",
    "not-found": "/there/is/no/such/page",
}


@pytest.fixture(scope="module", autouse=True)
async def customers(world: World) -> None:
    async def onboard(entity_id: str, name: str, metadata: dict[str, str] | None = None, **given: object) -> None:
        entity = {"id": entity_id, "type": "USER", "name": name, "email": "a@example.com", "metadata": metadata}
        await world.ask("onboard", entity=entity, **given)

    await onboard("seen_free", "Grace Hopper")
    await onboard("seen_pro", "Ada Lovelace", tier="PRO", paymentMethodId="pm_card_visa")
    await onboard("seen_declined", "Rosa Parks", tier="PRO", paymentMethodId="pm_card_chargeCustomerFail")
    await onboard("seen_3ds", "Three Dee", tier="TEAM", paymentMethodId="pm_card_authenticationRequired")
    await onboard("seen_gone", "Gone Already", tier="PRO", paymentMethodId="pm_card_visa")
    terms = {"price": {"minorUnits": 99_999_999}, "creditsPerMonth": 10_000_000}
    enterprise = {"tier": "ENTERPRISE", "enterpriseTerms": terms, "paymentMethodId": "pm_card_visa"}
    await onboard(LONG_ID, LONG_NAME, LONG_METADATA, **enterprise)
    await world.ask("grantCredits", entityId=LONG_ID, amount=10_000_000, reason="r" * 500)
    await world.ask("changeTier", entityId="seen_pro", tier="TEAM", effective="AT_PERIOD_END")
    await world.ask("changeTier", entityId="seen_declined", tier="TEAM")
    await world.ask("cancel", entityId="seen_gone", effective="IMMEDIATELY")
    await world.settled()


@pytest.fixture(params=SCREENS)
def screen(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def told(screen: str, complaints: list[str]) -> list[str]:
    """The browser itself complains when a page answers 404, as this one does on purpose."""
    return [each for each in complaints if "status of 404" not in each] if screen == "not-found" else complaints


@pytest.mark.parametrize("width", [375, 768, 1440])
async def test_no_screen_is_wider_than_the_window(browser: Browser, world: World, screen: str, width: int) -> None:
    async with visiting(browser, world, width=width) as visit:
        await visit.open(SCREENS[screen])
        overflow = await visit.overflow()
        await visit.keep_picture(f"{screen}-{width}")
        visit.complaints = told(screen, visit.complaints)

    assert overflow == 0


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_every_screen_is_for_everybody(browser: Browser, world: World, screen: str, dark: bool) -> None:
    async with visiting(browser, world, dark=dark) as visit:
        await visit.open(SCREENS[screen])
        violations = await visit.violations()
        if dark:
            await visit.keep_picture(f"{screen}-dark")
        visit.complaints = told(screen, visit.complaints)

    assert not violations, violations


async def test_no_dialog_is_wider_than_a_phone(browser: Browser, world: World) -> None:
    async with visiting(browser, world, width=375) as visit:
        await visit.open(SCREENS["customer-ugly"])
        await visit.button("Change plan").click()
        dialog = visit.dialog()
        await dialog.get_by_role("radio", name=re.compile(r"^Pro\b")).check()
        await expect(visit.button(re.compile("^Change to Pro monthly, credit"))).to_be_enabled()
        too_wide = await dialog.evaluate(STICKING_OUT)
        await visit.keep_picture("dialog-375")

    assert too_wide == []
