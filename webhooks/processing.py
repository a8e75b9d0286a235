"""Handles stored events, each in one transaction: its effects and its end are written together or not at all."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import structlog
from tortoise.exceptions import IntegrityError
from tortoise.transactions import in_transaction

from billing.errors import BillingError
from integrations.errors import Rejected, Unavailable
from integrations.fields import Unreadable
from models import Provider, WebhookEventState
from operations.crashpoints import crashpoint
from operations.engine import Engine
from operations.tools import Tools
from telemetry.metrics import webhook_event_seconds, webhook_events_handled
from telemetry.tracing import span
from webhooks import inbox, metronome, stripe
from webhooks.inbox import Claimed, LeaseLost
from webhooks.outcomes import Busy, Change, Ignored, Notice, NotYet, Parked, Started

log = structlog.get_logger()

Handle = Callable[[Claimed, Tools], Awaitable[tuple[Notice, Change]]]

PROVIDERS: Mapping[Provider, Handle] = {Provider.STRIPE: stripe.handle, Provider.METRONOME: metronome.handle}

INTERNAL_FAULT = "An internal fault; it is tried again. The log has the details."
BUSY = "Something else was written at the same moment."


@dataclass(frozen=True, slots=True)
class Processor:
    tools: Tools
    engine: Engine
    max_attempts: int
    lease: timedelta

    async def handle_next(self) -> bool:
        """Handle the event that has been due for longest. False when none is due."""
        event = await inbox.claim(at=self.tools.now(), lease=self.lease)
        if event is None:
            return False
        crashpoint(f"{event.type}.claimed")
        with (
            structlog.contextvars.bound_contextvars(webhook_event=event.id, type=event.type),
            span(f"webhook {event.provider.lower()} handled", parent=event.trace_parent, type=event.type),
        ):
            await self._handle(event)
        return True

    async def _handle(self, event: Claimed) -> None:
        if event.attempt > self.max_attempts:
            # Its last worker died at it: one that kills whoever takes it must not go on for ever.
            await self._end(event, WebhookEventState.DEAD, f"Given up: {self.max_attempts} attempts did not end.")
            return
        try:
            started = await self._apply(event)
        except Ignored as outcome:
            await self._end(event, WebhookEventState.IGNORED, outcome.reason)
        except (Parked, Rejected, Unreadable, BillingError) as problem:
            await self._end(event, WebhookEventState.PARKED, str(problem))
        except (NotYet, Unavailable) as reason:
            await self._later(event, reason)
        except IntegrityError:
            await self._again(event, BUSY)
        except LeaseLost:
            log.info("webhook.lease_lost")
        except Exception:
            log.exception("webhook.fault")
            await self._again(event, INTERNAL_FAULT)
        else:
            self._count_end(event, WebhookEventState.DONE)
            log.debug("webhook.done", attempt=event.attempt)
            if started is not None:
                await self.engine.run(started.operation_id, started.kind, leg=started.leg)

    async def _apply(self, event: Claimed) -> Started | None:
        notice, change = await PROVIDERS[event.provider](event, self.tools)
        at = self.tools.now()
        async with in_transaction():
            await inbox.finish(event, WebhookEventState.DONE, at=at, customer_id=notice.customer.id)
            started = await change(at)
            crashpoint(f"{event.type}.before_commit")
        crashpoint(f"{event.type}.after_commit")
        return started

    async def _later(self, event: Claimed, reason: NotYet | Unavailable) -> None:
        if isinstance(reason, Busy):
            log.info("webhook.waits", reason=str(reason))
            await inbox.wait(event, at=self.tools.now(), reason=str(reason))
        else:
            await self._again(event, str(reason))

    async def _again(self, event: Claimed, reason: str) -> None:
        if event.attempt >= self.max_attempts:
            await self._end(event, WebhookEventState.DEAD, reason)
            return
        webhook_events_handled.labels(event.provider.value, "POSTPONED").inc()
        log.info("webhook.postponed", attempt=event.attempt, reason=reason)
        await inbox.postpone(event, at=self.tools.now(), reason=reason)

    async def _end(self, event: Claimed, state: WebhookEventState, reason: str) -> None:
        tell = log.info if state is WebhookEventState.IGNORED else log.warning
        tell("webhook.ended", state=state.value, attempt=event.attempt, reason=reason)
        try:
            await inbox.finish(event, state, at=self.tools.now(), reason=reason)
        except LeaseLost:
            log.info("webhook.lease_lost")
        else:
            self._count_end(event, state)

    def _count_end(self, event: Claimed, state: WebhookEventState) -> None:
        webhook_events_handled.labels(event.provider.value, state.value).inc()
        webhook_event_seconds.labels(event.provider.value).observe(
            (self.tools.now() - event.received_at).total_seconds()
        )
