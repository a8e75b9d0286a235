"""Customers written straight into the database, where onboarding each of them would take too long."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import models
from billing.credits import EntryKind
from billing.invoices import InvoiceStatus
from billing.lifecycle import SubscriptionStatus
from billing.tiers import BillingPeriod, EntityType, Tier
from models import EffectState, OperationKind, OperationStatus, PaymentStatus, Provider

FIRST_DAY = datetime(2027, 1, 1, tzinfo=UTC)


async def write_customer(entity_id: str, *, at: datetime = FIRST_DAY, **changed: Any) -> models.Customer:
    """With the subscription that every customer has."""
    plan = {"tier": changed.pop("tier", Tier.FREE), "status": changed.pop("status", SubscriptionStatus.ACTIVE)}
    values = {"entity_type": EntityType.USER, "name": "Ada Lovelace", "email": "ada@example.com", **changed}
    customer = await models.Customer.create(entity_id=entity_id, created_at=at, updated_at=at, **values)
    await write_subscription(customer, at=at, **plan)
    return customer


async def write_subscription(
    customer: models.Customer, *, at: datetime = FIRST_DAY, **changed: Any
) -> models.Subscription:
    return await models.Subscription.create(
        customer_id=customer.id,
        billing_period=BillingPeriod.MONTHLY,
        price_minor=0,
        currency="USD",
        credits_per_month=1_000,
        anchor=at.date(),
        credit_anchor=at.date(),
        period_start=at.date(),
        period_end=at.date() + timedelta(days=31),
        created_at=at,
        updated_at=at,
        **changed,
    )


async def write_history(customer: models.Customer, *, length: int) -> None:
    """Entries, operations with their steps, invoices with lines and payments, cards: so many of each."""
    subscription = await models.Subscription.get(customer_id=customer.id, is_current=True)
    for place in range(length):
        name, at = f"{customer.id}:{place}", FIRST_DAY + timedelta(days=place)
        await write_entry(customer, 10, at=at)
        operation = await _write_operation(customer, name, at)
        invoice = await _write_invoice(subscription, name, at)
        await _write_payment(invoice, operation, at)
        await models.PaymentMethod.create(
            customer_id=customer.id, stripe_payment_method_id=f"pm_{customer.id}_{place}", attached_at=at
        )


async def write_entry(customer: models.Customer, amount: int, *, at: datetime) -> None:
    key = f"{customer.id}:{at.isoformat()}"
    await models.CreditEntry.create(
        customer_id=customer.id, kind=EntryKind.ADJUSTMENT, amount=amount, at=at, key=key, cause="operation:op_test"
    )


async def _write_operation(customer: models.Customer, name: str, at: datetime) -> models.Operation:
    operation = await models.Operation.create(
        kind=OperationKind.ONBOARD,
        customer_id=customer.id,
        input={},
        input_hash="",
        status=OperationStatus.SUCCEEDED,
        created_at=at,
        updated_at=at,
        finished_at=at,
    )
    for step in ("metronome_customer", "metronome_contract"):
        await models.ProviderEffect.create(
            operation_id=operation.id,
            step=step,
            attempt=1,
            provider=Provider.METRONOME,
            state=EffectState.DONE,
            idempotency_key=f"{name}:{step}",
            first_sent_at=at,
        )
    return operation


async def _write_invoice(subscription: models.Subscription, name: str, at: datetime) -> models.Invoice:
    invoice = await models.Invoice.create(
        customer_id=subscription.customer_id,
        subscription_id=subscription.id,
        key=name,
        status=InvoiceStatus.PAID,
        amount_minor=900,
        due_minor=900,
        currency="USD",
        period_start=date(2027, 1, 1),
        period_end=date(2027, 2, 1),
        due_date=date(2027, 1, 31),
        issued_at=at,
        updated_at=at,
    )
    for position, amount_minor in enumerate((1_000, -100)):
        await models.InvoiceLine.create(
            invoice_id=invoice.id,
            position=position,
            description=f"Line {position}",
            quantity=1,
            unit_price_minor=amount_minor,
            amount_minor=amount_minor,
        )
    return invoice


async def _write_payment(invoice: models.Invoice, operation: models.Operation, at: datetime) -> None:
    await models.Payment.create(
        customer_id=invoice.customer_id,
        invoice_id=invoice.id,
        operation_id=operation.id,
        attempt=1,
        status=PaymentStatus.SUCCEEDED,
        amount_minor=invoice.amount_minor,
        currency=invoice.currency,
        created_at=at,
        updated_at=at,
    )
