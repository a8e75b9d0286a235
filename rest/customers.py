from starlette.requests import Request
from starlette.responses import Response

from billing.errors import CustomerNotFound, InvalidInput
from models import OperationStatus
from resolvers import customers, onboarding, subscriptions
from rest.answers import Json, answer, refusal
from rest.bodies import OnboardBody, read_json
from schema.context import Context
from schema.types.connection import MAX_PAGE, BadInput
from schema.types.customer import Customer
from schema.types.onboarding import EntityInput, OnboardInput, OnboardPayload
from schema.types.scalars import JSON, iso
from schema.types.subscription import Subscription

DEFAULT_PAGE = 20
_MAX_PAGE_DIGITS = 4  # far beyond any page; Python refuses to read thousands


async def onboard(request: Request, context: Context) -> Response:
    body = OnboardBody.read(await read_json(request))
    given = _input(body, request.headers.get("idempotency-key"))
    operation_id = await onboarding.start(context, given)
    return _onboarded(await onboarding.result(operation_id))


async def list_customers(request: Request, context: Context) -> Response:
    """`?first=&after=`, newest first."""
    first = request.query_params.get("first", str(DEFAULT_PAGE))
    if not (first.isascii() and first.isdigit() and len(first) <= _MAX_PAGE_DIGITS):
        raise InvalidInput("first", f"must be a whole number from 1 to {MAX_PAGE}")
    try:
        after = request.query_params.get("after")
        page = await customers.list_customers(context.caller, first=int(first), after=after)
    except BadInput as problem:
        argument, _, sentence = problem.message.removesuffix(".").partition(" ")
        raise InvalidInput(argument, sentence) from None
    return answer(
        {
            "customers": [_customer(edge.node) for edge in page.edges],
            "hasNextPage": page.page_info.has_next_page,
            "endCursor": page.page_info.end_cursor,
        }
    )


async def show_subscription(request: Request, context: Context) -> Response:
    entity_id = request.path_params["entity_id"]
    found = await subscriptions.find_subscription(context.caller, entity_id)
    if found is None:
        raise CustomerNotFound(entity_id)
    return answer({"subscription": _subscription(found)})


def _input(body: OnboardBody, idempotency_key: str | None) -> OnboardInput:
    entity = body.entity
    return OnboardInput(
        entity=EntityInput(
            id=entity.id, type=entity.type, name=entity.name, email=entity.email, metadata=JSON(entity.metadata)
        ),
        tier=body.tier,
        billing_period=body.billing_period,
        enterprise_terms=body.enterprise_terms.given() if body.enterprise_terms else None,
        payment_method_id=body.payment_method_id,
        idempotency_key=idempotency_key,
    )


def _onboarded(payload: OnboardPayload) -> Response:
    assert payload.operation is not None
    assert payload.customer is not None
    for error in payload.user_errors:
        return refusal(error.code.value, error.message, status=422, field=error.field)
    running = payload.operation.status is OperationStatus.RUNNING
    return answer(
        {
            "customer": _customer(payload.customer),
            "invoice": {
                "id": str(payload.invoice.id),
                "status": payload.invoice.status.value.lower(),
                "amount": payload.invoice.amount.minor_units,
                "currency": payload.invoice.amount.currency,
            }
            if payload.invoice
            else None,
            "payment": {
                "status": payload.payment.status.value.lower(),
                "declineCode": payload.payment.decline_code,
                "clientSecret": payload.payment.secret,
            }
            if payload.payment
            else None,
            "operation": {"id": str(payload.operation.id), "status": payload.operation.status.value.lower()},
            "warnings": [{"code": each.code.value, "message": each.message} for each in payload.warnings],
        },
        status=202 if running else 200,
    )


def _customer(customer: Customer) -> dict[str, Json]:
    return {
        "entity": {
            "id": customer.entity_id,
            "type": customer.entity_type.value.lower(),
            "name": customer.name,
            "email": customer.email,
            "createdAt": iso(customer.created_at),
            "updatedAt": iso(customer.updated_at),
        },
        "metronomeCustomerId": customer.metronome_customer_id,
        "stripeCustomerId": customer.stripe_customer_id,
        "credits": customer.credit_balance,
        "subscription": _subscription(customer.subscription),
    }


def _subscription(subscription: Subscription) -> dict[str, Json]:
    return {
        "id": str(subscription.id),
        "status": subscription.status.value.lower(),
        "tier": subscription.tier.value.lower(),
        "billingPeriod": subscription.billing_period.value.lower(),
        "price": subscription.price.minor_units,
        "currency": subscription.price.currency,
        "creditsPerMonth": subscription.credits_per_month,
        "currentPeriodStart": subscription.current_period.start.isoformat(),
        "currentPeriodEnd": subscription.current_period.end.isoformat(),
        "metronomeContractId": subscription.metronome_contract_id,
    }
