"""Money given back, by us or in Stripe's dashboard: the books agree with Stripe whatever the order of its news."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import count, permutations

import pytest

import models
from models import PaymentStatus
from tests.api.paying import send
from tests.service import Service
from tests.webhooks.bodies import stripe_event
from tests.webhooks.customers import Payer, payer
from tests.webhooks.delivery import Json, Sent, all_handled, deliver, deliver_all, events_of, handled, stored, until

MONEY = ("charge.", "refund.")
KEY = {"authorization": "Bearer sk_test_sandbox"}
PENDING_CARD = "pm_card_pendingRefund"
FAILING_CARD = "pm_card_refundFail"
MINUTES = timedelta(minutes=6)
PRICE = 900

_numbers = count(1)

BOOKS = """
query Books($id: String!) {
  customer(entityId: $id) {
    invoices(first: 1) {
      status
      payments {
        status refundedAmount { minorUnits } refunds { status amount { minorUnits } reason failureReason }
      }
    }
  }
}
"""


async def test_the_echoes_of_our_own_refund_change_nothing(service: Service, entity_id: str) -> None:
    customer = await payer(service, entity_id)
    refunded = await send(service, "refundPayment", paymentId=await payment_id(customer), amount={"minorUnits": 250})
    before = await books(service, entity_id), await told(entity_id)

    events = await tell_all(service, customer)

    assert set((await all_handled(service, events)).values()) == {"DONE"}
    assert refunded["refund"]["status"] == "SUCCEEDED"
    assert {"charge.refunded", "refund.created"} <= {sent.event["type"] for sent in events}
    assert (await books(service, entity_id), await told(entity_id)) == before
    assert await paid_minor(entity_id) == PRICE - 250


async def test_a_refund_made_at_stripe_enters_the_books_once(service: Service, entity_id: str) -> None:
    customer = await payer(service, entity_id)
    await refund_at_stripe(service, customer, 250)

    events = await tell_all(service, customer)
    for sent in events:
        await replayed(service, sent)

    assert await books(service, entity_id) == {
        "status": "SUCCEEDED",
        "refundedAmount": {"minorUnits": 250},
        "refunds": [
            {"status": "SUCCEEDED", "amount": {"minorUnits": 250}, "reason": "Made in Stripe", "failureReason": None}
        ],
    }
    assert await told(entity_id) == ["Refund of 2.50 USD succeeded"]
    assert await paid_minor(entity_id) == PRICE - 250


async def test_what_was_given_back_at_stripe_cannot_be_given_back_again(service: Service, entity_id: str) -> None:
    customer = await payer(service, entity_id)
    await refund_at_stripe(service, customer, 800)
    await tell_all(service, customer)

    too_much = await send(service, "refundPayment", paymentId=await payment_id(customer), amount={"minorUnits": 101})
    rest = await send(service, "refundPayment", paymentId=await payment_id(customer))

    assert [error["code"] for error in too_much["userErrors"]] == ["REFUND_EXCEEDS_CAPTURED"]
    assert rest["refund"]["amount"]["minorUnits"] == 100
    assert rest["payment"]["refundedAmount"] == {"minorUnits": PRICE}


async def test_a_refund_of_ours_that_was_on_its_way_arrives(service: Service, entity_id: str) -> None:
    customer = await payer(service, entity_id, PENDING_CARD)
    refunded = await send(service, "refundPayment", paymentId=await payment_id(customer))
    assert refunded["refund"]["status"] == "PENDING"

    await settle_at_stripe(service)
    await tell_all(service, customer)

    after = await books(service, entity_id)
    assert [refund["status"] for refund in after["refunds"]] == ["SUCCEEDED"]
    assert after["refundedAmount"] == {"minorUnits": PRICE}
    assert await told(entity_id) == ["Refund of 9.00 USD pending", "Refund of 9.00 USD succeeded"]


async def test_a_refund_that_fails_gives_back_once_what_it_took(service: Service, entity_id: str) -> None:
    customer = await payer(service, entity_id, FAILING_CARD)
    refunded = await send(service, "refundPayment", paymentId=await payment_id(customer), amount={"minorUnits": 400})
    assert refunded["payment"]["refundedAmount"] == {"minorUnits": 400}

    await settle_at_stripe(service)
    events = await tell_all(service, customer)
    for sent in events:
        await replayed(service, sent)

    after = await books(service, entity_id)
    assert after["refundedAmount"] == {"minorUnits": 0}
    assert [(each["status"], each["failureReason"]) for each in after["refunds"]] == [("FAILED", "unknown")]
    assert await told(entity_id) == ["Refund of 4.00 USD succeeded", "Refund of 4.00 USD failed"]
    assert await paid_minor(entity_id) == PRICE


async def test_one_that_failed_before_we_heard_of_it_takes_nothing_from_what_is_left(
    service: Service, entity_id: str
) -> None:
    """Ours took all there was meanwhile: there is no room for it, and none is needed."""
    customer = await payer(service, entity_id, FAILING_CARD)
    await refund_at_stripe(service, customer, PRICE)
    await settle_at_stripe(service)
    await send(service, "refundPayment", paymentId=await payment_id(customer))

    await tell_all(service, customer)

    after = await books(service, entity_id)
    assert after["refundedAmount"] == {"minorUnits": PRICE}
    assert sorted((each["status"], each["reason"]) for each in after["refunds"]) == [
        ("FAILED", "Made in Stripe"),
        ("SUCCEEDED", None),
    ]
    assert await told(entity_id) == ["Refund of 9.00 USD succeeded", "Refund of 9.00 USD failed"]


@pytest.mark.parametrize("card", ["pm_card_visa", PENDING_CARD, FAILING_CARD])
async def test_every_order_of_what_refunds_tell_ends_the_same(service: Service, card: str) -> None:
    """One of ours and one made at Stripe."""
    orders = list(permutations(range(3)))
    outcomes = await asyncio.gather(*(story(service, card, order) for order in orders))

    taken, status = (0, "FAILED") if card == FAILING_CARD else (650, "SUCCEEDED")
    assert [outcome["refundedAmount"] for outcome in outcomes] == [{"minorUnits": taken}] * len(orders)
    assert [statuses(outcome) for outcome in outcomes] == [
        [(250, status, "Made in Stripe"), (400, status, "Ours")]
    ] * len(orders)


async def test_news_of_the_same_refund_at_the_same_moment_are_one_refund(service: Service, entity_id: str) -> None:
    """Events that do not say whose they are do not wait for each other."""
    customer = await payer(service, entity_id)
    made = await refund_at_stripe(service, customer, 300)
    events = [nameless(made) for _ in range(8)]

    await asyncio.gather(*(deliver(service, sent) for sent in events))

    ends = [await until_handled(service, sent) for sent in events]
    assert {(end["state"], end["entityId"]) for end in ends} == {("DONE", entity_id)}
    assert (await books(service, entity_id))["refundedAmount"] == {"minorUnits": 300}
    assert await told(entity_id) == ["Refund of 3.00 USD succeeded"]


async def test_a_refund_of_a_payment_not_known_to_have_succeeded_waits_for_it(service: Service, entity_id: str) -> None:
    customer = await payer(service, entity_id)
    made = await refund_at_stripe(service, customer, 300)
    payment = models.Payment.filter(id=await payment_id(customer))
    await payment.update(status=PaymentStatus.PROCESSING)
    sent = nameless(made)

    await deliver(service, sent)
    waiting = await until(lambda: tried(service, sent), what="a first attempt")
    assert (waiting["state"], waiting["lastError"]) == (
        "PENDING",
        f"The success of payment {await payment_id(customer)} is not worked in yet.",
    )
    await payment.update(status=PaymentStatus.SUCCEEDED)

    assert (await until_handled(service, sent))["state"] == "DONE"
    assert (await books(service, entity_id))["refundedAmount"] == {"minorUnits": 300}


async def test_a_refund_at_stripe_waits_for_a_refund_of_ours_that_runs(service: Service, entity_id: str) -> None:
    """Ours reserved all of it; Stripe will refuse it, and only then is there room."""
    customer = await payer(service, entity_id)
    made = await refund_at_stripe(service, customer, 300)
    sent = nameless(made)
    async with refunds_out_of_reach(service):
        ours = asyncio.create_task(send(service, "refundPayment", paymentId=await payment_id(customer)))
        await until(lambda: models.Refund.exists(customer__entity_id=entity_id), what="our reservation")
        await deliver(service, sent)
        waiting = await until(lambda: tried(service, sent), what="a first attempt")
        assert f"of {entity_id} is still running" in waiting["lastError"]
    await ours

    await until_handled(service, sent)

    after = await books(service, entity_id)
    assert after["refundedAmount"] == {"minorUnits": 300}
    assert statuses(after) == [(300, "SUCCEEDED", "Made in Stripe"), (900, "FAILED", None)]


async def test_more_given_back_than_was_paid_is_parked_as_drift(service: Service, entity_id: str) -> None:
    customer = await payer(service, entity_id)
    made = await refund_at_stripe(service, customer, 300)
    await models.Payment.filter(id=await payment_id(customer)).update(refunded_minor=700)

    await deliver(service, sent := nameless(made))

    event = await until_handled(service, sent)
    assert (event["state"], event["lastError"]) == (
        "PARKED",
        f"Drift: with refund {made['id']} more of payment {await payment_id(customer)} was given back than was paid.",
    )
    assert not await models.Refund.exists(customer__entity_id=entity_id)


async def test_a_refund_of_a_payment_we_did_not_make_waits_for_a_while_and_is_then_parked(
    service: Service, entity_id: str
) -> None:
    customer = await payer(service, entity_id)
    made = await refund_at_stripe(service, customer, 300)
    sent = nameless({**made, "payment_intent": "pi_elsewhere", "customer": customer.stripe_id})
    await deliver(service, sent)
    await until(lambda: tried(service, sent), what="a first attempt")

    service.clock.advance(MINUTES)

    event = await handled(service, sent.id)
    assert (event["state"], event["lastError"]) == ("PARKED", "Payment intent pi_elsewhere was not made here.")


async def test_a_refund_that_names_neither_customer_nor_payment_of_ours_is_ignored(service: Service) -> None:
    refund = {"id": "re_1", "object": "refund", "amount": 1, "currency": "usd", "status": "succeeded", "created": 1}
    sent = Sent("stripe", stripe_event(type="refund.created", data={"object": refund}))

    await deliver(service, sent)

    event = await handled(service, sent.id)
    assert (event["state"], event["lastError"]) == ("IGNORED", "The event names no customer.")


async def story(service: Service, card: str, order: tuple[int, ...]) -> Json:
    """Somebody new, one refund of ours and one at Stripe; the first news in this order, and twice."""
    customer = await payer(service, f"refunded_{next(_numbers)}", card)
    await send(
        service, "refundPayment", paymentId=await payment_id(customer), amount={"minorUnits": 400}, reason="Ours"
    )
    await refund_at_stripe(service, customer, 250)
    await settle_at_stripe(service)
    news = [sent for sent in await events_of(service, customer.stripe_id) if "refund" in sent.event["type"]]
    first = [news[place] for place in order]
    await deliver_all(service, [*first, *first, *news[len(order) :]])
    assert {(await until_handled(service, sent))["state"] for sent in news} == {"DONE"}
    return await books(service, customer.entity_id)


async def tell_all(service: Service, customer: Payer) -> list[Sent]:
    """What Stripe tells of the customer's charges and refunds, until all of it is handled."""
    events = [each for each in await events_of(service, customer.stripe_id) if each.event["type"].startswith(MONEY)]
    await deliver_all(service, events)
    for sent in events:
        assert (await until_handled(service, sent))["state"] == "DONE"
    return events


async def until_handled(service: Service, sent: Sent) -> Json:
    async def ended() -> Json | None:
        event = await stored(service, sent.id)
        if event and event["state"] == "PENDING" and event["lastError"]:
            service.clock.advance(timedelta(seconds=1))  # to its next attempt
        return event if event and event["state"] != "PENDING" else None

    return await until(ended, what=f"{sent.name} handled")


async def tried(service: Service, sent: Sent) -> Json | None:
    event = await stored(service, sent.id)
    return event if event and event["lastError"] else None


async def replayed(service: Service, sent: Sent) -> None:
    event = await handled(service, sent.id)
    mutation = "mutation($id: ID!) { replayWebhookEvent(input: {id: $id}) { userErrors { code } } }"
    assert (await service.graphql(mutation, id=event["id"]))["replayWebhookEvent"] == {"userErrors": []}
    assert (await until_handled(service, sent))["state"] == "DONE"


def nameless(refund: Json) -> Sent:
    """As API versions tell it whose refunds do not say whose they are."""
    return Sent("stripe", stripe_event(type="refund.created", data={"object": {"customer": None, **refund}}))


async def refund_at_stripe(service: Service, customer: Payer, amount_minor: int) -> Json:
    """As somebody at Stripe's dashboard does, without a word to us."""
    payment = await models.Payment.get(id=await payment_id(customer))
    answer = await service.stripe.http.post(
        "/v1/refunds",
        data={"payment_intent": str(payment.stripe_payment_intent_id), "amount": str(amount_minor)},
        headers=KEY,
    )
    assert answer.is_success, answer.text
    return {**answer.json(), "customer": None}


async def settle_at_stripe(service: Service) -> None:
    """Until a refund on its way has arrived or failed."""
    answer = await service.stripe.http.post("/_mock/clock", json={"advance_seconds": 61})
    assert answer.is_success, answer.text


@asynccontextmanager
async def refunds_out_of_reach(service: Service) -> AsyncIterator[None]:
    await service.stripe.fault(method="POST", path="/v1/refunds$", kind="status_before", status=500, times=None)
    try:
        yield
    finally:
        await service.stripe.clear_faults()


async def payment_id(customer: Payer) -> str:
    return (await models.Payment.get(customer__entity_id=customer.entity_id)).id


async def books(service: Service, entity_id: str) -> Json:
    """The one payment of the one invoice, which stays paid."""
    (invoice,) = (await service.graphql(BOOKS, id=entity_id))["customer"]["invoices"]
    assert invoice["status"] == "PAID"
    (payment,) = invoice["payments"]
    found: Json = payment
    return found


def statuses(payment: Json) -> list[tuple[int, str, str | None]]:
    return sorted((each["amount"]["minorUnits"], each["status"], each["reason"]) for each in payment["refunds"])


async def told(entity_id: str) -> list[str]:
    """What a live client was told of refunds."""
    found = models.Activity.filter(entity_id=entity_id, kind__startswith="refund.").order_by("id")
    return [str(each) for each in await found.values_list("summary", flat=True)]


async def paid_minor(entity_id: str) -> int:
    paid: int = (await models.Subscription.get(customer__entity_id=entity_id)).paid_minor
    return paid
