"""POST /api/tier/change: changeTier in the older form, where a date says when."""

from collections.abc import Mapping
from datetime import UTC, date, datetime

from starlette.requests import Request
from starlette.responses import Response

from billing.errors import InvalidInput
from models import OperationStatus
from resolvers.changes import start_change
from resolvers.verbs import payload_of
from rest.answers import Json, answer, refusal
from rest.bodies import TierChangeBody, read_json
from schema.context import Context
from schema.types.changes import ChangeTierInput, ChangeTierPayload
from schema.types.invoice import Invoice
from schema.types.payment import Payment
from schema.types.subscription import Subscription


async def change_tier(request: Request, context: Context) -> Response:
    body = TierChangeBody.read(await read_json(request))
    operation_id = await start_change(
        context,
        ChangeTierInput(
            entity_id=body.entity_id,
            tier=body.new_tier,
            billing_period=body.billing_period,
            enterprise_terms=body.enterprise_terms.given() if body.enterprise_terms else None,
            idempotency_key=request.headers.get("idempotency-key"),
        ),
        on=_day(body.effective_date) if body.effective_date is not None else None,
    )
    return _changed(await payload_of(ChangeTierPayload, operation_id))


def _day(text: str) -> date:
    """A date, or the date in UTC of an instant that tells its offset."""
    try:
        moment = datetime.fromisoformat(text)
        if len(text) == len("2026-01-31"):
            return moment.date()
        if moment.tzinfo is not None:
            return moment.astimezone(UTC).date()
    except (ValueError, OverflowError):
        pass
    raise InvalidInput("effectiveDate", "must be a date such as 2026-01-31, or an instant with its offset")


def _changed(payload: ChangeTierPayload) -> Response:
    assert payload.operation is not None
    assert payload.subscription is not None
    for error in payload.user_errors:
        return refusal(error.code.value, error.message, status=422, field=error.field)
    ended = payload.operation.status is OperationStatus.SUCCEEDED
    return answer(
        {
            "subscription": _subscription(payload.subscription),
            "invoice": _invoice(payload.invoice) if payload.invoice else None,
            "payment": _payment(payload.payment) if payload.payment else None,
            "operation": {"id": str(payload.operation.id), "status": payload.operation.status.value.lower()},
            "warnings": [{"code": each.code.value, "message": each.message} for each in payload.warnings],
        },
        status=200 if ended else 202,
    )


def _subscription(subscription: Subscription) -> Mapping[str, Json]:
    scheduled = subscription.scheduled_change
    return {
        "id": str(subscription.id),
        "status": subscription.status.value.lower(),
        "tier": subscription.tier.value.lower(),
        "billingPeriod": subscription.billing_period.value.lower(),
        "price": subscription.price.minor_units,
        "currency": subscription.price.currency,
        "currentPeriodStart": subscription.current_period.start.isoformat(),
        "currentPeriodEnd": subscription.current_period.end.isoformat(),
        "scheduledChange": {
            "tier": scheduled.tier.value.lower(),
            "billingPeriod": scheduled.billing_period.value.lower(),
            "effectiveDate": scheduled.effective_on.isoformat(),
        }
        if scheduled
        else None,
    }


def _invoice(invoice: Invoice) -> Mapping[str, Json]:
    return {
        "id": str(invoice.id),
        "status": invoice.status.value.lower(),
        "amount": invoice.amount.minor_units,
        "currency": invoice.amount.currency,
    }


def _payment(payment: Payment) -> Mapping[str, Json]:
    return {
        "status": payment.status.value.lower(),
        "declineCode": payment.decline_code,
        "clientSecret": payment.secret,
    }
