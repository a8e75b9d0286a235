"""Events on their way to webhook endpoints, signed as Stripe signs them."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime

from mock_kit.courier import Endpoint
from mock_kit.courier import Event as Message
from mock_kit.webhooks import Webhooks
from mock_stripe.objects.event import Event
from mock_stripe.objects.webhook_endpoint import WebhookEndpoint

SETTLE_EVERY = 500


def sign(endpoint: Endpoint, event: Message, now: datetime) -> Mapping[str, str]:
    """The headers of one attempt; while a secret is rolled there is a `v1` for the old one as well."""
    timestamp = int(now.timestamp())
    payload = f"{timestamp}.".encode() + event.body
    signatures = [hmac.new(secret.encode(), payload, hashlib.sha256).hexdigest() for secret in endpoint.secrets]
    return {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        "Accept": "*/*; q=0.5, application/xml",
        "Cache-Control": "no-cache",
        "Stripe-Signature": ",".join([f"t={timestamp}", *(f"v1={signature}" for signature in signatures)]),
    }


class Outbox:
    def __init__(self, webhooks: Webhooks) -> None:
        self._webhooks = webhooks
        self._awaited: dict[str, set[str]] = {}
        """By event id, the endpoints that have yet to take it."""
        self._published = 0

    def publish(self, event: Event) -> None:
        message = Message(event["id"], event["type"], b"")
        wanting = {endpoint.id for endpoint in self._webhooks.endpoints if endpoint.wants(message)}
        event["pending_webhooks"] = len(wanting)
        if not wanting:
            return
        self._awaited[event["id"]] = wanting
        self._webhooks.publish(Message(event["id"], event["type"], json.dumps(event, indent=2).encode()))
        self._published += 1
        if self._published % SETTLE_EVERY == 0:
            self._settle()

    def undelivered(self) -> dict[str, int]:
        """By event id, how many endpoints have yet to take it; without those that all have taken."""
        self._settle()
        return {event_id: len(endpoints) for event_id, endpoints in self._awaited.items()}

    @property
    def state(self) -> dict[str, set[str]]:
        self._settle()
        return self._awaited

    def restore(self, awaited: dict[str, set[str]]) -> None:
        self._awaited = awaited

    def clear(self) -> None:
        self._awaited.clear()

    def _settle(self) -> None:
        """Strike out what the log says was taken, before the log, which is bounded, forgets it."""
        for attempt in self._webhooks.log:
            event_id = attempt.delivery.event.id
            if attempt.succeeded and event_id in self._awaited:
                self._awaited[event_id].discard(attempt.delivery.endpoint_id)
                if not self._awaited[event_id]:
                    del self._awaited[event_id]

    # Endpoints of /v1/webhook_endpoints

    def is_open(self, endpoint_id: str) -> bool:
        return any(endpoint.id == endpoint_id for endpoint in self._webhooks.endpoints)

    def open(self, endpoint: WebhookEndpoint, *, secrets: tuple[str, ...]) -> None:
        self._webhooks.add_endpoint(
            url=endpoint["url"], secrets=secrets, types=_types(endpoint), endpoint_id=endpoint["id"]
        )

    def change(self, endpoint: WebhookEndpoint) -> None:
        self.open(endpoint, secrets=self._get(endpoint["id"]).secrets)

    def roll(self, endpoint_id: str, *, secret: str, keep_old: bool) -> None:
        """Sign with the new secret, and for a while with the last one too. LookupError for an unknown id."""
        known = self._get(endpoint_id)
        secrets = (secret, known.secrets[0]) if keep_old else (secret,)
        self._webhooks.add_endpoint(url=known.url, secrets=secrets, types=known.types, endpoint_id=known.id)

    def close(self, endpoint_id: str) -> None:
        self._webhooks.remove_endpoint(endpoint_id)

    def _get(self, endpoint_id: str) -> Endpoint:
        for endpoint in self._webhooks.endpoints:
            if endpoint.id == endpoint_id:
                return endpoint
        raise LookupError(f"No such endpoint: {endpoint_id}.")


def _types(endpoint: WebhookEndpoint) -> frozenset[str] | None:
    if endpoint["status"] == "disabled":
        return frozenset()
    return None if "*" in endpoint["enabled_events"] else frozenset(endpoint["enabled_events"])
