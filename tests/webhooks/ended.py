"""Events that came to an end of a certain kind."""

from tests.service import Service
from tests.webhooks.bodies import stripe_event
from tests.webhooks.delivery import Json, Sent, deliver, handled

NOBODYS: Json = {"id": "pm_nobody", "object": "payment_method", "type": "card", "customer": "cus_nobody"}


async def an_ignored_event(service: Service) -> Json:
    sent = Sent("stripe", stripe_event())
    await deliver(service, sent)
    return await handled(service, sent.id)


async def a_dead_event(service: Service) -> Sent:
    sent = Sent("stripe", stripe_event(type="payment_method.attached", data={"object": NOBODYS}))
    await deliver(service, sent)
    event = await handled(service, sent.id)
    assert (event["state"], event["lastError"]) == ("DEAD", "No customer here is cus_nobody at Stripe.")
    return sent
