"""Each real sequence of events about one thing, told in every order there is: the end is always the same."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from itertools import count, permutations
from typing import Any

import models
from tests.api.changing import ASKING, DECLINING, Customers
from tests.api.paying import authenticate as confirm
from tests.service import Service
from tests.webhooks.customers import Payer, contract_of, payer, standing
from tests.webhooks.delivery import (
    Json,
    Sent,
    all_handled,
    at_rest,
    deliver_all,
    metronome_events,
    owner_of,
    stripe_events,
    until,
)
from tests.webhooks.providers import metronome_call, stripe_call

_numbers = count(1)
# Many customers are onboarded at the same time, on a machine that may be busy besides.
# The clock leaps while events wait, and a lease must outlast that.
SETTINGS = {"request_timeout_seconds": 60, "webhook_lease_seconds": 600}

Happening = Callable[[Service, Sequence[Payer]], Awaitable[Any]]


async def test_a_renewal_told_in_every_order_is_a_renewal(service: Service) -> None:
    told = ["contract.updated", "credit.applied", "credit.expired", "invoice.created"]

    customer = (await told_in_every_order(service, told, happening=a_month_passes))["customer"]

    assert (customer["subscription"]["status"], customer["credits"]) == ("ACTIVE", {"balance": 10_000})
    assert [invoice["status"] for invoice in customer["invoices"]] == ["PAID", "PAID"]


async def test_a_renewal_that_is_declined_leaves_the_same_debt_in_every_order(service: Service) -> None:
    renewal = ["contract.updated", "credit.expired", "invoice.created"]
    decline = ["charge.failed", "payment_intent.created", "payment_intent.payment_failed"]

    after = await told_in_every_order(service, renewal, decline, happening=a_month_passes_with_a_bad_card, others=True)

    customer = after["customer"]

    assert (customer["subscription"]["status"], customer["credits"]) == ("PAST_DUE", {"balance": 10_000})
    assert [(invoice["status"], statuses(invoice)) for invoice in customer["invoices"]] == [
        ("OPEN", ["FAILED"]),
        ("PAID", ["SUCCEEDED"]),
    ]


async def test_an_upgrade_that_waits_for_its_payer_takes_effect_once_in_every_order(service: Service) -> None:
    payment = ["charge.succeeded", "payment_intent.requires_action", "payment_intent.succeeded"]
    echoes = ["contract.cancelled", "credit.applied", "invoice.paid"]

    after = await told_in_every_order(service, payment, echoes, happening=an_upgrade_is_authenticated, others=True)

    subscription = after["customer"]["subscription"]
    assert (subscription["status"], subscription["tier"]) == ("ACTIVE", "TEAM")
    assert [each["kind"] for each in after["creditLedger"]["nodes"]] == ["GRANT", "GRANT"]
    assert [(invoice["status"], statuses(invoice)) for invoice in after["customer"]["invoices"]] == [
        ("PAID", ["SUCCEEDED"]),
        ("PAID", ["SUCCEEDED"]),
    ]


async def test_a_downgrade_told_in_every_order_is_as_it_was_made(service: Service) -> None:
    echoes = ["contract.cancelled", "contract.created", "credit.applied"]

    after = await told_in_every_order(service, echoes, happening=a_downgrade, tier="TEAM", others=True)

    subscription = after["customer"]["subscription"]
    assert (subscription["status"], subscription["tier"]) == ("ACTIVE", "PRO")
    assert after["customer"]["credits"]["balance"] < 50_000
    assert [invoice["status"] for invoice in after["customer"]["invoices"]] == ["PAID"]


async def test_a_change_to_yearly_told_in_every_order_is_as_it_was_made(service: Service) -> None:
    echoes = ["contract.cancelled", "invoice.created", "invoice.paid"]

    customer = (await told_in_every_order(service, echoes, happening=a_change_to_yearly, others=True))["customer"]

    period = customer["subscription"]["currentPeriod"]
    assert int(period["end"][:4]) == int(period["start"][:4]) + 1
    assert (customer["subscription"]["status"], customer["credits"]) == ("ACTIVE", {"balance": 10_000})
    assert [invoice["status"] for invoice in customer["invoices"]] == ["PAID", "PAID"]


async def test_a_card_that_comes_becomes_the_default_and_goes_is_gone(service: Service) -> None:
    told = ["customer.updated", "payment_method.attached", "payment_method.detached"]

    customer = (await told_in_every_order(service, told, happening=a_card_comes_and_goes, card=None))["customer"]

    assert customer["paymentMethods"] == []


async def test_a_contract_given_an_end_and_then_cancelled_elsewhere_is_cancelled(service: Service) -> None:
    told = ["contract.cancelled", "contract.updated", "credit.expired"]

    customer = (await told_in_every_order(service, told, happening=cancelled_at_metronome))["customer"]

    assert (customer["subscription"]["status"], customer["credits"]) == ("CANCELLED", {"balance": 0})


async def told_in_every_order(
    service: Service,
    *rounds: Sequence[str],
    happening: Happening,
    card: str | None = "pm_card_visa",
    tier: str = "PRO",
    others: bool = False,
) -> Json:
    """What stands in the end: the same for every customer, each of whom is told of in an order of its own.

    What follows from the events of one round is told in the next. There are no news besides those named, or, with
    `others`, they come after them.
    """
    orders = [list(permutations(types)) for types in rounds]
    some = range(max(map(len, orders)))
    customers = await asyncio.gather(*(payer(service, f"order_{next(_numbers)}", card, tier) for _ in some))
    known = {sent.id for sent in await everything_told(service)}
    await happening(service, customers)
    for each in orders:
        news = [sent for sent in await everything_told(service) if sent.id not in known]
        known |= {sent.id for sent in news}
        sent = [
            in_order(each[place % len(each)], [one for one in news if owner_of(one) in customer.ids], others=others)
            for place, customer in enumerate(customers)
        ]
        await asyncio.gather(*(deliver_all(service, events) for events in sent))
        await until(lambda: at_rest(service), what="everything worked in", seconds=180)
        for events in sent:
            assert set((await all_handled(service, events)).values()) == {"DONE"}
    ends = [await what_stands(service, customer) for customer in customers]
    assert ends == [ends[0]] * len(ends)
    return ends[0]


def in_order(order: Sequence[str], events: Sequence[Sent], *, others: bool) -> list[Sent]:
    """The newest event of each type; with `others`, then whatever else there is."""
    newest = {sent.event["type"]: sent for sent in events}
    assert others or sorted(newest) == sorted(order)
    first = [newest[kind] for kind in order]
    return first + [sent for sent in events if others and sent not in first]


async def what_stands(service: Service, customer: Payer) -> Json:
    after = await standing(service, customer.entity_id)
    after["creditLedger"]["nodes"].sort(key=lambda entry: (entry["kind"], entry["amount"]))
    return after


def statuses(invoice: Json) -> list[str]:
    return [payment["status"] for payment in invoice["payments"]]


async def everything_told(service: Service) -> list[Sent]:
    return [*await stripe_events(service), *await metronome_events(service)]


async def a_month_passes(service: Service, _: Sequence[Payer]) -> None:
    service.clock.advance(timedelta(days=32))
    await service.metronome.http.post("/_mock/clock", json={"advance_seconds": 1})


async def a_month_passes_with_a_bad_card(service: Service, customers: Sequence[Payer]) -> None:
    await asyncio.gather(*(Customers(service).attach(customer.entity_id, DECLINING) for customer in customers))
    await a_month_passes(service, customers)


async def an_upgrade_is_authenticated(service: Service, customers: Sequence[Payer]) -> None:
    await asyncio.gather(*(Customers(service).attach(customer.entity_id, ASKING) for customer in customers))
    await all_change(service, customers, tier="TEAM")
    for customer in customers:
        payment = await models.Payment.get(customer__entity_id=customer.entity_id, status="REQUIRES_ACTION")
        await confirm(service, str(payment.stripe_payment_intent_id))


async def a_downgrade(service: Service, customers: Sequence[Payer]) -> None:
    service.clock.advance(timedelta(days=3))
    await all_change(service, customers, tier="PRO")


async def a_change_to_yearly(service: Service, customers: Sequence[Payer]) -> None:
    await all_change(service, customers, tier="PRO", billingPeriod="YEARLY")


async def all_change(service: Service, customers: Sequence[Payer], **to: str) -> None:
    changed = await asyncio.gather(*(Customers(service).change(each.entity_id, **to) for each in customers))
    assert [payload["userErrors"] for payload in changed] == [[]] * len(customers)
    await until(lambda: at_rest(service), what="every change made", seconds=180)


async def a_card_comes_and_goes(service: Service, customers: Sequence[Payer]) -> None:
    for customer in customers:
        path = f"customers/{customer.stripe_id}"
        card = await stripe_call(
            service, "POST", "payment_methods/pm_card_mastercard/attach", customer=customer.stripe_id
        )
        await stripe_call(service, "POST", path, **{"invoice_settings[default_payment_method]": card["id"]})
        await stripe_call(service, "POST", f"payment_methods/{card['id']}/detach")


async def cancelled_at_metronome(service: Service, customers: Sequence[Payer]) -> None:
    for customer in customers:
        contract = await contract_of(customer.entity_id)
        end = (service.clock.now() + timedelta(days=3)).replace(hour=0, minute=0, second=0, microsecond=0)
        await metronome_call(service, "PATCH", f"contracts/{contract}", {"end_date": end.isoformat()})
        await metronome_call(service, "POST", f"contracts/{contract}/cancel", {})
