"""Each real sequence of events about one thing, told in every order there is: the end is always the same."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from itertools import count, permutations
from typing import Any

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


async def test_a_card_that_comes_becomes_the_default_and_goes_is_gone(service: Service) -> None:
    told = ["customer.updated", "payment_method.attached", "payment_method.detached"]

    customer = (await told_in_every_order(service, told, happening=a_card_comes_and_goes, card=None))["customer"]

    assert customer["paymentMethods"] == []


async def test_a_contract_given_an_end_and_then_cancelled_elsewhere_is_cancelled(service: Service) -> None:
    told = ["contract.cancelled", "contract.updated", "credit.expired"]

    customer = (await told_in_every_order(service, told, happening=cancelled_at_metronome))["customer"]

    assert (customer["subscription"]["status"], customer["credits"]) == ("CANCELLED", {"balance": 0})


async def told_in_every_order(
    service: Service, told: Sequence[str], *, happening: Happening, card: str | None = "pm_card_visa"
) -> Json:
    """What stands in the end: the same for every customer, each of whom is told of in an order of its own."""
    orders = list(permutations(range(len(told))))
    customers = await asyncio.gather(*(payer(service, f"order_{next(_numbers)}", card) for _ in orders))
    known = {sent.id for sent in await everything_told(service)}
    await happening(service, customers)
    news = [sent for sent in await everything_told(service) if sent.id not in known]
    sent = [
        in_order(told, order, [each for each in news if owner_of(each) in customer.ids])
        for customer, order in zip(customers, orders, strict=True)
    ]
    await asyncio.gather(*(deliver_all(service, events) for events in sent))
    await until(lambda: at_rest(service), what="everything worked in", seconds=180)
    for events in sent:
        assert set((await all_handled(service, events)).values()) == {"DONE"}
    ends = [await what_stands(service, customer) for customer in customers]
    assert ends == [ends[0]] * len(orders)
    return ends[0]


def in_order(told: Sequence[str], order: Sequence[int], events: Sequence[Sent]) -> list[Sent]:
    """The newest event of each type."""
    newest = {sent.event["type"]: sent for sent in events}
    assert sorted(newest) == told
    return [newest[told[place]] for place in order]


async def what_stands(service: Service, customer: Payer) -> Json:
    after = await standing(service, customer.entity_id)
    after["creditLedger"]["nodes"].sort(key=lambda entry: (entry["kind"], entry["amount"]))
    return after


async def everything_told(service: Service) -> list[Sent]:
    return [*await stripe_events(service), *await metronome_events(service)]


async def a_month_passes(service: Service, _: Sequence[Payer]) -> None:
    service.clock.advance(timedelta(days=32))
    await service.metronome.http.post("/_mock/clock", json={"advance_seconds": 1})


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
