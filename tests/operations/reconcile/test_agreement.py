"""reconcile: the three books agree after every verb; looking changes nothing, and leaves nobody out."""

from typing import Any

import pytest

from billing.invoices import InvoiceStatus
from billing.tiers import Tier
from models import (
    Customer,
)
from operations.reconcile import compare_all, strangers
from tests.api.paying import send
from tests.operations.reconcile.books import VISA, Act, Books, name_of


async def _upgrade(books: Books) -> None:
    await books.verb("changeTier", tier="TEAM")


async def _declined_upgrade(books: Books) -> None:
    await books.verb("attachPaymentMethod", paymentMethodId="pm_card_chargeCustomerFail")
    payload = await send(books.service, "changeTier", entityId=books.entity_id, tier="TEAM")
    assert [error["code"] for error in payload["userErrors"]] == ["PAYMENT_DECLINED"]


async def _upgrade_that_waits_for_its_payer(books: Books) -> None:
    await books.verb("attachPaymentMethod", paymentMethodId="pm_card_authenticationRequired")
    payload = await books.verb("changeTier", tier="TEAM")
    assert payload["operation"]["status"] == "REQUIRES_ACTION"


async def _downgrade(books: Books) -> None:
    await books.verb("changeTier", tier="FREE")


async def _other_billing_period(books: Books) -> None:
    await books.verb("changeTier", tier="PRO", billingPeriod="YEARLY")


async def _scheduled(books: Books) -> None:
    await books.verb("changeTier", tier="FREE", effective="AT_PERIOD_END")


async def _withdrawn(books: Books) -> None:
    await _scheduled(books)
    await books.verb("withdrawScheduledChange")


async def _cancelled_for_the_period_end(books: Books) -> None:
    await books.verb("cancel")


async def _cancellation_taken_back(books: Books) -> None:
    await books.verb("cancel")
    await books.verb("reactivate")


async def _cancelled_at_once(books: Books) -> None:
    await books.verb("cancel", effective="IMMEDIATELY")


async def _reactivated(books: Books) -> None:
    await books.verb("cancel", effective="IMMEDIATELY")
    await books.verb("reactivate", tier="TEAM", billingPeriod="YEARLY")


async def _refunded_in_part(books: Books) -> None:
    await books.do("refundPayment", paymentId=(await books.payment()).id, amount={"minorUnits": 400, "currency": "USD"})


async def _refunded(books: Books) -> None:
    await _refunded_in_part(books)
    await books.do("refundPayment", paymentId=(await books.payment()).id)


async def _credits_by_hand(books: Books) -> None:
    await books.verb("grantCredits", amount=250)


async def _another_default_card(books: Books) -> None:
    await books.verb("attachPaymentMethod", paymentMethodId="pm_card_mastercard")


async def _card_detached(books: Books) -> None:
    card = await books.verb("attachPaymentMethod", paymentMethodId="pm_card_mastercard")
    await books.verb("detachPaymentMethod", paymentMethodId=card["paymentMethod"]["id"])


VERBS: tuple[Act, ...] = (
    _upgrade,
    _declined_upgrade,
    _upgrade_that_waits_for_its_payer,
    _downgrade,
    _other_billing_period,
    _scheduled,
    _withdrawn,
    _cancelled_for_the_period_end,
    _cancellation_taken_back,
    _cancelled_at_once,
    _reactivated,
    _refunded_in_part,
    _refunded,
    _credits_by_hand,
    _another_default_card,
    _card_detached,
)


@pytest.mark.parametrize("verb", VERBS, ids=name_of)
async def test_all_agree_after(books: Books, verb: Act) -> None:
    await books.onboard(tier="PRO", paymentMethodId=VISA)

    await verb(books)

    assert await books.differences() == ()


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"tier": "PRO"},
        {"tier": "PRO", "paymentMethodId": "pm_card_chargeCustomerFail"},
        {"tier": "TEAM", "billingPeriod": "YEARLY", "paymentMethodId": VISA},
        {
            "tier": "ENTERPRISE",
            "paymentMethodId": VISA,
            "enterpriseTerms": {"price": {"minorUnits": 123_456, "currency": "USD"}, "creditsPerMonth": 7},
        },
    ],
    ids=["free", "no card", "declined", "yearly", "enterprise"],
)
async def test_all_agree_after_onboarding(books: Books, given: dict[str, Any]) -> None:
    await books.onboard(**given)

    assert await books.differences() == ()


async def test_all_agree_once_an_open_invoice_is_paid_by_hand(books: Books) -> None:
    await books.onboard(tier="PRO", paymentMethodId="pm_card_chargeCustomerFail")
    card = await books.verb("attachPaymentMethod", paymentMethodId=VISA, makeDefault=False)

    await books.do("payInvoice", invoiceId=(await books.invoice()).id, paymentMethodId=card["paymentMethod"]["id"])

    assert (await books.invoice()).status is InvoiceStatus.PAID
    assert await books.differences() == ()


async def test_a_customer_at_a_provider_that_our_row_does_not_know_is_found(books: Books) -> None:
    await books.onboard()
    await Customer.filter(entity_id=books.entity_id).update(metronome_customer_id=None, stripe_customer_id=None)

    found = await books.differences()

    assert [(each.what, each.ours) for each in found] == [("metronome.customer", "none"), ("stripe.customer", "none")]
    assert all(each.theirs != "none" for each in found)


async def test_looking_changes_nothing(books: Books) -> None:
    await books.onboard(tier="PRO", paymentMethodId=VISA)
    await books.change_subscription(tier=Tier.TEAM)
    before = [await _writes(books.service.metronome), await _writes(books.service.stripe)]

    first, second = await books.differences(), await books.differences()

    assert first == second
    assert [await _writes(books.service.metronome), await _writes(books.service.stripe)] == before


async def _writes(mock: Any) -> int:
    sent = (await mock.state())["requests"]
    return len([each for each in sent if each["method"] != "GET" and each["path"] != "/oauth/token"])


async def test_all_customers_are_looked_at_once_each(books: Books) -> None:
    await books.onboard()
    await Customer.filter(entity_id=books.entity_id).update(account_balance_minor=1)

    reports = [report async for report in compare_all(books.tools)]

    everybody = await Customer.all().values_list("entity_id", flat=True)
    assert sorted(report.entity_id for report in reports) == sorted(str(each) for each in everybody)
    [mine] = [report for report in reports if report.entity_id == books.entity_id]
    assert ([each.what for each in mine.differences], mine.under_way) == (["account_balance.ledger"], False)


async def test_a_customer_that_only_a_provider_knows_is_found(books: Books) -> None:
    await books.onboard()
    lost = f"{books.entity_id}:lost"
    there = await books.metronome(
        "POST", "customers", entity_id=lost, entity_type="user", name="Eve", email="eve@example.com", metadata={}
    )
    twin = await books.stripe("POST", "customers", **{"metadata[entity_id]": books.entity_id})
    at_stripe = await books.stripe("POST", "customers", **{"metadata[entity_id]": lost})
    await books.stripe("POST", "customers", name="Somebody who buys something else")

    found = [each async for each in strangers(books.tools) if each.entity_id in (books.entity_id, lost)]

    ours = (await books.row()).stripe_customer_id
    told = [(each.entity_id, difference) for each in found for difference in each.differences]
    assert sorted((entity_id, each.what, each.ours, each.theirs) for entity_id, each in told) == sorted(
        [
            (books.entity_id, "stripe.customer", ours, twin["id"]),
            (lost, "metronome.customer", "none", there["id"]),
            (lost, "stripe.customer", "none", at_stripe["id"]),
        ]
    )


async def test_a_customer_whose_onboarding_is_under_way_is_no_stranger(books: Books) -> None:
    await books.onboard()
    await Customer.filter(entity_id=books.entity_id).update(metronome_customer_id=None, stripe_customer_id=None)

    assert [each.entity_id async for each in strangers(books.tools) if each.entity_id == books.entity_id] == []
