"""The onboard mutation: input to request, operation to payload."""

import models
from billing.entity import Entity, validate_entity
from billing.errors import BillingError, InvalidInput
from operations.onboard import Onboarding
from operations.onboard import onboard as run_onboard
from operations.steps.invoices import first_invoice_key
from resolvers.pages import one
from resolvers.payment_methods import stripe_payment_method_id
from resolvers.plans import plan
from schema.context import Context, Info
from schema.errors import user_errors
from schema.types.customer import Customer
from schema.types.invoice import Invoice
from schema.types.onboarding import EntityInput, OnboardInput, OnboardPayload
from schema.types.operation import Operation
from schema.types.payment import Payment


async def onboard(info: Info, input: OnboardInput) -> OnboardPayload:  # noqa: A002  its name in the schema
    try:
        operation_id = await start(info.context, input)
    except BillingError as problem:
        return OnboardPayload(user_errors=user_errors(problem))
    return await result(operation_id)


async def start(context: Context, given: OnboardInput) -> str:
    """Returns the id of the operation that answers the request. Raises a `BillingError` when it is refused."""
    card = given.payment_method_id
    request = Onboarding(
        entity=_entity(given.entity),
        plan=plan(given.tier, given.billing_period, given.enterprise_terms),
        payment_method_id=None if card is None else stripe_payment_method_id(card),
    )
    return await run_onboard(
        request,
        idempotency_key=given.idempotency_key,
        engine=context.engine,
        tools=context.tools,
        wait_seconds=context.wait_seconds,
    )


async def result(operation_id: str) -> OnboardPayload:
    row = await one(models.Operation.filter(id=operation_id), ("customer_id", *Operation.COLUMNS))
    assert row is not None
    operation = Operation.from_row(row[1:])
    current = models.Customer.filter(id=row[0], subscriptions__is_current=True)
    customer = Customer.from_row(await one(current, Customer.COLUMNS) or ())
    invoice, payment = await _first_invoice(row[0])
    return OnboardPayload(
        customer=customer,
        subscription=customer.subscription,
        invoice=invoice,
        payment=payment,
        operation=operation,
        warnings=operation.warnings,
        user_errors=[operation.error] if operation.error else [],
    )


async def _first_invoice(customer_id: str) -> tuple[Invoice | None, Payment | None]:
    """Of the subscription the customer was onboarded with, whatever they are on now."""
    onboarded = await one(models.Subscription.filter(customer_id=customer_id).order_by("created_at", "id"), ("id",))
    assert onboarded is not None
    row = await one(models.Invoice.filter(key=first_invoice_key(onboarded[0])), Invoice.COLUMNS)
    if row is None:
        return None, None
    invoice = Invoice.from_row(row)
    latest = await one(models.Payment.filter(invoice_id=invoice.id).order_by("-attempt"), Payment.COLUMNS)
    return invoice, Payment.from_row(latest) if latest else None


def _entity(given: EntityInput) -> Entity:
    metadata: object = {} if given.metadata is None else given.metadata
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise InvalidInput("entity.metadata", "must be an object of strings")
    return validate_entity(
        entity_id=given.id, entity_type=given.type.value, name=given.name, email=given.email, metadata=metadata
    )
