"""Whoever may not do something is told so before they try, and told what it needs."""

import re

from playwright.async_api import Browser, Locator, expect

from tests.access.asking import new_key
from tests.stories.world import World
from tests.web.conftest import visiting

NEEDS_WRITE = "This needs the scope billing:write."
NEEDS_PAY = "This needs the scope payments:write."
NEEDS_ADMIN = "This needs the scope admin."
NEEDS_WEBHOOKS = "This needs the scope webhooks:admin."
NEEDS_READ = "This needs the scope customers:read."
NOT_FOR_CUSTOMERS = "A customer token is not good for this."

MINT = "mutation ($input: MintCustomerTokenInput!) { mintCustomerToken(input: $input) { token } }"


async def secret(world: World, *scopes: str) -> str:
    made: str = (await new_key(world.service, *scopes))["secret"]
    return made


async def token_of(world: World, entity_id: str) -> str:
    answer = await world.service.graphql(MINT, input={"entityId": entity_id})
    token: str = answer["mintCustomerToken"]["token"]
    return token


async def is_refused(button: Locator, reason: str) -> None:
    await expect(button).to_have_attribute("aria-disabled", "true")
    await expect(button).to_have_accessible_description(reason)


async def test_a_key_that_may_only_read_sees_everything_and_every_button_says_what_it_lacks(
    browser: Browser, world: World
) -> None:
    await world.onboard("may_read", tier="PRO", paymentMethodId="pm_card_visa")
    async with visiting(browser, world, key=await secret(world, "CUSTOMERS_READ")) as visit:
        await visit.open("/customers/view/?id=may_read")

        await visit.sees("Paid", within=visit.card("Invoices"))
        for name in ("Grant credits", "Cancel…", "Change plan"):
            await is_refused(visit.button(name), NEEDS_WRITE)
        await is_refused(visit.button("Refund", within=visit.card("Payments")), NEEDS_PAY)
        await is_refused(visit.button("Add", within=visit.card("Payment methods")), NEEDS_PAY)
        await is_refused(visit.button(re.compile("^Remove Visa")), NEEDS_PAY)
        await visit.sees(NEEDS_WEBHOOKS, within=visit.card("Webhook events"))
        assert await visit.violations() == []
        await visit.keep_picture("customer-read-only")


async def test_a_refused_button_says_why_when_it_is_pressed_and_does_nothing(browser: Browser, world: World) -> None:
    await world.onboard("may_press", tier="PRO", paymentMethodId="pm_card_visa")
    async with visiting(browser, world, key=await secret(world, "CUSTOMERS_READ")) as visit:
        await visit.open("/customers/view/?id=may_press")

        await visit.button("Cancel…").focus()
        await visit.page.keyboard.press("Enter")

        await expect(visit.page.get_by_role("status").get_by_text(NEEDS_WRITE)).to_be_visible()
        await expect(visit.dialog()).to_have_count(0)


async def test_the_screens_of_what_a_reader_may_not_do_say_what_they_need(browser: Browser, world: World) -> None:
    async with visiting(browser, world, key=await secret(world, "CUSTOMERS_READ")) as visit:
        await visit.open("/webhooks/")
        await visit.sees(NEEDS_WEBHOOKS)
        assert await visit.violations() == []
        await visit.keep_picture("webhooks-refused")
        await visit.open("/customers/new/")
        await visit.sees(NEEDS_WRITE)
        await expect(visit.page.get_by_label("Entity id")).to_have_count(0)
        await visit.open("/sandbox/")
        await is_refused(visit.button("A day"), NEEDS_ADMIN)
        await is_refused(visit.button("Break it"), NEEDS_ADMIN)
        await visit.open("/customers/")
        await is_refused(visit.button("New customer"), NEEDS_WRITE)
        await visit.page.keyboard.press("Control+k")
        await expect(visit.page.get_by_role("option", name="Customers")).to_be_visible()
        await expect(visit.page.get_by_role("option", name="New customer")).to_have_count(0)


async def test_who_may_pay_but_not_change_plans_can_do_just_that(browser: Browser, world: World) -> None:
    await world.onboard("may_pay", tier="PRO", paymentMethodId="pm_card_visa")
    async with visiting(browser, world, key=await secret(world, "CUSTOMERS_READ", "PAYMENTS_WRITE")) as visit:
        await visit.open("/customers/view/?id=may_pay")
        await is_refused(visit.button("Change plan"), NEEDS_WRITE)

        await visit.button("Refund", within=visit.card("Payments")).click()
        await visit.button("Give back $9.00").click()

        await visit.sees("Refund of $9.00", within=visit.card("Payments"))


async def test_a_key_for_webhooks_alone_works_the_inbox_and_is_told_what_the_rest_needs(
    browser: Browser, world: World
) -> None:
    await world.onboard("may_replay", tier="FREE")
    async with visiting(browser, world, key=await secret(world, "WEBHOOKS_ADMIN")) as visit:
        await visit.page.goto("/webhooks/?customer=may_replay")
        await visit.button("contract.created").click()
        await visit.button("Replay").click()
        await visit.sees("It will be handled again")
        await expect(visit.page.locator("[data-connection=polling]")).to_be_visible()

        for path in ("/", "/customers/", "/subscriptions/", "/operations/", "/customers/view/?id=may_replay"):
            await visit.page.goto(path)
            await visit.sees(NEEDS_READ, within=visit.page.get_by_role("note"))
            await visit.is_loaded()


async def test_a_customer_token_sees_its_own_page_and_is_told_what_is_not_for_customers(
    browser: Browser, world: World
) -> None:
    await world.onboard("may_own", tier="PRO", paymentMethodId="pm_card_visa")
    async with visiting(browser, world, token=await token_of(world, "may_own")) as visit:
        await visit.open("/")
        await visit.sees(NOT_FOR_CUSTOMERS, within=visit.page.get_by_role("note"))
        assert await visit.violations() == []
        await visit.keep_picture("dashboard-customer-token")
        await visit.page.get_by_role("link", name="To your own page").click()
        await visit.page.wait_for_url("**/customers/view/?id=may_own")

        await is_refused(visit.button("Grant credits"), NOT_FOR_CUSTOMERS)
        await is_refused(visit.button("Refund", within=visit.card("Payments")), NOT_FOR_CUSTOMERS)
        await visit.button("Cancel…").click()
        await visit.button(re.compile("^End it on")).click()
        await visit.sees("until then everything works")
