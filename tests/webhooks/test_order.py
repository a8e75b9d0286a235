"""Whatever the order of one customer's events, and whenever they come, the end is the same."""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import count, permutations

import pytest

from tests.api.onboarding import follow, person
from tests.service import Service
from tests.webhooks.customers import FAILING_CARD, GOOD_CARD, SECURE_CARD, Payer, authenticate, payer, standing
from tests.webhooks.delivery import Json, Sent, at_rest, deliver_all, events_of, handled, stored, stored_where, until

SHUFFLES = 5
_numbers = count(1)
# Many customers are onboarded at the same time, on a machine that may be busy besides.
# The clock leaps while events wait, and a lease must outlast that.
SETTINGS = {"request_timeout_seconds": 60, "webhook_lease_seconds": 600}

Order = Callable[[list[Sent]], list[Sent]]


@dataclass(frozen=True, slots=True)
class Scenario:
    name: str
    card: str | None
    authentication: str | None = None

    async def play(self, service: Service) -> Payer:
        """Onboard somebody new; their events are told later."""
        customer = await payer(service, f"{self.name}_{next(_numbers)}", self.card)
        if self.authentication:
            await authenticate(service, customer, outcome=self.authentication)
        return customer


SCENARIOS = [
    Scenario("plain", GOOD_CARD),
    Scenario("without_a_card", None),
    Scenario("declined", FAILING_CARD),
    Scenario("authenticated", SECURE_CARD, "success"),
    Scenario("not_authenticated", SECURE_CARD, "failure"),
]


def shuffled(seed: int) -> Order:
    def order(events: list[Sent]) -> list[Sent]:
        return random.Random(seed).sample(events, len(events))

    return order


def as_told(events: list[Sent]) -> list[Sent]:
    return events


def backwards(events: list[Sent]) -> list[Sent]:
    return events[::-1]


def twice_and_backwards(events: list[Sent]) -> list[Sent]:
    return [*events[::-1], *events[::-1]]


ORDERS: list[Order] = [backwards, twice_and_backwards, *(shuffled(seed) for seed in range(SHUFFLES))]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
async def test_every_order_of_the_events_of_an_onboarding_ends_the_same(service: Service, scenario: Scenario) -> None:
    expected, *outcomes = await told(service, scenario, [as_told, *ORDERS])

    assert expected["states"] == {"DONE"}
    assert outcomes == [expected] * len(ORDERS)


async def test_every_permutation_of_what_a_completed_payment_tells_ends_the_same(service: Service) -> None:
    orders = [partial(payment_first, places) for places in permutations(range(4))]

    expected, *outcomes = await told(service, SCENARIOS[3], [as_told, *orders])

    assert expected["invoices"] == ["PAID"]
    assert outcomes == [expected] * 24


def payment_first(places: Sequence[int], events: list[Sent]) -> list[Sent]:
    """The payment's own events in the given order, before everything else."""
    of_payment = [sent for sent in events if sent.event["type"].startswith(("payment_intent.", "charge."))]
    assert len(of_payment) >= len(places)
    rest = [sent for sent in events if sent not in of_payment]
    return [of_payment[place] for place in places] + of_payment[len(places) :] + rest


async def test_events_faster_than_our_own_commit_wait_for_it(service: Service) -> None:
    """Stripe has the customer and has told so; the service cannot know yet, for its answer was lost."""
    entity_id = f"early_{next(_numbers)}"
    await service.stripe.fault(method="POST", path="/v1/customers$", kind="drop_after", times=None)
    await service.stripe.fault(method="GET", path="/v1/customers", kind="status_before", status=500, times=None)
    mutation = "mutation($input: OnboardInput!) { onboard(input: $input) { operation { id status } } }"
    onboarding = asyncio.create_task(service.graphql(mutation, input={"entity": person(entity_id)}))
    created = await until(lambda: customer_created(service, entity_id), what="the customer at Stripe")
    await deliver_all(service, [created])
    await until(lambda: waits(service, created, "No customer here is"), what="a first attempt")
    service.clock.advance(timedelta(minutes=6))
    await until(lambda: waits(service, created, f"of {entity_id} is still running"), what="a later attempt")

    await service.stripe.clear_faults()
    operation = (await onboarding)["onboard"]["operation"]
    await until(lambda: ended(service, operation["id"]), what="the onboarding's end")
    service.clock.advance(timedelta(minutes=6))
    assert (await handled(service, created.id))["state"] == "DONE"


async def told(service: Service, scenario: Scenario, orders: Sequence[Order]) -> list[Json]:
    """What stands here when the events of a new customer were told in each of these orders."""
    customers = await asyncio.gather(*(tell(service, scenario, order) for order in orders))
    await until(lambda: at_rest(service), what="everything worked in", seconds=180)
    return await asyncio.gather(*(found(service, customer) for customer in customers))


async def tell(service: Service, scenario: Scenario, order: Order) -> Payer:
    customer = await scenario.play(service)
    await deliver_all(service, order(await events_of(service, *customer.ids)))
    return customer


async def found(service: Service, customer: Payer) -> Json:
    events = await stored_where(service, entityId=customer.entity_id)
    after = await standing(service, customer.entity_id)
    at_metronome = await events_of(service, customer.metronome_id)
    return {
        "states": {event["state"] for event in events},
        "events": len(events),
        "standing": after,
        "invoices": [invoice["status"] for invoice in after["customer"]["invoices"]],
        "told_paid": sum(sent.event["type"] == "invoice.paid" for sent in at_metronome),
    }


async def customer_created(service: Service, entity_id: str) -> Sent | None:
    answer = await service.stripe.http.get(
        "/v1/events", params={"type": "customer.created"}, headers={"authorization": "Bearer sk_test_sandbox"}
    )
    for event in answer.json()["data"]:
        if event["data"]["object"]["metadata"].get("entity_id") == entity_id:
            return Sent("stripe", event)
    return None


async def waits(service: Service, sent: Sent, reason: str) -> bool:
    event = await stored(service, sent.id)
    assert event is not None
    assert event["state"] == "PENDING"
    return reason in (event["lastError"] or "")


async def ended(service: Service, operation_id: str) -> bool:
    return bool((await follow(service, operation_id))["status"] != "RUNNING")
