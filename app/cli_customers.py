"""python -m app customers: how a customer stands, as our own database has it."""

import asyncio
from dataclasses import dataclass
from typing import Any

import click

from app.cli_output import as_json_option, echo_facts, echo_json, echo_table, on_database
from billing.errors import CustomerNotFound
from billing.money import Money
from models import Customer, Invoice, Operation, PaymentMethod, Subscription, WebhookEvent, WebhookEventState

LATEST = 5


@click.group()
def customers() -> None:
    """Look at customers."""


@customers.command()
@click.argument("entity_id")
@as_json_option
def show(*, entity_id: str, as_json: bool) -> None:
    """One customer by your own id: plan, credits, money, cards, and what is under way.

    The database alone is asked. Whether the providers agree is what `reconcile --entity ID` tells.
    """
    standing = on_database(lambda _: _read(entity_id))
    if as_json:
        echo_json({**standing.facts, "invoices": standing.invoices, "operations": standing.operations})
        return
    echo_facts((name.replace("_", " "), value) for name, value in standing.facts.items())
    for title, rows in (("invoices", standing.invoices), ("operations", standing.operations)):
        click.echo(f"\nthe latest {title}" if rows else f"\nno {title}")
        if rows:
            echo_table(list(rows[0]), [list(row.values()) for row in rows])


@dataclass(frozen=True, slots=True)
class Standing:
    facts: dict[str, object]
    invoices: list[dict[str, Any]]
    operations: list[dict[str, Any]]


async def _read(entity_id: str) -> Standing:
    customer = await Customer.get_or_none(entity_id=entity_id)
    if customer is None:
        raise CustomerNotFound(entity_id)
    subscription, invoices, operations, cards, waiting = await asyncio.gather(
        Subscription.filter(customer_id=customer.id, is_current=True).first(),
        Invoice.filter(customer_id=customer.id).order_by("-issued_at", "-id").limit(LATEST),
        Operation.filter(customer_id=customer.id).order_by("-created_at", "-id").limit(LATEST),
        PaymentMethod.filter(customer_id=customer.id, detached_at__isnull=True).order_by("attached_at"),
        WebhookEvent.filter(
            provider_customer_id__in=[customer.metronome_customer_id or "", customer.stripe_customer_id or ""],
            state__in=(WebhookEventState.PENDING, WebhookEventState.PARKED, WebhookEventState.DEAD),
        ).count(),
    )
    facts = {**_facts(customer), **_plan(subscription), "cards": _cards(cards), "events_not_done": waiting}
    return Standing(facts, [_invoice(each) for each in invoices], [_operation(each) for each in operations])


def _facts(customer: Customer) -> dict[str, object]:
    return {
        "entity_id": customer.entity_id,
        "type": customer.entity_type.value,
        "name": customer.name,
        "email": customer.email,
        "id": customer.id,
        "metronome_customer_id": customer.metronome_customer_id,
        "stripe_customer_id": customer.stripe_customer_id,
        "since": customer.created_at,
        "credits": customer.credit_balance,
        "account_balance": str(Money(customer.account_balance_minor, customer.currency)),
    }


def _plan(subscription: Subscription | None) -> dict[str, object]:
    if subscription is None:
        return {"subscription": None}
    return {
        "subscription": subscription.status.value,
        "tier": subscription.tier.value,
        "billing_period": subscription.billing_period.value,
        "price": str(subscription.plan.price),
        "period_start": subscription.period_start,
        "period_end": subscription.period_end,
        "cancel_at_period_end": subscription.cancel_at_period_end,
        "scheduled_tier": subscription.scheduled_plan.tier.value if subscription.scheduled_plan else None,
        "metronome_contract_id": subscription.metronome_contract_id,
    }


def _cards(methods: list[PaymentMethod]) -> str:
    return ", ".join(f"{each.brand} {each.last4}{' (default)' if each.is_default else ''}" for each in methods)


def _invoice(invoice: Invoice) -> dict[str, object]:
    return {
        "id": invoice.id,
        "status": invoice.status.value,
        "amount": str(Money(invoice.amount_minor, invoice.currency)),
        "due": str(Money(invoice.due_minor, invoice.currency)),
        "issued_at": invoice.issued_at,
        "failed_attempts": invoice.failed_attempts,
        "next_attempt_at": invoice.next_attempt_at,
    }


def _operation(operation: Operation) -> dict[str, object]:
    return {
        "id": operation.id,
        "kind": operation.kind.value,
        "status": operation.status.value,
        "created_at": operation.created_at,
        "problem": operation.error_code or operation.last_problem,
    }
