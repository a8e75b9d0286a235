"""How a verb on an existing customer is accepted: decided under the customer's lock, then written as intent.

From the moment `accept` returns, the operation will be finished, whatever dies. One operation per customer is under way
at a time; a second one is told `CUSTOMER_BUSY`.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from tortoise.exceptions import IntegrityError
from tortoise.transactions import in_transaction

from billing.errors import CustomerBusy, CustomerNotFound
from models import Customer, Operation, OperationKind, OperationStatus, Subscription
from operations.activity import record_accepted
from operations.auditing import audit_accepted, standing
from operations.crashpoints import crashpoint
from operations.engine import Engine
from operations.idempotency import answered_by, check_key, input_hash, remember
from operations.tools import Tools

TRIES = 2
UNDER_WAY = (OperationStatus.RUNNING, OperationStatus.REQUIRES_ACTION)


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked, and by which name. `given` is hashed: the same request is the same operation.

    So it holds the words of the request, never what they come to for this customer or on this day; where even the
    kind depends on the day, `asked_as` is the kind to hash.
    """

    kind: OperationKind
    entity_id: str
    given: Mapping[str, object]
    idempotency_key: str | None = None
    asked_as: OperationKind | None = None

    @property
    def hashed(self) -> str:
        return input_hash(self.asked_as or self.kind, {"entity_id": self.entity_id, **self.given})


@dataclass(frozen=True, slots=True)
class Standing:
    """The customer as locked, and the subscription its page shows. `operation_id` is what the new operation will be."""

    customer: Customer
    subscription: Subscription
    operation_id: str


Decide = Callable[[Standing], Awaitable[Mapping[str, object]]]
"""Checks that the verb may be done, writes rows of its own if it needs any, and returns what the operation shall do.

Raises a `BillingError` to refuse; nothing is written then."""


@dataclass(frozen=True, slots=True)
class Accepted:
    operation_id: str
    kind: OperationKind
    fresh: bool
    """False when the same request was accepted before: its operation answers."""


async def accept(request: Request, decide: Decide, *, at: datetime) -> Accepted:
    check_key(request.idempotency_key)
    if known := await answered_by(request.idempotency_key, request.hashed):
        return Accepted(known, request.kind, fresh=False)
    for _ in range(TRIES):
        try:
            async with in_transaction():
                operation_id = await _write(request, decide, at)
        except IntegrityError:
            # The same key, or another operation of this customer, a moment earlier; which may have ended since.
            if known := await answered_by(request.idempotency_key, request.hashed):
                return Accepted(known, request.kind, fresh=False)
            await _refuse_busy(await _customer(request.entity_id))
        else:
            crashpoint(f"{request.kind.lower()}.accepted")
            return Accepted(operation_id, request.kind, fresh=True)
    raise CustomerBusy(request.entity_id, await _latest_operation(request.entity_id))


async def _write(request: Request, decide: Decide, at: datetime) -> str:
    customer = await Customer.filter(entity_id=request.entity_id).select_for_update().first()
    if customer is None:
        raise CustomerNotFound(request.entity_id)
    if known := await answered_by(request.idempotency_key, request.hashed):
        return known
    await _refuse_busy(customer)
    operation = Operation(
        kind=request.kind,
        customer_id=customer.id,
        input={},
        input_hash=request.hashed,
        status=OperationStatus.RUNNING,
        created_at=at,
        updated_at=at,
    )
    subscription = await Subscription.get(customer_id=customer.id, is_current=True)
    before = standing(customer, subscription)
    operation.input = dict(await decide(Standing(customer, subscription, operation.id)))
    await operation.save(force_create=True)
    await remember(request.idempotency_key, operation.id, request.hashed, at)
    await record_accepted(operation, customer)
    await audit_accepted(operation, customer, asked=request.given, before=before)
    return operation.id


async def _customer(entity_id: str) -> Customer:
    customer = await Customer.get_or_none(entity_id=entity_id)
    if customer is None:
        raise CustomerNotFound(entity_id)
    return customer


async def _latest_operation(entity_id: str) -> str:
    latest = await Operation.filter(customer__entity_id=entity_id).order_by("-created_at", "-id").first()
    return latest.id if latest else "none"


async def _refuse_busy(customer: Customer) -> None:
    busy = await Operation.filter(customer_id=customer.id, status__in=UNDER_WAY).first()
    if busy is not None:
        raise CustomerBusy(customer.entity_id, busy.id)


async def answer_to(request: Request, *, engine: Engine, wait_seconds: float) -> str | None:
    """The operation that answers a request sent before; None: it is new, or has no key to know it by.

    For verbs that ask a provider before they are accepted: an answer that stands needs nobody's.
    """
    check_key(request.idempotency_key)
    known = await answered_by(request.idempotency_key, request.hashed)
    if known is not None:
        await engine.wait(known, seconds=wait_seconds)
    return known


async def undertake(request: Request, decide: Decide, *, engine: Engine, tools: Tools, wait_seconds: float) -> str:
    """Accept, start, and wait a moment for the end. Returns the operation's id.

    Raises a `BillingError` when the request is refused; nothing has changed anywhere then.
    """
    accepted = await accept(request, decide, at=tools.now())
    if accepted.fresh:
        await engine.run(accepted.operation_id, accepted.kind)
    await engine.wait(accepted.operation_id, seconds=wait_seconds)
    return accepted.operation_id
