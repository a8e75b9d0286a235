"""The SDK's exceptions, sorted into the tree of errors.py.

Always `error.error.code`, never `error.code`: the SDK fills the latter for two of its classes only. And by status
before class: a 409 is a plain APIError there.
"""

import stripe

from integrations.errors import (
    Conflict,
    CredentialsRefused,
    Declined,
    NotFound,
    ProviderError,
    Rejected,
    StoredFailure,
    Unavailable,
)
from integrations.fields import Fields, Unreadable
from integrations.http import retry_after_seconds
from integrations.stripe.types import Decline, PaymentIntent

_IN_FLIGHT, _TOO_MANY = 409, 429


def failure(action: str, error: stripe.StripeError) -> ProviderError:
    status = error.http_status
    if isinstance(error, stripe.APIConnectionError):
        return _unavailable(action, error, str(error.user_message))
    if status is None or status >= 500:
        return _unavailable(action, error, "no answer")
    if isinstance(error, stripe.RateLimitError) or status in {_IN_FLIGHT, _TOO_MANY}:
        return _unavailable(action, error, "asked to wait")
    if status in {401, 403}:
        return CredentialsRefused(
            "stripe", action, reason="our API key is refused", status=status, request_id=error.request_id
        )
    try:
        return _refusal(action, error, _error_fields(error), status)
    except Unreadable as unreadable:
        return _unavailable(action, error, f"unreadable refusal: {unreadable}")


def _unavailable(action: str, error: stripe.StripeError, reason: str) -> Unavailable:
    headers = error.headers or {}
    stored = headers.get("idempotent-replayed") == "true"
    return (StoredFailure if stored else Unavailable)(
        "stripe",
        action,
        reason=reason,
        status=error.http_status,
        retry_after_seconds=retry_after_seconds(headers),
        request_id=error.request_id,
    )


def _error_fields(error: stripe.StripeError) -> Fields:
    return Fields.of(error.json_body).child("error")


def _refusal(action: str, error: stripe.StripeError, fields: Fields, status: int) -> Rejected:
    if status == 402:
        return _declined(action, error, fields)
    return _kind_of_refusal(fields, status)(
        "stripe",
        action,
        code=fields.optional_text("code") or fields.text("type"),
        message=fields.optional_text("message") or "",
        status=status,
        field=fields.optional_text("param"),
        request_id=error.request_id,
    )


def _kind_of_refusal(fields: Fields, status: int) -> type[Rejected]:
    if fields.optional_text("type") == "idempotency_error":
        return Conflict
    if status == 404 or fields.optional_text("code") == "resource_missing":
        return NotFound
    return Rejected


def _declined(action: str, error: stripe.StripeError, fields: Fields) -> Declined:
    intent = fields.optional_child("payment_intent")
    return Declined(
        "stripe",
        action,
        decline=Decline.read(fields),
        payment_intent=PaymentIntent.read(intent) if intent else None,
        charge_id=fields.reference("charge"),
        field=fields.optional_text("param"),
        request_id=error.request_id,
    )
