"""A card on file: attached, made the one that invoices are collected with, detached."""

from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog
from tortoise.transactions import in_transaction

from billing.error_codes import ErrorCode
from billing.errors import PaymentMethodNotFound
from integrations.errors import Rejected, Unavailable
from integrations.stripe.types import PaymentMethod as StripePaymentMethod
from integrations.stripe.types import StripeCustomer
from models import Operation, OperationKind, PaymentMethod, Provider
from operations.effects import Effect, Refusal, nothing_more, perform
from operations.ending import keep
from operations.steps.case import Case, settled
from operations.steps.payments import bring_forward
from operations.tools import Tools

log = structlog.get_logger()

TEST_ALIAS = "pm_card_"
"""Test-mode ids that stand for a fresh card at each use, so that the id alone does not find what was attached."""

Refuse = Callable[[Rejected], Awaitable[None]]


async def check_known(payment_method_id: str, tools: Tools) -> None:
    """Refuse an id that names nothing. When Stripe is away, the attempt to attach it will tell."""
    try:
        await tools.stripe.get_payment_method(payment_method_id=payment_method_id)
    except Rejected:
        raise PaymentMethodNotFound(payment_method_id) from None
    except Unavailable:
        return


async def attach_default_payment_method(case: Case, payment_method_id: str, tools: Tools) -> None:
    """That it cannot be attached is told as a warning; it stops nothing."""
    warn = _warn(case, ErrorCode.PAYMENT_METHOD_REJECTED, "paymentMethodId")
    # The same onboarding may have got this far before it failed elsewhere; a test id would then attach a second card.
    method = (await _of_earlier_tries(case)).get(payment_method_id)
    if method is None and await attach(case, payment_method_id, tools, refuse=warn) is None:
        method = await attached_method(case.operation.id)
    if method is not None:
        _ = await make_default(case, method, tools, refuse=warn)


async def detach_what_is_not_asked(case: Case, payment_method_id: str | None, tools: Tools) -> None:
    """The card of an onboarding that failed is not charged for the one that took its place."""
    for asked, method in (await _of_earlier_tries(case)).items():
        if asked != payment_method_id and (refusal := await detach(case, method, tools)):
            log.error("payment_method.not_detached", operation=case.operation.id, code=refusal.code)
            message = f"{method.label} is still on file, Stripe refused to detach it: {refusal.message}"
            async with in_transaction():
                await warn_once(case.operation.id, ErrorCode.PROVIDER_REJECTED, message)


async def _of_earlier_tries(case: Case) -> dict[str, PaymentMethod]:
    """The cards that onboardings of this customer attached and that still are, by what was asked for. One, mostly."""
    tries = Operation.filter(customer_id=case.customer.id, kind=OperationKind.ONBOARD)
    asked = {each.result.get("payment_method_id"): each.input["payment_method_id"] async for each in tries}
    return {
        asked[method.id]: method
        async for method in PaymentMethod.filter(customer_id=case.customer.id, detached_at=None)
        if method.id in asked
    }


async def attached_method(operation_id: str) -> PaymentMethod:
    """The one that `attach` put on file for this operation."""
    operation = await Operation.get(id=operation_id)
    return await PaymentMethod.get(id=operation.result["payment_method_id"])


async def attach(case: Case, payment_method_id: str, tools: Tools, *, refuse: Refuse = nothing_more) -> Refusal | None:
    stripe_customer_id = settled(case.customer.stripe_customer_id)

    async def look_up(_: datetime) -> StripePaymentMethod | None:
        attached = await tools.stripe.list_payment_methods(customer_id=stripe_customer_id)
        exact = [method for method in attached if method.id == payment_method_id]
        if exact or not payment_method_id.startswith(TEST_ALIAS):
            return next(iter(exact), None)
        known = {method.stripe_payment_method_id async for method in PaymentMethod.filter(customer_id=case.customer.id)}
        return next((method for method in attached if method.id not in known), None)

    async def settle(attached: StripePaymentMethod) -> None:
        method = await _put_on_file(case, attached, tools.now())
        await keep(case.operation.id, payment_method_id=method.id)

    return await perform(
        case.operation.id,
        Effect(
            step="attach_payment_method",
            provider=Provider.STRIPE,
            send=lambda key: tools.stripe.attach_payment_method(
                payment_method_id=payment_method_id, customer_id=stripe_customer_id, idempotency_key=key
            ),
            look_up=look_up,
            settle=settle,
            refuse=refuse,
        ),
        tools.now,
    )


async def _put_on_file(case: Case, attached: StripePaymentMethod, at: datetime) -> PaymentMethod:
    """Attaching what is attached already, at Stripe or in a browser, changes nothing."""
    known = await PaymentMethod.get_or_none(stripe_payment_method_id=attached.id)
    if known is not None:
        return known
    return await PaymentMethod.create(
        customer_id=case.customer.id,
        stripe_payment_method_id=attached.id,
        brand=attached.brand,
        last4=attached.last4,
        exp_month=attached.exp_month,
        exp_year=attached.exp_year,
        attached_at=at,
    )


async def make_default(
    case: Case, method: PaymentMethod, tools: Tools, *, refuse: Refuse = nothing_more
) -> Refusal | None:
    """From now on invoices are collected with it, beginning with those that are overdue."""
    stripe_customer_id = settled(case.customer.stripe_customer_id)
    if method.is_default:
        return None

    async def look_up(_: datetime) -> StripeCustomer | None:
        found = await tools.stripe.get_customer(customer_id=stripe_customer_id)
        return found if found.default_payment_method_id == method.stripe_payment_method_id else None

    async def settle(_: StripeCustomer) -> None:
        await PaymentMethod.filter(customer_id=case.customer.id, is_default=True).update(is_default=False)
        await PaymentMethod.filter(id=method.id).update(is_default=True)
        await bring_forward(case.customer.id, tools.now())

    return await perform(
        case.operation.id,
        Effect(
            step="default_payment_method",
            provider=Provider.STRIPE,
            send=lambda key: tools.stripe.set_default_payment_method(
                customer_id=stripe_customer_id,
                payment_method_id=method.stripe_payment_method_id,
                idempotency_key=key,
            ),
            look_up=look_up,
            settle=settle,
            refuse=refuse,
        ),
        tools.now,
    )


async def detach(case: Case, method: PaymentMethod, tools: Tools) -> Refusal | None:
    """For good: Stripe attaches no card a second time."""

    async def look_up(_: datetime) -> StripePaymentMethod | None:
        found = await tools.stripe.get_payment_method(payment_method_id=method.stripe_payment_method_id)
        return found if found.customer_id is None else None

    async def send(key: str) -> StripePaymentMethod:
        try:
            return await tools.stripe.detach_payment_method(
                payment_method_id=method.stripe_payment_method_id, idempotency_key=key
            )
        except Rejected:
            # Most likely somebody has detached it at Stripe itself.
            if (detached := await look_up(tools.now())) is None:
                raise
            return detached

    async def settle(_: StripePaymentMethod) -> None:
        await PaymentMethod.filter(id=method.id).update(is_default=False, detached_at=tools.now())

    return await perform(
        case.operation.id,
        Effect(step="detach_payment_method", provider=Provider.STRIPE, send=send, look_up=look_up, settle=settle),
        tools.now,
    )


def _warn(case: Case, code: ErrorCode, field: str) -> Refuse:
    async def write(rejected: Rejected) -> None:
        await warn(case.operation.id, code, rejected.message, field=field)

    return write


async def warn(operation_id: str, code: ErrorCode, message: str, *, field: str | None = None) -> None:
    """Called within a transaction."""
    operation = await Operation.filter(id=operation_id).select_for_update().get()
    operation.warnings = [*operation.warnings, {"code": code.value, "message": message, "field": field}]
    await operation.save(update_fields=["warnings"])


async def warn_once(operation_id: str, code: ErrorCode, message: str) -> None:
    """The same for a step that may be run again: one warning of a kind. Called within a transaction."""
    operation = await Operation.get(id=operation_id)
    if code.value not in {warning["code"] for warning in operation.warnings}:
        await warn(operation_id, code, message)
