"""From an operation to the payload of its mutation."""

import models
from billing.errors import BillingError
from resolvers.pages import one
from schema.errors import user_errors
from schema.types.customer import Customer
from schema.types.invoice import Invoice
from schema.types.operation import Operation
from schema.types.payload import P
from schema.types.payment import Payment


def refused(kind: type[P], problem: BillingError) -> P:
    return kind(user_errors=user_errors(problem))


async def payload_of(kind: type[P], operation_id: str) -> P:
    """Operation and customer as they stand now, and the invoice the operation noted as `invoice_id` in its result."""
    row = await one(models.Operation.filter(id=operation_id), ("customer_id", "result", *Operation.COLUMNS))
    assert row is not None
    customer_id, result, *columns = row
    operation = Operation.from_row(tuple(columns))
    current = models.Customer.filter(id=customer_id, subscriptions__is_current=True)
    customer = Customer.from_row(await one(current, Customer.COLUMNS) or ())
    invoice, payment = await _invoice_and_payment(result.get("invoice_id"))
    return kind(
        customer=customer,
        subscription=customer.subscription,
        invoice=invoice,
        payment=payment,
        operation=operation,
        warnings=operation.warnings,
        user_errors=[operation.error] if operation.error else [],
    )


async def _invoice_and_payment(invoice_id: str | None) -> tuple[Invoice | None, Payment | None]:
    row = await one(models.Invoice.filter(id=invoice_id), Invoice.COLUMNS) if invoice_id else None
    if row is None:
        return None, None
    latest = await one(models.Payment.filter(invoice_id=invoice_id).order_by("-attempt"), Payment.COLUMNS)
    return Invoice.from_row(row), Payment.from_row(latest) if latest else None
