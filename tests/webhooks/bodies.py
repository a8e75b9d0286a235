"""Events made by hand, as little as makes an event."""

import json
from itertools import count

from tests.service import Service
from tests.webhooks.delivery import Json

_ids = count(1)


def stripe_event(**changed: object) -> Json:
    """Of a type nobody handles, under an id that no other event has."""
    return {
        "id": f"evt_{next(_ids)}",
        "object": "event",
        "type": "topup.created",
        "created": 1_700_000_000,
        "livemode": False,
        "data": {"object": {"id": "tu_1", "object": "topup"}},
        **changed,
    }


def metronome_event(**changed: object) -> Json:
    return {
        "id": f"0b9f1c5e-0000-4000-8000-{next(_ids):012d}",
        "type": "alert.reached",
        "timestamp": "2026-01-31T00:00:00Z",
        "customer_id": None,
        "data": {"id": "a1"},
        **changed,
    }


def encoded(event: object) -> bytes:
    return json.dumps(event).encode()


async def events_stored(service: Service) -> int:
    data = await service.graphql("{ webhookEvents(first: 1) { totalCount } }")
    total: int = data["webhookEvents"]["totalCount"]
    return total
