"""The wiring of the sandbox."""

import httpx

from mock_kit.clock import Clock
from mock_kit.courier import RetrySchedule
from mock_kit.idempotency import Idempotency
from mock_kit.ids import Ids
from mock_kit.journal import Journal
from mock_kit.sandbox import Sandbox
from mock_kit.webhooks import Webhooks
from mock_stripe.account import Account
from mock_stripe.control import control_routes
from mock_stripe.gateway import Gateway
from mock_stripe.outbox import Outbox, sign
from mock_stripe.store import MOST_OBJECTS

CARD_DATA = frozenset({"card[number]", "card[cvc]"})


def create_app(
    *,
    seed: int | None = None,
    clock: Clock | None = None,
    webhook_client: httpx.AsyncClient | None = None,
    schedule: RetrySchedule | None = None,
    webhook_endpoints: tuple[tuple[str, str], ...] = (),
    search_lag_seconds: int = 0,
    most_objects: int = MOST_OBJECTS,
) -> Sandbox:
    """`webhook_endpoints`: URLs and their secrets. A `seed` makes the ids repeatable.

    `search_lag_seconds`: how long a new object stays hidden from search. Stripe says up to a minute; 0 here by default.
    `most_objects`: of each kind; past it, whatever may make another is refused.
    """
    clock, ids = clock or Clock(), Ids(seed)
    webhooks = Webhooks(clock=clock, ids=ids, sign=sign, client=webhook_client, schedule=schedule)
    for url, secret in webhook_endpoints:
        webhooks.configure_endpoint(url=url, secret=secret)
    account = Account(
        clock=clock,
        ids=ids,
        outbox=Outbox(webhooks),
        search_lag_seconds=search_lag_seconds,
        most_objects=most_objects,
    )
    gateway = Gateway(account)
    return Sandbox(
        gateway,
        clock=clock,
        webhooks=webhooks,
        idempotency=Idempotency(gateway.idempotency_policy(), clock=clock),
        journal=Journal(hidden_fields=CARD_DATA),
        control=control_routes(account),
    )
