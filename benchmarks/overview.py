"""python -m benchmarks.overview: how long the dashboard's figures take where there are many customers.

The rows are written straight into a throw-away database; `overview` is asked over GraphQL, as the web UI asks it.
"""

import asyncio
import logging
import os
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import click
import structlog
from tortoise.context import get_current_context
from tortoise.models import Model

import models
from benchmarks.webhooks import throwaway_databases
from billing.invoices import InvoiceStatus
from billing.lifecycle import SubscriptionStatus
from billing.tiers import BillingPeriod, EntityType, Tier
from models import OperationKind, OperationStatus, PaymentStatus, Provider, WebhookEventState
from tests.service import Service, running_service

ROUNDS = 20
BATCH = 500
BODY = "x" * 400
OVERVIEW = """
{
  overview {
    customers tiers { tier customers pastDue } monthlyRecurringRevenue { amount } scheduledChanges
    openInvoices { invoices due { amount } } pastDueInvoices { invoices due { amount } }
    webhooks { waiting parked dead } operations { running stuck requiresAction failedLastDay }
    stations { name settled moving troubled }
  }
}
"""


@dataclass(frozen=True, slots=True)
class Answer:
    wall_ms: float
    cpu_ms: float
    """Of this process: with SQLite all there is, with PostgreSQL without the server's."""


@click.command()
@click.option("--customers", default=20_000, show_default=True, type=click.IntRange(min=1))
@click.option("--invoices", default=5, show_default=True, type=click.IntRange(min=1), help="Of each customer.")
@click.option("--database", "kind", type=click.Choice(["sqlite", "postgresql"]), default="sqlite", show_default=True)
def main(*, customers: int, invoices: int, kind: str) -> None:
    """Each invoice has a payment, an operation and a webhook event."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    answers = asyncio.run(_measure(kind, customers=customers, invoices=invoices))
    click.echo(f"{customers} customers, {customers * invoices} invoices on {kind}, {os.cpu_count()} processors")
    click.echo(f"load average {os.getloadavg()[0]:.1f}")
    _tell("overview", [answer.wall_ms for answer in answers])
    _tell("of which processor time of this process", [answer.cpu_ms for answer in answers])


def _tell(what: str, taken_ms: list[float]) -> None:
    click.echo(f"{what}: median {median(taken_ms):.0f} ms, from {min(taken_ms):.0f} to {max(taken_ms):.0f}")


async def _measure(kind: str, *, customers: int, invoices: int) -> list[Answer]:
    with tempfile.TemporaryDirectory(prefix="bench-") as name, throwaway_databases(kind, Path(name)) as databases:
        async with databases.migrated() as url, running_service(url, Path(name)) as service:
            await _write(customers, invoices)
            await _sort_out(kind)
            return [await _ask(service) for _ in range(ROUNDS)]


async def _ask(service: Service) -> Answer:
    began, cpu_began = time.perf_counter(), time.process_time()
    await service.graphql(OVERVIEW)
    return Answer((time.perf_counter() - began) * 1000, (time.process_time() - cpu_began) * 1000)


async def _sort_out(kind: str) -> None:
    """What a database does by itself after a while."""
    context = get_current_context()
    assert context is not None
    await context.db().execute_script("VACUUM ANALYZE" if kind == "postgresql" else "ANALYZE")


async def _write(customers: int, invoices: int) -> None:
    now = datetime.now(UTC)
    for first in range(0, customers, BATCH):
        numbers = range(first, min(first + BATCH, customers))
        of_each = [(number, place) for number in numbers for place in range(invoices)]
        await _insert(models.Customer, (_customer(number, now) for number in numbers))
        await _insert(models.Subscription, (_subscription(number, now) for number in numbers))
        await _insert(models.Operation, (_operation(number, place, now) for number, place in of_each))
        await _insert(models.Invoice, (_invoice(number, place, now) for number, place in of_each))
        await _insert(models.Payment, (_payment(number, place, now) for number, place in of_each))
        await _insert(models.WebhookEvent, (_event(number, place, now) for number, place in of_each))


async def _insert(model: type[Model], rows: Iterable[dict[str, Any]]) -> None:
    await model.bulk_create([model(**row) for row in rows], batch_size=BATCH)


def _customer(number: int, now: datetime) -> dict[str, Any]:
    return {
        "id": f"cus_{number}",
        "entity_id": f"user_{number}",
        "entity_type": EntityType.USER,
        "name": f"Customer {number}",
        "email": f"{number}@example.com",
        "credit_balance": 1_000,
        "created_at": now,
        "updated_at": now,
    }


def _subscription(number: int, now: datetime) -> dict[str, Any]:
    today = now.date()
    return {
        "id": f"sub_{number}",
        "customer_id": f"cus_{number}",
        "status": SubscriptionStatus.PAST_DUE if number % 50 == 0 else SubscriptionStatus.ACTIVE,
        "tier": list(Tier)[number % 3],
        "billing_period": list(BillingPeriod)[number % 2],
        "price_minor": 900,
        "currency": "USD",
        "credits_per_month": 1_000,
        "anchor": today,
        "credit_anchor": today,
        "period_start": today,
        "period_end": today + timedelta(days=31),
        "created_at": now,
        "updated_at": now,
    }


def _operation(number: int, place: int, now: datetime) -> dict[str, Any]:
    return {
        "id": f"op_{number}_{place}",
        "kind": OperationKind.RENEW if place else OperationKind.ONBOARD,
        "customer_id": f"cus_{number}",
        "input": {},
        "input_hash": "",
        "status": OperationStatus.FAILED if number % 200 == 0 and place == 0 else OperationStatus.SUCCEEDED,
        "created_at": now,
        "updated_at": now,
        "finished_at": now,
    }


def _invoice(number: int, place: int, now: datetime) -> dict[str, Any]:
    is_open = place == 0 and number % 20 == 0
    return {
        "id": f"inv_{number}_{place}",
        "customer_id": f"cus_{number}",
        "subscription_id": f"sub_{number}",
        "key": f"{number}:{place}",
        "status": InvoiceStatus.OPEN if is_open else InvoiceStatus.PAID,
        "amount_minor": 900,
        "due_minor": 900,
        "currency": "USD",
        "period_start": date(2027, 1, 1),
        "period_end": date(2027, 2, 1),
        "due_date": now.date() + timedelta(days=30),
        "failed_attempts": int(is_open and number % 50 == 0),
        "issued_at": now,
        "updated_at": now,
    }


def _payment(number: int, place: int, now: datetime) -> dict[str, Any]:
    return {
        "id": f"pay_{number}_{place}",
        "customer_id": f"cus_{number}",
        "invoice_id": f"inv_{number}_{place}",
        "operation_id": f"op_{number}_{place}",
        "attempt": 1,
        "status": PaymentStatus.FAILED if place == 0 and number % 20 == 0 else PaymentStatus.SUCCEEDED,
        "amount_minor": 900,
        "currency": "USD",
        "created_at": now,
        "updated_at": now,
    }


def _event(number: int, place: int, now: datetime) -> dict[str, Any]:
    return {
        "id": f"whe_{number}_{place}",
        "provider": Provider.STRIPE,
        "event_id": f"evt_{number}_{place}",
        "type": "charge.succeeded",
        "payload": BODY,
        "occurred_at": now,
        "received_at": now,
        "state": WebhookEventState.DEAD if number % 500 == 0 and place == 0 else WebhookEventState.DONE,
        "attempts": 1,
        "handled_at": now,
        "customer_id": f"cus_{number}",
    }


if __name__ == "__main__":
    main()
