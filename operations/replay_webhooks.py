"""Handling stored events again: their end is taken back, and the worker finds them."""

from datetime import datetime

import structlog
from tortoise.exceptions import IntegrityError
from tortoise.transactions import in_transaction

from access import audit
from access.audit import About
from billing.errors import IdempotencyConflict, WebhookEventNotFound
from models import AuditOutcome, WebhookEvent, WebhookEventState, WebhookReplay
from operations.idempotency import check_key

log = structlog.get_logger()


async def replay_event(event_id: str, *, idempotency_key: str | None, at: datetime) -> None:
    """Raises a `BillingError` when the id names nothing, or the key was used for another event."""
    check_key(idempotency_key)
    try:
        async with in_transaction():
            if not await _replayed_by(idempotency_key, event_id):
                await _replay(event_id, idempotency_key, at)
    except IntegrityError:
        await _replayed_by(idempotency_key, event_id)  # the same key, a moment earlier


async def replay_dead(*, at: datetime) -> int:
    async with in_transaction():
        replayed = await WebhookEvent.filter(state=WebhookEventState.DEAD).update(**_anew(at))
        await audit.record("replayDeadWebhookEvents", AuditOutcome.SUCCEEDED, at=at, after={"events": replayed})
    log.info("webhook.dead_replayed", events=replayed)
    return replayed


async def _replayed_by(key: str | None, event_id: str) -> bool:
    known = await WebhookReplay.get_or_none(key=key) if key is not None else None
    if known is not None and known.event_id != event_id:
        raise IdempotencyConflict(known.key)
    return known is not None


async def _replay(event_id: str, key: str | None, at: datetime) -> None:
    event = await WebhookEvent.filter(id=event_id).select_for_update().first()
    if event is None:
        raise WebhookEventNotFound(event_id)
    await WebhookEvent.filter(id=event_id).update(**_anew(at))
    if key is not None:
        await WebhookReplay.create(key=key, event_id=event_id, requested_at=at)
    await audit.record(
        "replayWebhookEvent",
        AuditOutcome.SUCCEEDED,
        at=at,
        about=About(customer_id=event.customer_id),
        asked={"id": event_id},
        before={"state": event.state},
        after={"state": WebhookEventState.PENDING},
    )
    log.info("webhook.replayed", webhook_event=event_id)


def _anew(at: datetime) -> dict[str, object]:
    return {
        "state": WebhookEventState.PENDING,
        "attempts": 0,
        "next_attempt_at": at,
        "leased_until": None,
        "last_error": None,
        "handled_at": None,
    }
