"""Cards on file: attach, set default, detach, and the setup intent a browser adds one with."""

from collections.abc import Mapping
from datetime import datetime

from tortoise.transactions import in_transaction

from billing.error_codes import ErrorCode
from billing.errors import (
    BillingError,
    NoLiveSubscription,
    PaymentMethodNotFound,
    PaymentMethodRejected,
    ProviderRejected,
    ProviderUnavailable,
)
from billing.lifecycle import LIVE
from integrations.errors import Rejected, Unavailable
from integrations.stripe.types import SetupIntent
from models import Customer, Operation, OperationKind, OperationStatus, PaymentMethod, Provider
from operations.accepting import Decide, Request, Standing, answer_to, undertake
from operations.activity import record, record_accepted
from operations.collect_invoice import collect_due, find_method
from operations.effects import Effect, perform
from operations.ending import fail, keep, succeed
from operations.engine import Engine, Next, Step
from operations.idempotency import input_hash
from operations.steps.case import Case, settled
from operations.steps.payment_methods import attach, attached_method, check_known, detach, make_default, warn
from operations.tools import Tools


async def attach_payment_method(
    entity_id: str,
    payment_method_id: str,
    *,
    makes_default: bool,
    idempotency_key: str | None,
    engine: Engine,
    tools: Tools,
    wait_seconds: float,
) -> str:
    """Returns the operation's id. A new default is tried on what is overdue at once."""

    async def decide(standing: Standing) -> Mapping[str, object]:
        _check_at_stripe(standing)
        return {"payment_method_id": payment_method_id, "make_default": makes_default}

    request = Request(
        OperationKind.ATTACH_PAYMENT_METHOD,
        entity_id,
        {"payment_method_id": payment_method_id, "make_default": makes_default},
        idempotency_key,
    )
    if known := await answer_to(request, engine=engine, wait_seconds=wait_seconds):
        return known
    await check_known(payment_method_id, tools)
    operation_id = await undertake(request, decide, engine=engine, tools=tools, wait_seconds=wait_seconds)
    await _collect_overdue(operation_id, engine, tools)
    return operation_id


async def set_default_payment_method(
    entity_id: str,
    payment_method_id: str,
    *,
    idempotency_key: str | None,
    engine: Engine,
    tools: Tools,
    wait_seconds: float,
) -> str:
    """Of those on file, by our id or Stripe's. Returns the operation's id."""
    request = Request(
        OperationKind.SET_DEFAULT_PAYMENT_METHOD, entity_id, {"payment_method_id": payment_method_id}, idempotency_key
    )
    operation_id = await undertake(
        request, _of_those_on_file(payment_method_id), engine=engine, tools=tools, wait_seconds=wait_seconds
    )
    await _collect_overdue(operation_id, engine, tools)
    return operation_id


async def accept_default(customer: Customer, method: PaymentMethod, at: datetime) -> str:
    """The same, asked by nobody: within the transaction of whatever called for it. Returns the operation's id."""
    given = {"payment_method_id": method.id}
    operation = await Operation.create(
        kind=OperationKind.SET_DEFAULT_PAYMENT_METHOD,
        customer_id=customer.id,
        input=given,
        input_hash=input_hash(OperationKind.SET_DEFAULT_PAYMENT_METHOD, given),
        status=OperationStatus.RUNNING,
        created_at=at,
        updated_at=at,
    )
    await record_accepted(operation, customer)
    return operation.id


async def detach_payment_method(
    entity_id: str,
    payment_method_id: str,
    *,
    idempotency_key: str | None,
    engine: Engine,
    tools: Tools,
    wait_seconds: float,
) -> str:
    """Returns the operation's id. That a paid plan is left without a default is a warning."""
    request = Request(
        OperationKind.DETACH_PAYMENT_METHOD, entity_id, {"payment_method_id": payment_method_id}, idempotency_key
    )
    return await undertake(
        request, _of_those_on_file(payment_method_id), engine=engine, tools=tools, wait_seconds=wait_seconds
    )


async def create_setup_intent(
    entity_id: str, *, idempotency_key: str | None, engine: Engine, tools: Tools, wait_seconds: float
) -> str:
    """Returns the operation's id; `client_secret` tells what the browser needs."""

    async def decide(standing: Standing) -> Mapping[str, object]:
        _check_at_stripe(standing)
        return {}

    request = Request(OperationKind.CREATE_SETUP_INTENT, entity_id, {}, idempotency_key)
    return await undertake(request, decide, engine=engine, tools=tools, wait_seconds=wait_seconds)


async def client_secret(operation_id: str, tools: Tools) -> str | None:
    """Read at Stripe each time: with it, anybody can put a card on the customer's file, so it is written nowhere."""
    setup_intent_id = (await Operation.get(id=operation_id)).result.get("setup_intent_id")
    if setup_intent_id is None:
        return None
    try:
        return (await tools.stripe.get_setup_intent(setup_intent_id=setup_intent_id)).client_secret
    except Unavailable as problem:
        raise ProviderUnavailable(problem.provider) from problem
    except Rejected as problem:
        raise ProviderRejected(problem.provider, problem.message) from problem


def _of_those_on_file(payment_method_id: str) -> Decide:
    async def decide(standing: Standing) -> Mapping[str, object]:
        _check_at_stripe(standing)
        method = await find_method(standing.customer.id, payment_method_id)
        if method is None:
            raise PaymentMethodNotFound(payment_method_id)
        return {"payment_method_id": method.id}

    return decide


def _check_at_stripe(standing: Standing) -> None:
    """An onboarding that failed half-way may have left nobody at Stripe to own a card."""
    if standing.customer.stripe_customer_id is None:
        raise NoLiveSubscription(standing.customer.entity_id)


async def _collect_overdue(operation_id: str, engine: Engine, tools: Tools) -> None:
    """Without waiting for the next round; while the operation still runs, the round will see to it."""
    operation = await Operation.get(id=operation_id)
    if operation.status is OperationStatus.SUCCEEDED:
        await collect_due(engine, tools.now, customer_id=operation.customer_id)


async def attach_card(operation_id: str, tools: Tools) -> Next:
    case = await Case.load(operation_id)
    payment_method_id = case.operation.input["payment_method_id"]
    refusal = await attach(case, payment_method_id, tools)
    if refusal is None:
        return Next.CONTINUE
    return await _fail(operation_id, PaymentMethodRejected(payment_method_id, refusal.message), tools.now())


async def set_attached_default(operation_id: str, tools: Tools) -> Next:
    case = await Case.load(operation_id)
    if not case.operation.input["make_default"]:
        return Next.CONTINUE
    return await _set_default(case, await attached_method(operation_id), tools)


async def set_default(operation_id: str, tools: Tools) -> Next:
    case = await Case.load(operation_id)
    method = await PaymentMethod.get(id=case.operation.input["payment_method_id"])
    async with in_transaction():
        await keep(operation_id, payment_method_id=method.id)
    return await _set_default(case, method, tools)


async def _set_default(case: Case, method: PaymentMethod, tools: Tools) -> Next:
    refusal = await make_default(case, method, tools)
    if refusal is None:
        return Next.CONTINUE
    problem = PaymentMethodRejected(method.stripe_payment_method_id, refusal.message)
    return await _fail(case.operation.id, problem, tools.now())


async def detach_card(operation_id: str, tools: Tools) -> Next:
    case = await Case.load(operation_id)
    method = await PaymentMethod.get(id=case.operation.input["payment_method_id"])
    async with in_transaction():
        await keep(operation_id, payment_method_id=method.id)
    refusal = await detach(case, method, tools)
    if refusal is None:
        return Next.CONTINUE
    return await _fail(operation_id, ProviderRejected("stripe", refusal.message), tools.now())


async def warn_of_none_left(operation_id: str, tools: Tools) -> Next:
    case = await Case.load(operation_id)
    subscription = case.subscription
    has_default = await PaymentMethod.exists(customer_id=case.customer.id, is_default=True, detached_at=None)
    if subscription.status in LIVE and subscription.price_minor and not has_default and not case.operation.warnings:
        message = f"No default payment method is left: the next invoice of {subscription.tier} cannot be collected."
        async with in_transaction():
            await warn(operation_id, ErrorCode.PAYMENT_METHOD_NOT_FOUND, message, field="paymentMethodId")
    return Next.CONTINUE


async def request_setup(operation_id: str, tools: Tools) -> Next:
    case = await Case.load(operation_id)

    async def settle(intent: SetupIntent) -> None:
        await keep(operation_id, setup_intent_id=intent.id)

    async def only_the_key_finds_it(_: datetime) -> SetupIntent | None:
        return None

    refusal = await perform(
        operation_id,
        Effect(
            step="setup_intent",
            provider=Provider.STRIPE,
            send=lambda key: tools.stripe.create_setup_intent(
                customer_id=settled(case.customer.stripe_customer_id),
                metadata={"operation_id": operation_id},
                idempotency_key=key,
            ),
            look_up=only_the_key_finds_it,
            settle=settle,
        ),
        tools.now,
    )
    if refusal is None:
        return Next.CONTINUE
    return await _fail(operation_id, ProviderRejected("stripe", refusal.message), tools.now())


async def conclude_setup(operation_id: str, tools: Tools) -> Next:
    async with in_transaction():
        await succeed(operation_id, at=tools.now())
    return Next.CONTINUE


async def conclude_card(operation_id: str, tools: Tools) -> Next:
    case = await Case.load(operation_id)
    method = await attached_method(operation_id)
    async with in_transaction():
        if await succeed(operation_id, at=tools.now()):
            await record(
                f"payment_method.{_PAST[case.operation.kind]}",
                f"{method.label} {_PAST[case.operation.kind].replace('_', ' ')}",
                at=tools.now(),
                customer=case.customer,
                operation_id=operation_id,
                data={"payment_method": method.id},
            )
    return Next.CONTINUE


async def _fail(operation_id: str, problem: BillingError, at: datetime) -> Next:
    async with in_transaction():
        await fail(operation_id, problem, at=at)
    return Next.STOP


_PAST = {
    OperationKind.ATTACH_PAYMENT_METHOD: "attached",
    OperationKind.SET_DEFAULT_PAYMENT_METHOD: "made_default",
    OperationKind.DETACH_PAYMENT_METHOD: "detached",
}

ATTACH: tuple[Step, ...] = (attach_card, set_attached_default, conclude_card)
SET_DEFAULT: tuple[Step, ...] = (set_default, conclude_card)
DETACH: tuple[Step, ...] = (detach_card, warn_of_none_left, conclude_card)
SETUP: tuple[Step, ...] = (request_setup, conclude_setup)
