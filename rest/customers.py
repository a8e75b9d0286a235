from collections.abc import Awaitable, Callable

from graphql import GraphQLError
from starlette.requests import Request
from starlette.responses import Response

from billing.errors import BillingError, Conflict, CustomerNotFound, InvalidInput, NotFound
from models import OperationStatus
from resolvers import customers, onboarding, subscriptions
from rest.answers import Json, answer, refusal
from rest.bodies import EnterpriseTermsBody, OnboardBody
from schema.context import Context
from schema.types.customer import Customer
from schema.types.money import MoneyInput
from schema.types.onboarding import EnterpriseTermsInput, EntityInput, OnboardInput, OnboardPayload
from schema.types.scalars import JSON, BigInt, iso
from schema.types.subscription import Subscription

DEFAULT_PAGE = 20


def onboard(context: Callable[[Request], Awaitable[Context]]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return refusal("UNSUPPORTED_MEDIA_TYPE", "Send application/json.", status=415)
        try:
            given = _input(OnboardBody.read(await request.body()), request.headers.get("idempotency-key"))
            operation_id = await onboarding.start(await context(request), given)
        except BillingError as problem:
            return _refused(problem)
        return _onboarded(await onboarding.result(operation_id))

    return endpoint


async def list_customers(request: Request) -> Response:
    """`?first=&after=`, newest first."""
    first = request.query_params.get("first", str(DEFAULT_PAGE))
    try:
        if not (first.isascii() and first.isdigit()):
            raise InvalidInput("first", "must be a whole number")
        page = await customers.customers(first=int(first), after=request.query_params.get("after"))
    except BillingError as problem:
        return _refused(problem)
    except GraphQLError as problem:
        return refusal("INVALID_INPUT", problem.message, status=422)
    return answer(
        {
            "customers": [_customer(edge.node) for edge in page.edges],
            "hasNextPage": page.page_info.has_next_page,
            "endCursor": page.page_info.end_cursor,
        }
    )


async def show_subscription(request: Request) -> Response:
    entity_id = request.path_params["entity_id"]
    found = await subscriptions.subscription(entity_id)
    return answer({"subscription": _subscription(found)}) if found else _refused(CustomerNotFound(entity_id))


def _input(body: OnboardBody, idempotency_key: str | None) -> OnboardInput:
    entity = body.entity
    return OnboardInput(
        entity=EntityInput(
            id=entity.id, type=entity.type, name=entity.name, email=entity.email, metadata=JSON(entity.metadata)
        ),
        tier=body.tier,
        billing_period=body.billing_period,
        enterprise_terms=_terms(body.enterprise_terms),
        payment_method_id=body.payment_method_id,
        idempotency_key=idempotency_key,
    )


def _terms(body: EnterpriseTermsBody | None) -> EnterpriseTermsInput | None:
    if body is None:
        return None
    price = MoneyInput(minor_units=BigInt(body.price.minor_units), currency=body.price.currency)
    return EnterpriseTermsInput(price=price, credits_per_month=BigInt(body.credits_per_month))


def _refused(problem: BillingError) -> Response:
    status = 404 if isinstance(problem, NotFound) else 409 if isinstance(problem, Conflict) else 422
    return refusal(problem.code.value, f"{problem}.", status=status, field=problem.field)


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
                "clientSecret": payload.payment.client_secret,
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
