"""Rows with nothing special about them; a test names what matters to it."""

from datetime import UTC, date, datetime
from itertools import count

from billing.invoices import InvoiceStatus
from billing.lifecycle import SubscriptionStatus
from billing.tiers import BillingPeriod, EntityType, Tier
from models import (
    Customer,
    Invoice,
    Operation,
    OperationKind,
    OperationStatus,
    Payment,
    PaymentStatus,
    Provider,
    Subscription,
    WebhookEvent,
    WebhookEventState,
)

NOW = datetime(2028, 1, 31, 12, 0, tzinfo=UTC)
_numbers = count(1)


async def a_customer(*, credit_balance: int = 0) -> Customer:
    return await Customer.create(
        entity_id=f"user-{next(_numbers)}",
        entity_type=EntityType.USER,
        name="Ada",
        email="ada@example.com",
        credit_balance=credit_balance,
        created_at=NOW,
        updated_at=NOW,
    )


async def a_subscription(
    customer: Customer, *, status: SubscriptionStatus = SubscriptionStatus.ACTIVE, is_current: bool = True
) -> Subscription:
    return await Subscription.create(
        customer=customer,
        status=status,
        is_current=is_current,
        tier=Tier.PRO,
        billing_period=BillingPeriod.MONTHLY,
        price_minor=900,
        currency="USD",
        credits_per_month=10_000,
        anchor=date(2028, 1, 31),
        credit_anchor=date(2028, 1, 31),
        period_start=date(2028, 1, 31),
        period_end=date(2028, 2, 29),
        created_at=NOW,
        updated_at=NOW,
    )


async def an_invoice(subscription: Subscription) -> Invoice:
    return await Invoice.create(
        customer_id=subscription.customer_id,
        subscription=subscription,
        key=f"invoice-{next(_numbers)}",
        status=InvoiceStatus.OPEN,
        amount_minor=900,
        due_minor=900,
        currency="USD",
        period_start=date(2028, 1, 31),
        period_end=date(2028, 2, 29),
        due_date=date(2028, 1, 31),
        issued_at=NOW,
        updated_at=NOW,
    )


async def a_payment(invoice: Invoice, *, attempt: int, status: PaymentStatus) -> Payment:
    return await Payment.create(
        customer_id=invoice.customer_id,
        invoice=invoice,
        attempt=attempt,
        operation_id="op_1",
        status=status,
        amount_minor=900,
        currency="USD",
        created_at=NOW,
        updated_at=NOW,
    )


async def an_operation(customer: Customer, *, status: OperationStatus) -> Operation:
    return await Operation.create(
        kind=OperationKind.ONBOARD,
        customer=customer,
        input={},
        input_hash="0" * 64,
        status=status,
        created_at=NOW,
        updated_at=NOW,
    )


def an_event(event_id: str = "evt_1") -> WebhookEvent:
    """Not saved yet."""
    return WebhookEvent(
        provider=Provider.STRIPE,
        event_id=event_id,
        type="charge.succeeded",
        payload="{}",
        occurred_at=NOW,
        received_at=NOW,
        state=WebhookEventState.PENDING,
    )
