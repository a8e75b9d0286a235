"""What the service must be able to show, done by a person at the browser, before the real service and both mocks."""

import re

from playwright.async_api import expect

from tests.web.visit import Visit


async def fill_in(visit: Visit, entity_id: str, name: str, *, tier: str, card: str | None = None) -> None:
    await visit.open("/customers/new/")
    await visit.page.get_by_label("Entity id").fill(entity_id)
    await visit.page.get_by_label("Name").fill(name)
    await visit.page.get_by_label("E-mail").fill("person@example.com")
    await visit.page.get_by_role("radio", name=re.compile(rf"^{tier}\b")).check()
    if card is not None:
        await visit.page.get_by_label("Test card").select_option(card)


async def open_customer(visit: Visit, entity_id: str) -> None:
    await visit.open(f"/customers/view/?id={entity_id}")


async def choose_plan(visit: Visit, *, tier: str, period: str | None = None) -> None:
    dialog = visit.dialog()
    if period is not None:
        await dialog.get_by_text(period, exact=True).click()
    await dialog.get_by_role("radio", name=re.compile(rf"^{tier}\b")).check()


async def test_onboarding_for_free_makes_no_invoice(visit: Visit) -> None:
    await fill_in(visit, "web_free", "Free Person", tier="Free", card="")
    await visit.button("Onboard").click()

    outcome = visit.card("What came of it")
    await visit.sees("No invoice", within=outcome)
    await visit.sees("1,000 credits", within=outcome)
    steps = visit.card("What happens").locator("[data-step]")
    await expect(steps).to_have_count(4)
    await expect(visit.card("What happens").locator("[data-state=DONE]")).to_have_count(4)
    await visit.world.settled()
    await visit.world.agrees("web_free")


async def test_onboarding_on_pro_collects_the_first_invoice_step_by_step(visit: Visit) -> None:
    await fill_in(visit, "web_pro", "Paying Person", tier="Pro", card="pm_card_visa")
    await visit.button("Onboard and collect the first invoice").click()

    await expect(visit.card("What happens").locator("[data-step=payment_1][data-state=DONE]")).to_be_visible()
    await visit.sees("$9.00", within=visit.card("What came of it"))
    await visit.keep_picture("new-customer-done")
    await visit.page.get_by_role("link", name="Open Paying Person").click()
    await visit.sees("Paid", within=visit.card("Invoices"))
    await visit.sees("Succeeded", within=visit.card("Payments"))
    assert await visit.world.succeeded_charges("web_pro") == [900]


async def test_what_is_wrong_with_a_field_stands_beside_it(visit: Visit) -> None:
    await fill_in(visit, "not an id!", "Somebody", tier="Free", card="")
    await visit.page.get_by_label("E-mail").fill("no address")
    await visit.button("Onboard").click()

    await expect(visit.page.get_by_label("Entity id")).to_have_attribute("aria-invalid", "true")
    await expect(visit.page.get_by_label("E-mail")).to_have_attribute("aria-invalid", "true")
    await expect(visit.page.get_by_label("Name")).to_have_attribute("aria-invalid", "false")


async def test_a_declined_card_is_told_and_another_one_pays(visit: Visit) -> None:
    await fill_in(visit, "web_declined", "Declined Person", tier="Pro", card="pm_card_chargeCustomerFail")
    await visit.button("Onboard and collect the first invoice").click()
    await visit.sees("The card was declined (generic_decline)", within=visit.card("What came of it"))

    await open_customer(visit, "web_declined")
    await visit.sees("could not be collected")
    await visit.button("Add", within=visit.card("Payment methods")).click()
    await visit.button("Add the card").click()

    await visit.sees("Active")
    await visit.sees("Paid", within=visit.card("Invoices"))
    await visit.world.settled()
    assert await visit.world.succeeded_charges("web_declined") == [900]


async def test_a_payer_confirms_by_3_d_secure(visit: Visit) -> None:
    await fill_in(visit, "web_3ds", "Careful Person", tier="Pro", card="pm_card_authenticationRequired")
    await visit.button("Onboard and collect the first invoice").click()
    await visit.sees("The bank asks the payer to confirm")

    await open_customer(visit, "web_3ds")
    await visit.button("Confirm as the payer").click()

    await visit.sees("Paid", within=visit.card("Invoices"))
    await visit.world.settled()
    assert await visit.world.succeeded_charges("web_3ds") == [900]


async def test_an_upgrade_is_quoted_first_and_done_as_quoted(visit: Visit) -> None:
    await visit.world.onboard("web_up", tier="PRO", paymentMethodId="pm_card_visa")
    await open_customer(visit, "web_up")

    await visit.button("Change plan").click()
    await choose_plan(visit, tier="Team")
    await visit.sees("Due now", within=visit.dialog())
    await visit.keep_picture("quote")
    assert await visit.violations() == []
    await visit.button("Change to Team monthly, collect $20.00 now").click()

    await expect(visit.dialog()).to_have_count(0)
    await visit.sees("50,000", within=visit.card("Credits"))
    await visit.world.settled()
    assert await visit.world.succeeded_charges("web_up") == [900, 2_000]
    await visit.world.agrees("web_up")


async def test_a_stale_quote_is_quoted_anew_with_what_differs_marked(visit: Visit) -> None:
    await visit.world.onboard("web_stale", tier="FREE", paymentMethodId="pm_card_visa")
    await open_customer(visit, "web_stale")
    await visit.button("Change plan").click()
    await choose_plan(visit, tier="Team")
    confirm = visit.button("Change to Team monthly, collect $29.00 now")
    await expect(confirm).to_be_enabled()

    await visit.world.do("changeTier", entityId="web_stale", tier="PRO")
    await confirm.click()

    await visit.sees("What was quoted no longer holds", within=visit.dialog())
    due = visit.dialog().get_by_role("row", name=re.compile("Due now"))
    await expect(due).to_have_attribute("data-changed", "true")
    await expect(due).to_contain_text("$29.00")
    await expect(due).to_contain_text("$20.00")
    await visit.keep_picture("quote-stale")
    assert await visit.world.succeeded_charges("web_stale") == [900]
    await visit.button("Change to Team monthly, collect $20.00 now").click()
    await expect(visit.dialog()).to_have_count(0)
    assert await visit.world.succeeded_charges("web_stale") == [900, 2_000]


async def test_a_downgrade_is_credited_to_the_account_balance(visit: Visit) -> None:
    await visit.world.onboard("web_down", tier="TEAM", paymentMethodId="pm_card_visa")
    await open_customer(visit, "web_down")

    await visit.button("Change plan").click()
    await choose_plan(visit, tier="Pro")
    await visit.button("Change to Pro monthly, credit $20.00").click()

    await expect(visit.dialog()).to_have_count(0)
    await visit.sees("$20.00", within=visit.card("Subscription"))
    await visit.sees("10,000", within=visit.card("Credits"))
    await visit.world.settled()
    await visit.world.agrees("web_down")


async def test_the_billing_period_changes_both_ways(visit: Visit) -> None:
    await visit.world.onboard("web_period", tier="PRO", paymentMethodId="pm_card_visa")
    await open_customer(visit, "web_period")

    await visit.button("Change plan").click()
    await choose_plan(visit, tier="Pro", period="Yearly")
    await visit.button("Change to Pro yearly, collect $81.00 now").click()
    await visit.sees("Yearly", within=visit.card("Subscription"))
    await visit.button("Change plan").click()
    await choose_plan(visit, tier="Pro", period="Monthly")
    await visit.button("Change to Pro monthly, credit $81.00").click()

    await visit.sees("Monthly", within=visit.card("Subscription"))
    await visit.world.settled()
    await visit.world.agrees("web_period")


async def test_a_change_is_scheduled_and_withdrawn(visit: Visit) -> None:
    await visit.world.onboard("web_later", tier="TEAM", paymentMethodId="pm_card_visa")
    await open_customer(visit, "web_later")

    await visit.button("Change plan").click()
    await choose_plan(visit, tier="Pro")
    await visit.dialog().get_by_text("At the period end", exact=True).click()
    await visit.button("Schedule the change to Pro monthly").click()
    await visit.sees("it changes to Pro")
    await visit.button("Withdraw the change").click()

    await visit.sees("renews as it is", within=visit.card("Subscription"))
    assert (await visit.world.customer("web_later"))["subscription"]["scheduledChange"] is None


async def test_a_cancellation_says_what_will_happen_and_can_be_taken_back(visit: Visit) -> None:
    await visit.world.onboard("web_end", tier="PRO", paymentMethodId="pm_card_visa")
    await open_customer(visit, "web_end")

    await visit.button("Cancel…").click()
    await visit.sees("Everything works until", within=visit.dialog())
    await visit.button(re.compile("^End it on")).click()
    await visit.sees("until then everything works")
    await visit.button("Keep the subscription").click()

    await visit.sees("renews as it is", within=visit.card("Subscription"))


async def test_a_subscription_ends_now_with_its_credit_and_starts_again(visit: Visit) -> None:
    await visit.world.onboard("web_again", tier="PRO", paymentMethodId="pm_card_visa")
    await open_customer(visit, "web_again")

    await visit.button("Cancel…").click()
    await visit.dialog().get_by_text("Now", exact=True).click()
    await visit.sees("are credited to the account balance", within=visit.dialog())
    await visit.keep_picture("cancel")
    await visit.button("End it now").click()
    await visit.sees("Cancelled")
    await visit.button("Reactivate").click()
    await visit.button("Start Pro monthly").click()

    await expect(visit.dialog()).to_have_count(0)
    await visit.sees("Active")
    await visit.world.settled()
    assert await visit.world.succeeded_charges("web_again") == [900]
    await visit.world.agrees("web_again")


async def test_a_payment_is_given_back_in_part_and_never_more(visit: Visit) -> None:
    await visit.world.onboard("web_refund", tier="PRO", paymentMethodId="pm_card_visa")
    await open_customer(visit, "web_refund")

    await visit.button("Refund", within=visit.card("Payments")).click()
    await visit.dialog().get_by_label("Amount, in USD").fill("9.01")
    await expect(visit.button(re.compile("^Give back"))).to_be_disabled()
    await visit.dialog().get_by_label("Amount, in USD").fill("2.5")
    await visit.button("Give back $2.50").click()

    await visit.sees("Refund of $2.50", within=visit.card("Payments"))


async def test_credits_are_granted_by_hand(visit: Visit) -> None:
    await visit.world.onboard("web_grant", tier="FREE")
    await open_customer(visit, "web_grant")

    await visit.button("Grant credits").click()
    await visit.dialog().get_by_label("How many").fill("2,500")
    await visit.dialog().get_by_label("Reason").fill("A gift")
    await visit.button("Grant 2,500 credits").click()

    await visit.sees("3,500", within=visit.card("Credits"))
    await visit.sees("A gift", within=visit.card("Credits"))


async def test_the_events_of_both_providers_are_shown_and_can_be_replayed(visit: Visit) -> None:
    await visit.world.onboard("web_events", tier="PRO", paymentMethodId="pm_card_visa")
    await visit.world.settled()
    await visit.open("/webhooks/?customer=web_events")
    table = visit.page.get_by_role("region", name="Webhook events")
    await visit.sees("payment_intent.succeeded", within=table)
    await visit.sees("contract.created", within=table)

    await visit.button("contract.created").click()
    await visit.sees('"contract.created"', within=visit.dialog())
    await visit.button("Replay").click()

    await visit.sees("It will be handled again")
    await visit.world.settled()
    await visit.world.agrees("web_events")


async def test_time_passes_in_the_sandbox_and_the_renewal_is_seen(visit: Visit) -> None:
    await visit.world.onboard("web_renews", tier="PRO", paymentMethodId="pm_card_visa")
    await visit.open("/sandbox/")

    await visit.button("A month").click()
    await visit.sees("A month has passed")
    await visit.world.settled()

    await open_customer(visit, "web_renews")
    await expect(visit.card("Invoices").get_by_text("Paid", exact=True)).to_have_count(2)
    assert await visit.world.succeeded_charges("web_renews") == [900, 900]


async def test_a_provider_is_broken_and_the_operation_finishes_once_it_is_mended(visit: Visit) -> None:
    await visit.world.onboard("web_fault", tier="FREE", paymentMethodId="pm_card_visa")
    await visit.open("/sandbox/")
    await visit.page.get_by_text("Until removed", exact=True).click()
    await visit.button("Break it").click()
    await expect(visit.page.locator("[data-fault=STRIPE]")).to_be_visible()

    other = await visit.world.service.graphql("{ serviceHealth { components { name status } } }")
    assert {"name": "stripe", "status": "DOWN"} in other["serviceHealth"]["components"]
    await visit.open("/")
    await visit.sees("Down", within=visit.card("Health"))
    await visit.keep_picture("dashboard-stripe-down")
    await visit.open("/sandbox/")
    await visit.button("Remove all").click()

    await visit.sees("Both providers behave.")


async def test_the_guide_does_every_step_it_tells_of(visit: Visit) -> None:
    await visit.open("/guide/")
    steps = visit.page.locator("main ol > li")
    count = await steps.count()
    assert count == 12

    for place in range(count):
        step = steps.nth(place)
        await step.get_by_role("button").first.click()
        await expect(step.get_by_role("status")).to_be_visible()
        await expect(step.get_by_text("Done", exact=True)).to_be_visible()

    await visit.keep_picture("guide-done")
