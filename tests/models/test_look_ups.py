"""What is asked for by one value is looked up in an index: no table is read whole to find a row of it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from tortoise.queryset import QuerySet
from tortoise.transactions import in_transaction

from billing.invoices import InvoiceStatus
from models import (
    CreditEntry,
    Invoice,
    Operation,
    OperationKind,
    OperationStatus,
    Payment,
    ProviderEffect,
    WebhookReplay,
)

pytestmark = pytest.mark.usefixtures("database")

UNDER_WAY = (OperationStatus.RUNNING, OperationStatus.REQUIRES_ACTION)


async def plan_of(query: QuerySet[Any]) -> str:
    """How the database would answer it. PostgreSQL reads empty tables whole for as long as it has a choice."""
    statement = query.sql(params_inline=True)
    async with in_transaction() as transaction:
        if transaction.capabilities.dialect == "sqlite":
            steps = await transaction.execute_query_dict(f"EXPLAIN QUERY PLAN {statement}")
            return "\n".join(step["detail"] for step in steps)
        await transaction.execute_script("SET LOCAL enable_seqscan = off")
        steps = await transaction.execute_query_dict(f"EXPLAIN {statement}")
        return "\n".join(step["QUERY PLAN"] for step in steps)


def looks_up(plan: str, column: str) -> bool:
    """Sought in an index by the column: neither read whole nor walked in the order of another."""
    sought = (f"({column}=?", f"Index Cond: (({column})::text = ", f"Index Cond: ({column} = ")
    return any(each in plan for each in sought) and "SCAN" not in plan and "Seq Scan" not in plan


async def test_the_operations_of_a_customer() -> None:
    newest = Operation.filter(customer_id="cus_1").order_by("-created_at", "-id").limit(1)
    assert looks_up(await plan_of(newest), "customer_id")
    busy = Operation.filter(customer_id="cus_1", status__in=UNDER_WAY).limit(1)
    assert looks_up(await plan_of(busy), "customer_id")


async def test_the_onboarding_of_an_entity() -> None:
    onboarding = Operation.filter(customer__entity_id="user-1", kind=OperationKind.ONBOARD)
    plan = await plan_of(onboarding.order_by("-created_at", "-id").limit(1))
    assert "SCAN" not in plan
    assert "Seq Scan" not in plan


async def test_the_ledger_entry_of_a_credit_at_metronome() -> None:
    assert looks_up(await plan_of(CreditEntry.filter(metronome_credit_id="credit_1")), "metronome_credit_id")


async def test_the_effect_that_made_an_object() -> None:
    made = ProviderEffect.filter(object_id="con_1", step="metronome_contract")
    assert looks_up(await plan_of(made), "object_id")


async def test_the_payments_that_were_in_vain() -> None:
    plan = await plan_of(Payment.filter(in_vain_at__lte=datetime(2028, 1, 31, tzinfo=UTC)).order_by("in_vain_at"))
    assert "in_vain_at" in plan
    assert "SCAN" not in plan
    assert "Seq Scan" not in plan


async def test_the_replays_that_go_with_their_event() -> None:
    assert looks_up(await plan_of(WebhookReplay.filter(event_id="whe_1")), "event_id")


async def test_the_unpaid_invoices_of_a_subscription() -> None:
    unpaid = Invoice.filter(subscription_id="sub_1", status=InvoiceStatus.OPEN)
    assert looks_up(await plan_of(unpaid), "subscription_id")
