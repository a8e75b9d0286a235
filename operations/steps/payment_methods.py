"""A card on file. That one cannot be attached is told as a warning; it stops nothing."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from billing.error_codes import ErrorCode
from integrations.errors import Rejected
from integrations.stripe.types import PaymentMethod as StripePaymentMethod
from integrations.stripe.types import StripeCustomer
from models import Operation, PaymentMethod, Provider
from operations.effects import Effect, Refusal, perform
from operations.steps.case import Case, settled
from operations.tools import Tools


async def attach_default_payment_method(case: Case, payment_method_id: str, tools: Tools) -> None:
    if await _attach(case, payment_method_id, tools) is None:
        await _make_default(case, tools)


async def _attach(case: Case, payment_method_id: str, tools: Tools) -> Refusal | None:
    stripe_customer_id = settled(case.customer.stripe_customer_id)

    async def look_up(_: datetime) -> StripePaymentMethod | None:
        # Test ids such as pm_card_visa stand for a fresh card at each use, so the id alone does not find it.
        attached = await tools.stripe.list_payment_methods(customer_id=stripe_customer_id)
        known = {method.stripe_payment_method_id async for method in PaymentMethod.filter(customer_id=case.customer.id)}
        exact = [method for method in attached if method.id == payment_method_id]
        return next(iter(exact or [method for method in attached if method.id not in known]), None)

    async def settle(attached: StripePaymentMethod) -> None:
        await PaymentMethod.create(
            customer_id=case.customer.id,
            stripe_payment_method_id=attached.id,
            brand=attached.brand,
            last4=attached.last4,
            exp_month=attached.exp_month,
            exp_year=attached.exp_year,
            attached_at=tools.now(),
        )

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
            refuse=_warn(case, ErrorCode.PAYMENT_METHOD_REJECTED, "paymentMethodId"),
        ),
        tools.now,
    )


async def _make_default(case: Case, tools: Tools) -> None:
    stripe_customer_id = settled(case.customer.stripe_customer_id)
    method = await PaymentMethod.filter(customer_id=case.customer.id, detached_at=None).order_by("-attached_at").first()
    if method is None or method.is_default:
        return

    async def look_up(_: datetime) -> StripeCustomer | None:
        found = await tools.stripe.get_customer(customer_id=stripe_customer_id)
        return found if found.default_payment_method_id == method.stripe_payment_method_id else None

    async def settle(_: StripeCustomer) -> None:
        await PaymentMethod.filter(customer_id=case.customer.id, is_default=True).update(is_default=False)
        await PaymentMethod.filter(id=method.id).update(is_default=True)

    await perform(
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
            refuse=_warn(case, ErrorCode.PAYMENT_METHOD_REJECTED, "paymentMethodId"),
        ),
        tools.now,
    )


def _warn(case: Case, code: ErrorCode, field: str) -> Callable[[Rejected], Awaitable[None]]:
    async def write(rejected: Rejected) -> None:
        operation = await Operation.filter(id=case.operation.id).select_for_update().get()
        warning = {"code": code.value, "message": rejected.message, "field": field}
        operation.warnings = [*operation.warnings, warning]
        await operation.save(update_fields=["warnings"])

    return write
