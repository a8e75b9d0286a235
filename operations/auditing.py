"""What the audit log says of operations: how the customer stood when one was accepted, and when it had ended."""

from collections.abc import Mapping

from access import audit
from access.audit import About
from models import AuditOutcome, Customer, Operation, OperationStatus, Subscription
from models.committing import before_commit

OUTCOMES = {OperationStatus.SUCCEEDED: AuditOutcome.SUCCEEDED, OperationStatus.FAILED: AuditOutcome.FAILED}


def standing(customer: Customer, subscription: Subscription) -> dict[str, object]:
    return {
        "status": subscription.status,
        "tier": subscription.tier,
        "billing_period": subscription.billing_period,
        "price_minor": subscription.price_minor,
        "currency": subscription.currency,
        "period_end": subscription.period_end,
        "cancel_at_period_end": subscription.cancel_at_period_end,
        "scheduled": {"tier": subscription.scheduled_tier, "billing_period": subscription.scheduled_billing_period},
        "credit_balance": customer.credit_balance,
        "account_balance_minor": customer.account_balance_minor,
    }


async def audit_accepted(
    operation: Operation, customer: Customer, *, asked: Mapping[str, object], before: Mapping[str, object] | None
) -> None:
    """Called in the transaction that writes the operation."""
    head, *rest = operation.kind.lower().split("_")
    await audit.record(
        "".join((head, *map(str.capitalize, rest))),
        AuditOutcome.ACCEPTED,
        at=operation.created_at,
        about=About(customer.id, customer.entity_id, operation.id),
        asked=asked,
        before=before,
    )


async def audit_ended(operation_id: str) -> None:
    """Called in the transaction that ends the operation: what it came to is written down last."""
    await before_commit(lambda: _write_end(operation_id))


async def _write_end(operation_id: str) -> None:
    operation = await Operation.get(id=operation_id).select_related("customer")
    subscription = await Subscription.get(customer_id=operation.customer_id, is_current=True)
    made = {name: value for name, value in operation.result.items() if name.endswith("_id")}
    await audit.record_end(
        operation_id,
        OUTCOMES[operation.status],
        at=operation.updated_at,
        after={**standing(operation.customer, subscription), **made},
        error_code=operation.error_code,
    )
