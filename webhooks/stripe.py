"""Stripe's event types, and what each does. A new one is a line here and a function."""

from collections.abc import Awaitable, Callable, Mapping

from integrations.stripe.types import Event, StripeCustomer
from operations.tools import Tools
from webhooks.cards import (
    customer_deleted,
    customer_known,
    customer_updated,
    method_attached,
    method_detached,
    setup_succeeded,
)
from webhooks.inbox import Claimed
from webhooks.outcomes import Change, Ignored, Notice
from webhooks.owners import owner
from webhooks.payments import payment_changed, refunded_payer
from webhooks.refunds import refunds_changed

Handler = Callable[[Event, Notice], Awaitable[Change]]

HANDLERS: Mapping[str, Handler] = {
    "charge.failed": payment_changed,
    "charge.refund.updated": refunds_changed,
    "charge.refunded": refunds_changed,
    "charge.succeeded": payment_changed,
    "charge.updated": payment_changed,
    "customer.created": customer_known,
    "customer.deleted": customer_deleted,
    "customer.updated": customer_updated,
    "payment_intent.canceled": payment_changed,
    "payment_intent.created": payment_changed,
    "payment_intent.payment_failed": payment_changed,
    "payment_intent.processing": payment_changed,
    "payment_intent.requires_action": payment_changed,
    "payment_intent.succeeded": payment_changed,
    "payment_method.attached": method_attached,
    "payment_method.detached": method_detached,
    "refund.created": refunds_changed,
    "refund.failed": refunds_changed,
    "refund.updated": refunds_changed,
    "setup_intent.succeeded": setup_succeeded,
}


async def handle(row: Claimed, tools: Tools) -> tuple[Notice, Change]:
    """Raises an `Outcome`, a `ProviderError`, or `Unreadable` for a payload that is not what its type promises."""
    handler = HANDLERS.get(row.type)
    if handler is None:
        raise Ignored(f"Events of the type {row.type} are not handled.")
    event = Event.from_json(row.payload)
    customer = await owner(
        row,
        provider_customer_id=row.customer_id or event.previous_customer_id or await refunded_payer(event),
        entity_id=event.snapshot.entity_id if isinstance(event.snapshot, StripeCustomer) else None,
        now=tools.now(),
    )
    notice = Notice(row, customer, tools)
    return notice, await handler(event, notice)
