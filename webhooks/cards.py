"""Stripe's news of a customer and of the cards on file. A card is unknown, then attached, then detached: never back."""

from datetime import datetime

from integrations.stripe.types import Event, SetupIntent
from integrations.stripe.types import PaymentMethod as StripePaymentMethod
from models import Customer, OperationKind, PaymentMethod
from operations import payment_methods
from operations.steps.payments import bring_forward
from webhooks.outcomes import Change, Notice, NotYet, Parked, Started, expect, nothing
from webhooks.owners import require_idle, unknown_object


async def method_attached(event: Event, notice: Notice) -> Change:
    return await _put_on_file(expect(event.snapshot, StripePaymentMethod), event.created, notice)


async def setup_succeeded(event: Event, notice: Notice) -> Change:
    """The browser stored a card. What card, only Stripe says. Whoever had none to pay with pays with it from now on."""
    method_id = expect(event.snapshot, SetupIntent).payment_method_id
    if method_id is None:
        return nothing
    method = await notice.tools.stripe.get_payment_method(payment_method_id=method_id)
    if method.customer_id is None:
        return nothing
    put_on_file = await _put_on_file(method, event.created, notice)

    async def change(at: datetime) -> Started | None:
        await put_on_file(at)
        row = await PaymentMethod.get_or_none(stripe_payment_method_id=method_id, detached_at=None)
        if row is None or await _default_id(notice.customer) is not None:
            return None
        await require_idle(notice.customer)
        return Started(
            await payment_methods.accept_default(notice.customer, row, at), OperationKind.SET_DEFAULT_PAYMENT_METHOD
        )

    return change


async def method_detached(event: Event, notice: Notice) -> Change:
    """One that is not on file yet is put there as detached, so that the older news finds it so."""
    method = expect(event.snapshot, StripePaymentMethod)

    async def change(_: datetime) -> None:
        row = await PaymentMethod.filter(stripe_payment_method_id=method.id).select_for_update().first()
        if row is not None and row.detached_at is not None:
            return
        await require_idle(notice.customer)
        if row is None:
            await _create(method, notice.customer, attached_at=event.created, detached_at=event.created)
        else:
            await PaymentMethod.filter(id=row.id).update(is_default=False, detached_at=event.created)

    return change


async def customer_known(_: Event, __: Notice) -> Change:
    """That the customer is ours is all there is to know."""
    return nothing


async def customer_updated(_: Event, notice: Notice) -> Change:
    """The default card follows Stripe, and what is overdue is tried with it. Name and e-mail are ours: drift."""
    customer = notice.customer
    seen = await _default_id(customer)
    current = await notice.tools.stripe.get_customer(customer_id=str(customer.stripe_customer_id))
    if current.deleted:
        raise _deleted(customer)
    default = current.default_payment_method_id
    if default == seen:
        refuse_drift(customer, "Stripe", name=current.name, email=current.email)
        return nothing
    if default and not await PaymentMethod.exists(stripe_payment_method_id=default, customer_id=customer.id):
        raise await unknown_object(
            notice.row, customer, what=f"The default payment method {default}", now=notice.tools.now()
        )

    async def change(at: datetime) -> None:
        if await _default_id(customer) != seen:
            raise NotYet("The default payment method changed while it was read at Stripe.")
        await require_idle(customer)
        await PaymentMethod.filter(customer_id=customer.id, is_default=True).update(is_default=False)
        if default:
            await PaymentMethod.filter(stripe_payment_method_id=default, detached_at=None).update(is_default=True)
            await bring_forward(customer.id, at)

    return change


async def customer_deleted(_: Event, notice: Notice) -> Change:
    raise _deleted(notice.customer)


def refuse_drift(customer: Customer, provider: str, **theirs: str | None) -> None:
    """Names what differs, never the values."""
    different = [field for field, value in theirs.items() if value != getattr(customer, field)]
    if different:
        raise Parked(f"Drift: {provider} holds another {' and '.join(different)} of {customer.entity_id} than we do.")


def _deleted(customer: Customer) -> Parked:
    return Parked(f"Drift: {customer.entity_id} was deleted at Stripe. Nothing was deleted here.")


async def _put_on_file(method: StripePaymentMethod, attached_at: datetime, notice: Notice) -> Change:
    async def change(_: datetime) -> None:
        if not await PaymentMethod.exists(stripe_payment_method_id=method.id):
            await require_idle(notice.customer)
            await _create(method, notice.customer, attached_at=attached_at, detached_at=None)

    return change


async def _create(
    method: StripePaymentMethod, customer: Customer, *, attached_at: datetime, detached_at: datetime | None
) -> None:
    await PaymentMethod.create(
        customer_id=customer.id,
        stripe_payment_method_id=method.id,
        brand=method.brand,
        last4=method.last4,
        exp_month=method.exp_month,
        exp_year=method.exp_year,
        attached_at=attached_at,
        detached_at=detached_at,
    )


async def _default_id(customer: Customer) -> str | None:
    default = await PaymentMethod.filter(customer_id=customer.id, is_default=True).first()
    return default.stripe_payment_method_id if default else None
