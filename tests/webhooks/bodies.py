"""Events made by hand, as little as makes an event."""

import json
from itertools import count
from uuid import uuid4

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


def gift(metronome_id: str) -> Json:
    """Metronome tells of one credit given by hand: handled, it is one entry of the customer's ledger."""
    credit = {
        "id": str(uuid4()),
        "customer_id": metronome_id,
        "contract_id": None,
        "amount": 1,
        "balance": 1,
        "currency": "credits",
        "expires_at": None,
        "expired_at": None,
        "reason": "A gift",
        "uniqueness_key": None,
        "created_at": "2026-01-31T00:00:00Z",
    }
    return metronome_event(id=str(uuid4()), type="credit.applied", customer_id=metronome_id, data=credit)
