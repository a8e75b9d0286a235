"""POST /webhooks/<provider>: verify the raw bytes, store once, answer. There the request ends; a worker does the rest.

2xx   it is stored, now or earlier
4xx   it is not from the provider, or not an event: sending it again changes nothing
503   it is not known to be stored, or nothing can be verified because no secret is configured: send it again
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson
import structlog
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from integrations.inbound import BadPayload, BadSignature, NoWebhookSecret, Verified
from integrations.metronome import webhooks as metronome
from integrations.stripe import webhooks as stripe
from models import Provider
from telemetry.metrics import webhooks_received
from telemetry.tracing import span
from webhooks.inbox import Arrival
from webhooks.intake import NotStored

log = structlog.get_logger()

RETRY_AFTER_SECONDS = 30

Verify = Callable[[bytes, Sequence[tuple[bytes, bytes]]], Verified]


@dataclass(frozen=True, slots=True)
class Reception:
    """What the routes need: how to verify, the time, who stores, and whom to tell that there is work."""

    stripe_secrets: Sequence[SecretStr]
    metronome_secrets: Sequence[SecretStr]
    livemode: bool
    now: Callable[[], datetime]
    store: Callable[[Arrival], Awaitable[bool]]
    wake: Callable[[], None]

    def verify_stripe(self, raw: bytes, headers: Sequence[tuple[bytes, bytes]]) -> Verified:
        return stripe.verify(raw, headers=headers, secrets=self.stripe_secrets, now=self.now(), livemode=self.livemode)

    def verify_metronome(self, raw: bytes, headers: Sequence[tuple[bytes, bytes]]) -> Verified:
        return metronome.verify(raw, headers=headers, secrets=self.metronome_secrets, now=self.now())


def routes(reception: Reception) -> list[Route]:
    verifiers: dict[Provider, Verify] = {
        Provider.STRIPE: reception.verify_stripe,
        Provider.METRONOME: reception.verify_metronome,
    }
    return [
        Route(f"/webhooks/{provider.lower()}", _Endpoint(provider, verify, reception).post, methods=["POST"])
        for provider, verify in verifiers.items()
    ]


class _Endpoint:
    def __init__(self, provider: Provider, verify: Verify, reception: Reception) -> None:
        self._provider = provider
        self._verify = verify
        self._reception = reception
        self._told_of_no_secret = False

    async def post(self, request: Request) -> Response:
        with span(f"webhook {self._provider.lower()} received"):
            answer = await self._answer_to(request)
        webhooks_received.labels(self._provider.value, _outcome(answer)).inc()
        return answer

    async def _answer_to(self, request: Request) -> Response:
        if _media_type(request) != "application/json":
            return _refusal(415, "UNSUPPORTED_MEDIA_TYPE", "Send application/json.")
        if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
            return _refusal(415, "UNSUPPORTED_ENCODING", "The signature covers the plain body: send it unencoded.")
        raw = await request.body()
        try:
            arrival = Arrival.of(self._provider, self._verify(raw, request.headers.raw), raw.decode())
        except NoWebhookSecret as problem:
            return self._no_secret(problem)
        except BadSignature as problem:
            log.warning("webhook.refused", provider=self._provider.value, signature=problem.reason.value)
            return _refusal(400, "BAD_SIGNATURE", f"The signature is refused: {problem.reason.value}.")
        except BadPayload as problem:
            log.warning("webhook.refused", provider=self._provider.value, payload=problem.reason)
            return _refusal(400, "BAD_PAYLOAD", f"{problem}.")
        return await self._store(arrival)

    async def _store(self, arrival: Arrival) -> Response:
        try:
            new = await self._reception.store(arrival)
        except NotStored as problem:
            log.warning(
                "webhook.refused", provider=arrival.provider.value, event_id=arrival.event_id, storage=str(problem)
            )
            return _unavailable("STORAGE_UNAVAILABLE", "The event could not be stored; send it again.")
        log.debug("webhook.stored" if new else "webhook.duplicate", type=arrival.type, event_id=arrival.event_id)
        if new:
            self._reception.wake()
        return _answer(200, {"received": True, "duplicate": not new})

    def _no_secret(self, problem: NoWebhookSecret) -> Response:
        if not self._told_of_no_secret:
            log.error("webhook.no_secret", provider=problem.provider)
            self._told_of_no_secret = True
        return _unavailable("NO_WEBHOOK_SECRET", "No webhook secret is configured here.")


def _outcome(answer: Response) -> str:
    if answer.status_code == 200:
        return "stored"
    return "refused" if answer.status_code < 500 else "unavailable"


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _answer(status: int, body: dict[str, object]) -> Response:
    return Response(orjson.dumps(body), status_code=status, media_type="application/json")


def _refusal(status: int, code: str, message: str) -> Response:
    return _answer(status, {"error": {"code": code, "message": message}})


def _unavailable(code: str, message: str) -> Response:
    answer = _refusal(503, code, message)
    answer.headers["retry-after"] = str(RETRY_AFTER_SECONDS)
    return answer
