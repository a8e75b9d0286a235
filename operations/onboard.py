"""onboard: one customer in Metronome, in Stripe and here, on a plan, with credits and, if paid, a first invoice."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tortoise.exceptions import IntegrityError
from tortoise.transactions import in_transaction

from billing.entity import Entity
from billing.errors import CustomerBusy, CustomerExists, InvalidInput, ProviderRejected
from billing.lifecycle import SubscriptionEvent, SubscriptionStatus, next_status
from billing.periods import period_at
from billing.tiers import CATALOGUE, Plan
from models import (
    Customer,
    Operation,
    OperationKind,
    OperationStatus,
    Subscription,
)
from operations.activity import record, record_accepted
from operations.auditing import audit_accepted
from operations.crashpoints import crashpoint
from operations.effects import TOO_LATE, Refusal
from operations.ending import fail, succeed
from operations.engine import Engine, Next, Step
from operations.idempotency import answered_by, check_key, input_hash, remember
from operations.renew import follow
from operations.steps.case import Case
from operations.steps.contracts import open_contract
from operations.steps.credits import grant_first_credits
from operations.steps.customers import (
    correct_metronome_customer,
    correct_stripe_customer,
    create_metronome_customer,
    create_stripe_customer,
)
from operations.steps.first_invoice import collect_first, first_invoice_of, report_first
from operations.steps.invoices import issue_first_invoice
from operations.steps.payment_methods import (
    attach_default_payment_method,
    check_known,
    detach_what_is_not_asked,
)
from operations.tools import Tools

TRIES = 3


@dataclass(frozen=True, slots=True)
class Onboarding:
    """What is asked for, already validated by the types it is made of."""

    entity: Entity
    plan: Plan
    payment_method_id: str | None

    def as_input(self) -> dict[str, object]:
        return {
            "entity": {
                "id": self.entity.id,
                "type": self.entity.type.value,
                "name": self.entity.name,
                "email": self.entity.email,
                "metadata": dict(self.entity.metadata),
            },
            "tier": self.plan.tier.value,
            "billing_period": self.plan.billing_period.value,
            "price_minor": self.plan.price.minor_units,
            "currency": self.plan.price.currency,
            "credits_per_month": self.plan.credits_per_month,
            "payment_method_id": self.payment_method_id,
        }

    def as_asked(self) -> dict[str, object]:
        """Without what the catalogue adds: a new list price makes no other request of it."""
        asked = self.as_input()
        if CATALOGUE.entry(self.plan.tier).price(self.plan.billing_period) is not None:
            del asked["price_minor"], asked["currency"], asked["credits_per_month"]
        return asked

    @property
    def hashed(self) -> str:
        return input_hash(OperationKind.ONBOARD, self.as_asked())


async def onboard(
    request: Onboarding, *, idempotency_key: str | None, engine: Engine, tools: Tools, wait_seconds: float
) -> str:
    """Accept the onboarding and wait a moment for it to end. Returns the operation's id.

    Raises a `BillingError` when the input is refused; nothing has changed anywhere then.
    """
    check_key(idempotency_key)
    operation_id = await _known(request, idempotency_key, tools.now())
    if operation_id is None:
        if request.payment_method_id is not None:
            await check_known(request.payment_method_id, tools)
        operation_id = await _accept(request, idempotency_key, tools.now())
        crashpoint("onboard.accepted")
        await engine.run(operation_id, OperationKind.ONBOARD)
    await engine.wait(operation_id, seconds=wait_seconds)
    return operation_id


async def _known(request: Onboarding, idempotency_key: str | None, at: datetime) -> str | None:
    """The operation that answers this request already, by key or because the very same was asked before."""
    if answered := await answered_by(idempotency_key, request.hashed):
        return answered
    earlier_id = await _earlier(request)
    if earlier_id is not None:
        await _remember_alias(idempotency_key, earlier_id, request.hashed, at)
    return earlier_id


async def _earlier(request: Onboarding) -> str | None:
    """The operation of the very same request; None when there is none, or it failed. Other input is refused."""
    earlier = (
        await Operation.filter(customer__entity_id=request.entity.id, kind=OperationKind.ONBOARD)
        .order_by("-created_at", "-id")
        .first()
    )
    if earlier is None:
        return None
    same = earlier.input_hash == request.hashed
    if earlier.status is OperationStatus.FAILED and (same or await _has_no_contract(earlier.customer_id)):
        return None
    if not same:
        raise CustomerExists(request.entity.id)
    return earlier.id


async def _has_no_contract(customer_id: str) -> bool:
    """Nothing was begun for them yet, so other input may take its place."""
    return await Subscription.exists(
        customer_id=customer_id, is_current=True, status=SubscriptionStatus.PENDING, metronome_contract_id=None
    )


async def _remember_alias(key: str | None, operation_id: str, hashed: str, at: datetime) -> None:
    try:
        async with in_transaction():
            await remember(key, operation_id, hashed, at)
    except IntegrityError:
        await answered_by(key, hashed)  # the same key, a moment earlier: refuse it if it meant something else


async def _accept(request: Onboarding, idempotency_key: str | None, at: datetime) -> str:
    for _ in range(TRIES):
        try:
            async with in_transaction():
                return await _write_pending(request, idempotency_key, at)
        except (IntegrityError, _Overtaken):
            # The same entity or the same key, accepted a moment earlier by somebody else, who may have failed since.
            if known := await _known(request, idempotency_key, at):
                return known
    busy = await Operation.filter(customer__entity_id=request.entity.id).order_by("-created_at", "-id").first()
    raise CustomerBusy(request.entity.id, busy.id if busy else "")


class _Overtaken(Exception):  # noqa: N818  named for what is so, as all our errors
    """Somebody else's onboarding of the same entity was accepted, and maybe has ended, since we looked."""


async def _write_pending(request: Onboarding, idempotency_key: str | None, at: datetime) -> str:
    customer = await Customer.get_or_none(entity_id=request.entity.id)
    if customer is None:
        customer = await _write_customer(request, at)
    else:
        await _begin_anew(customer, request, at)
    operation = await Operation.create(
        kind=OperationKind.ONBOARD,
        customer_id=customer.id,
        input=request.as_input(),
        input_hash=request.hashed,
        status=OperationStatus.RUNNING,
        created_at=at,
        updated_at=at,
    )
    await remember(idempotency_key, operation.id, request.hashed, at)
    await record_accepted(operation, customer)
    await audit_accepted(operation, customer, asked=request.as_input(), before=None)
    return operation.id


async def _refuse_overtaken(request: Onboarding) -> None:
    if await _earlier(request) is not None:
        raise _Overtaken


async def _begin_anew(customer: Customer, request: Onboarding, at: datetime) -> None:
    """Without a contract nothing has begun: what was asked last counts, and the first period starts today."""
    await _refuse_overtaken(request)  # before the lock too: many who ask the same must not queue for it
    customer = await Customer.filter(id=customer.id).select_for_update().get()
    await _refuse_overtaken(request)
    pending = await Subscription.get_or_none(
        customer_id=customer.id, is_current=True, status=SubscriptionStatus.PENDING, metronome_contract_id=None
    )
    if pending is None:
        return
    entity, plan = request.entity, request.plan
    if entity.type != customer.entity_type and customer.metronome_customer_id is not None:
        raise InvalidInput("entity.type", f"is {customer.entity_type} at Metronome already, which keeps it")
    customer.entity_type, customer.name, customer.email = entity.type, entity.name, entity.email
    customer.metadata, customer.currency = dict(entity.metadata), plan.price.currency
    customer.updated_at = at
    await customer.save(update_fields=["entity_type", "name", "email", "metadata", "currency", "updated_at"])
    await pending.update_from_dict(_first_terms(plan, at)).save()


async def _write_customer(request: Onboarding, at: datetime) -> Customer:
    entity, plan = request.entity, request.plan
    customer = await Customer.create(
        entity_id=entity.id,
        entity_type=entity.type,
        name=entity.name,
        email=entity.email,
        metadata=dict(entity.metadata),
        currency=plan.price.currency,
        created_at=at,
        updated_at=at,
    )
    await Subscription.create(
        customer_id=customer.id, status=SubscriptionStatus.PENDING, created_at=at, **_first_terms(plan, at)
    )
    return customer


def _first_terms(plan: Plan, at: datetime) -> dict[str, Any]:
    period = period_at(at.date(), plan.billing_period, at.date())
    return {
        "tier": plan.tier,
        "billing_period": plan.billing_period,
        "price_minor": plan.price.minor_units,
        "currency": plan.price.currency,
        "credits_per_month": plan.credits_per_month,
        "anchor": at.date(),
        "credit_anchor": at.date(),
        "period_start": period.start,
        "period_end": period.end,
        "updated_at": at,
    }


async def create_customers(operation_id: str, tools: Tools) -> Next:
    case = await Case.load(operation_id)
    metronome, stripe = await asyncio.gather(
        create_metronome_customer(case, tools)
        if case.customer.metronome_customer_id is None
        else correct_metronome_customer(case, tools),
        create_stripe_customer(case, tools)
        if case.customer.stripe_customer_id is None
        else correct_stripe_customer(case, tools),
    )
    if metronome is not None:
        return await _fail(operation_id, "metronome", metronome, tools.now())
    if stripe is not None:
        return await _fail(operation_id, "stripe", stripe, tools.now())
    return Next.CONTINUE


async def open_contract_and_attach_card(operation_id: str, tools: Tools) -> Next:
    case = await Case.load(operation_id)
    payment_method_id = case.operation.input["payment_method_id"]
    await detach_what_is_not_asked(case, payment_method_id, tools)
    refusal, _ = await asyncio.gather(
        open_contract(case, tools),
        attach_default_payment_method(case, payment_method_id, tools) if payment_method_id else asyncio.sleep(0),
    )
    return await _fail(operation_id, "metronome", refusal, tools.now()) if refusal else Next.CONTINUE


async def grant_credits_and_invoice(operation_id: str, tools: Tools) -> Next:
    case = await Case.load(operation_id)
    refusals = await asyncio.gather(grant_first_credits(case, tools), issue_first_invoice(case, tools))
    for refusal in refusals:
        if refusal is not None and refusal.code != TOO_LATE:  # the month's end is no reason: the engine grants the next
            return await _fail(operation_id, "metronome", refusal, tools.now())
    return Next.CONTINUE


async def collect_first_invoice(operation_id: str, tools: Tools) -> Next:
    case = await Case.load(operation_id)
    await collect_first(operation_id, case.subscription, tools)
    return Next.CONTINUE


async def report_payment(operation_id: str, tools: Tools) -> Next:
    case = await Case.load(operation_id)
    await report_first(operation_id, case.subscription, tools)
    return Next.CONTINUE


async def activate(operation_id: str, tools: Tools) -> Next:
    """One transaction makes the subscription live and ends the operation."""
    at = tools.now()
    async with in_transaction():
        case = await Case.load(operation_id)
        invoice = await first_invoice_of(case.subscription)
        if not await succeed(operation_id, at=at, result={"invoice_id": invoice.id if invoice else None}):
            return Next.STOP
        declined = invoice is not None and invoice.failed_attempts > 0
        event = SubscriptionEvent.PAYMENT_FAILED if declined else SubscriptionEvent.PROVISIONED
        await Subscription.filter(id=case.subscription.id, status=SubscriptionStatus.PENDING).update(
            status=next_status(SubscriptionStatus.PENDING, event), started_at=at, updated_at=at
        )
        await record(
            "subscription.started",
            f"On {case.subscription.tier} {case.subscription.billing_period}",
            at=at,
            customer=case.customer,
            operation_id=operation_id,
        )
        if at.date() >= case.subscription.period_end:
            await follow(case.customer.id, at=at)
    crashpoint("onboard.activated")
    return Next.CONTINUE


STEPS: tuple[Step, ...] = (
    create_customers,
    open_contract_and_attach_card,
    grant_credits_and_invoice,
    collect_first_invoice,
    report_payment,
    activate,
)


async def _fail(operation_id: str, provider: str, refusal: Refusal, at: datetime) -> Next:
    """A provider said a definite no. What stands stays, and the same onboarding sent again goes on from there."""
    async with in_transaction():
        await fail(operation_id, ProviderRejected(provider, refusal.message), at=at)
    return Next.STOP
