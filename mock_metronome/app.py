"""The wiring."""

import httpx

from mock_kit.clock import Clock
from mock_kit.courier import RetrySchedule
from mock_kit.idempotency import Idempotency, Policy
from mock_kit.ids import Ids
from mock_kit.journal import Journal
from mock_kit.messages import Answer, Request
from mock_kit.sandbox import Sandbox
from mock_kit.webhooks import Webhooks
from mock_metronome import credit_grants
from mock_metronome.books import Books
from mock_metronome.events import EventLog, sign
from mock_metronome.oauth import Client, Tokens
from mock_metronome.provider import API, Metronome, error_answer

LONGEST_KEY = 255


def create_app(
    *,
    client: Client | None = None,
    clock: Clock | None = None,
    seed: int | None = None,
    webhook_url: str | None = None,
    webhook_secret: str = "",
    webhook_client: httpx.AsyncClient | None = None,
    retry_schedule: RetrySchedule | None = None,
) -> Sandbox:
    """An ASGI application, for uvicorn or httpx.ASGITransport.

    `seed` makes ids repeat, `clock` may start elsewhere or stand still, `webhook_client` delivers the webhooks.
    """
    clock, ids = clock or Clock(), Ids(seed)
    webhooks = Webhooks(clock=clock, sign=sign, ids=ids, client=webhook_client, schedule=retry_schedule)
    if webhook_url:
        webhooks.configure_endpoint(url=webhook_url, secret=webhook_secret)
    books = Books(clock=clock, ids=ids, events=EventLog(ids=ids, publish=webhooks.publish))
    return Sandbox(
        Metronome(books=books, tokens=Tokens(client=client or Client(), clock=clock, ids=ids)),
        clock=clock,
        webhooks=webhooks,
        idempotency=Idempotency(IDEMPOTENCY, clock=clock),
        journal=Journal(hidden_fields=frozenset({"client_secret"})),
        control={("POST", "/_mock/usage"): lambda fields: credit_grants.use(books, fields)},
    )


def _keyed(request: Request) -> bool:
    return request.method in ("POST", "PATCH") and request.path.startswith(API)


def _replay(request: Request, stored: Answer) -> Answer:
    return stored.with_headers(("idempotent-replayed", "true"))


IDEMPOTENCY = Policy(
    applies=_keyed,
    mismatch=lambda request: error_answer(
        409, "This idempotency key was used for another request.", code="IdempotencyKeyReused"
    ),
    in_flight=lambda request: error_answer(
        409, "A request with this idempotency key is under way.", code="IdempotencyKeyInUse"
    ),
    too_long=lambda request: error_answer(400, f"An idempotency key has at most {LONGEST_KEY} characters."),
    replay=_replay,
    longest_key=LONGEST_KEY,
)
