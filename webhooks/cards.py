"""Stripe's news of a customer and of the cards on file. A card is unknown, then attached, then detached: never back."""

from datetime import datetime

from integrations.stripe.types import Event, SetupIntent
from integrations.stripe.types import PaymentMethod as StripePaymentMethod
from models import Customer, DriftKind, OperationKind, PaymentMethod, Provider
from operations import payment_methods
from operations.activity import record
from operations.drift import drift, note
from operations.steps.payments import bring_forward
from webhooks.outcomes import Change, Notice, NotYet, Started, expect, nothing
from webhooks.owners import require_free, require_idle, unknown_object


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
        await require_free(notice.customer)
        return Started(
            await payment_methods.accept_default(notice.customer, row, at), OperationKind.SET_DEFAULT_PAYMENT_METHOD
        )

    return change


async def method_detached(event: Event, notice: Notice) -> Change:
    """One that is not on file yet is put there as detached, so that the older news finds it so."""
    method = expect(event.snapshot, StripePaymentMethod)

    async def change(at: datetime) -> None:
        row = await PaymentMethod.filter(stripe_payment_method_id=method.id).select_for_update().first()
        if row is not None and row.detached_at is not None:
            return
        await require_idle(notice.customer)
        if row is None:
            row = await _create(method, notice.customer, attached_at=event.created, detached_at=event.created)
        else:
            await PaymentMethod.filter(id=row.id).update(is_default=False, detached_at=event.created)
        await _tell("detached", row, notice.customer, at)

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
        return _gone(notice)
    default = current.default_payment_method_id
    if default and not await PaymentMethod.exists(stripe_payment_method_id=default, customer_id=customer.id):
        raise await unknown_object(
            notice.row, customer, what=f"The default payment method {default}", now=notice.tools.now()
        )

    async def change(at: datetime) -> None:
        await note(customer, Provider.STRIPE, drift(customer, name=current.name, email=current.email), at)
        if default != seen:
            await _follow_default(customer, at, seen=seen, default=default)

    return change


async def _follow_default(customer: Customer, at: datetime, *, seen: str | None, default: str | None) -> None:
    if await _default_id(customer) != seen:
        raise NotYet("The default payment method changed while it was read at Stripe.")
    await require_idle(customer)
    await PaymentMethod.filter(customer_id=customer.id, is_default=True).update(is_default=False)
    made = await PaymentMethod.filter(stripe_payment_method_id=default, detached_at=None).first() if default else None
    if made is not None:
        await PaymentMethod.filter(id=made.id).update(is_default=True)
        await _tell("made_default", made, customer, at)
        await bring_forward(customer.id, at)


async def customer_deleted(_: Event, notice: Notice) -> Change:
    return _gone(notice)


def _gone(notice: Notice) -> Change:
    """For good. Nothing is deleted here: the books stay, and a person decides what becomes of the subscription."""

    async def change(at: datetime) -> None:
        await note(notice.customer, Provider.STRIPE, {DriftKind.DELETED}, at)

    return change


async def _put_on_file(method: StripePaymentMethod, attached_at: datetime, notice: Notice) -> Change:
    async def change(at: datetime) -> None:
        if not await PaymentMethod.exists(stripe_payment_method_id=method.id):
            await require_idle(notice.customer)
            row = await _create(method, notice.customer, attached_at=attached_at, detached_at=None)
            await _tell("attached", row, notice.customer, at)

    return change


async def _create(
    method: StripePaymentMethod, customer: Customer, *, attached_at: datetime, detached_at: datetime | None
) -> PaymentMethod:
    return await PaymentMethod.create(
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


async def _tell(what: str, method: PaymentMethod, customer: Customer, at: datetime) -> None:
    await record(
        f"payment_method.{what}",
        f"{method.label} {what.replace('_', ' ')} at Stripe",
        at=at,
        customer=customer,
        data={"payment_method": method.id},
    )
