"""Cards on file: attach, set default, detach, and the setup intent for a browser."""

import models
from billing.errors import BillingError, InvalidInput
from operations import payment_methods
from resolvers.pages import one, searchable
from resolvers.running import answer, means, named
from schema.context import Info
from schema.errors import user_errors
from schema.types.operation import Operation
from schema.types.payment import PaymentMethod
from schema.types.payment_inputs import (
    AttachPaymentMethodInput,
    AttachPaymentMethodPayload,
    CreateSetupIntentInput,
    CreateSetupIntentPayload,
    DetachPaymentMethodInput,
    DetachPaymentMethodPayload,
    SetDefaultPaymentMethodInput,
    SetDefaultPaymentMethodPayload,
)

_LONGEST_ID = 64


async def attach_payment_method(
    info: Info,
    input: AttachPaymentMethodInput,  # noqa: A002  its name in the schema
) -> AttachPaymentMethodPayload:
    payload = await answer(AttachPaymentMethodPayload, _attach(info, input))
    payload.payment_method = await _method_of(payload.operation)
    return payload


async def _attach(info: Info, given: AttachPaymentMethodInput) -> str:
    return await payment_methods.attach_payment_method(
        searchable(given.entity_id),
        stripe_payment_method_id(given.payment_method_id),
        makes_default=given.make_default,
        idempotency_key=given.idempotency_key,
        **means(info),
    )


def stripe_payment_method_id(given: str) -> str:
    """It becomes part of an address at Stripe."""
    plain = given.isascii() and given.replace("_", "").isalnum()
    if not (plain and given.startswith("pm_") and len(given) <= _LONGEST_ID):
        raise InvalidInput("paymentMethodId", "must be the id of a Stripe payment method, as pm_...")
    return given


async def set_default_payment_method(
    info: Info,
    input: SetDefaultPaymentMethodInput,  # noqa: A002  same
) -> SetDefaultPaymentMethodPayload:
    verb = payment_methods.set_default_payment_method(
        searchable(input.entity_id),
        named(input.payment_method_id),
        idempotency_key=input.idempotency_key,
        **means(info),
    )
    payload = await answer(SetDefaultPaymentMethodPayload, verb)
    payload.payment_method = await _method_of(payload.operation)
    return payload


async def detach_payment_method(
    info: Info,
    input: DetachPaymentMethodInput,  # noqa: A002  same
) -> DetachPaymentMethodPayload:
    verb = payment_methods.detach_payment_method(
        searchable(input.entity_id),
        named(input.payment_method_id),
        idempotency_key=input.idempotency_key,
        **means(info),
    )
    payload = await answer(DetachPaymentMethodPayload, verb)
    payload.payment_method = await _method_of(payload.operation)
    return payload


async def _method_of(operation: Operation | None) -> PaymentMethod | None:
    """What the operation noted as `payment_method_id`, once it has."""
    if operation is None:
        return None
    noted = (await models.Operation.get(id=operation.id)).result.get("payment_method_id")
    row = await one(models.PaymentMethod.filter(id=noted), PaymentMethod.COLUMNS) if noted else None
    return PaymentMethod.from_row(row) if row else None


async def create_setup_intent(
    info: Info,
    input: CreateSetupIntentInput,  # noqa: A002  same
) -> CreateSetupIntentPayload:
    verb = payment_methods.create_setup_intent(
        searchable(input.entity_id), idempotency_key=input.idempotency_key, **means(info)
    )
    payload = await answer(CreateSetupIntentPayload, verb)
    if payload.operation is None:
        return payload
    try:
        payload.client_secret = await payment_methods.client_secret(payload.operation.id, info.context.tools)
    except BillingError as problem:
        payload.user_errors = [*payload.user_errors, *user_errors(problem)]
    return payload
