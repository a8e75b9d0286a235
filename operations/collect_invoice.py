"""COLLECT: one attempt at an open invoice, by hand or because its time has come; or a payer's own, confirmed.

An operation takes one payment at most. Whether it charges is decided under the customer's lock, so of everything that
may want an invoice's money at the same moment, one at a time does, and finds what the others came to.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from tortoise.expressions import Q
from tortoise.transactions import in_transaction

from billing.errors import (
    BillingError,
    CustomerBusy,
    InvoiceNotFound,
    InvoiceNotPayable,
    PaymentDeclined,
    PaymentMethodNotFound,
    ProviderRejected,
)
from billing.invoices import PAYABLE, InvoiceStatus
from models import UNDECIDED, Invoice, Operation, OperationKind, Payment, PaymentMethod, PaymentStatus
from operations.accepting import Request, Standing, accept, undertake
from operations.dunning import give_up, is_exhausted, tell_failure
from operations.ending import fail, keep, succeed
from operations.engine import Engine, Next, Step
from operations.steps.collecting import collect, default_method, read_intent
from operations.steps.invoices import mark_paid_in_metronome
from operations.steps.payments import DAY, record_failed_try
from operations.tools import Tools

log = structlog.get_logger()

ON_FILE = "on file"  # "the customer has no payment method on file"
BATCH = 100


@dataclass(frozen=True, slots=True)
class Collection:
    """What an operation of this kind shall do. With `payment_id`: only find out what became of that payment."""

    invoice_id: str
    stripe_payment_method_id: str | None = None
    off_session: bool = False
    payment_id: str | None = None

    def as_input(self) -> dict[str, object]:
        return {
            "invoice_id": self.invoice_id,
            "stripe_payment_method_id": self.stripe_payment_method_id,
            "off_session": self.off_session,
            "payment_id": self.payment_id,
        }


async def pay_invoice(
    invoice_id: str,
    payment_method_id: str | None,
    *,
    idempotency_key: str | None,
    engine: Engine,
    tools: Tools,
    wait_seconds: float,
) -> str:
    """A new attempt, with the given payment method (our id or Stripe's) or the default. Returns the operation's id."""
    invoice = await Invoice.get_or_none(id=invoice_id).select_related("customer")
    if invoice is None:
        raise InvoiceNotFound(invoice_id)

    async def decide(standing: Standing) -> Mapping[str, object]:
        payable = await Invoice.get(id=invoice_id)
        if payable.status not in PAYABLE:
            raise InvoiceNotPayable(invoice_id, payable.status)
        method = await _method(standing.customer.id, payment_method_id)
        return Collection(invoice_id, method.stripe_payment_method_id).as_input()

    request = Request(
        kind=OperationKind.COLLECT,
        entity_id=invoice.customer.entity_id,
        given={"invoice_id": invoice_id, "payment_method_id": payment_method_id},
        idempotency_key=idempotency_key,
    )
    return await undertake(request, decide, engine=engine, tools=tools, wait_seconds=wait_seconds)


async def _method(customer_id: str, given: str | None) -> PaymentMethod:
    if given is None:
        method = await default_method(customer_id)
    else:
        method = await find_method(customer_id, given)
    if method is None:
        raise PaymentMethodNotFound(given or ON_FILE)
    return method


async def find_method(customer_id: str, given: str) -> PaymentMethod | None:
    """A customer's own payment method that is attached, by our id or Stripe's."""
    named = Q(id=given) | Q(stripe_payment_method_id=given)
    return await PaymentMethod.filter(named, customer_id=customer_id, detached_at=None).first()


async def collect_due(engine: Engine, now: Callable[[], datetime], *, customer_id: str | None = None) -> int:
    """Start to collect every invoice whose time has come; who is busy is left for the next round.

    Its time comes with the next attempt of its dunning, and with its due date when it was never tried. Returns how many
    were started.
    """
    started = 0
    async for invoice in _due(now(), customer_id):
        try:
            started += await _start(invoice, engine, now)
        except Exception:  # one that cannot be tried must not keep all behind it from it
            log.exception("invoice.not_tried", invoice=invoice.id)
    return started


def _is_due(at: datetime) -> Q:
    never_tried = Q(first_failed_at=None, next_attempt_at=None, due_date__lte=at.date())
    return Q(status=InvoiceStatus.OPEN, due_minor__gt=0) & (Q(next_attempt_at__lte=at) | never_tried)


async def _due(at: datetime, customer_id: str | None) -> AsyncIterator[Invoice]:
    found = Invoice.filter(_is_due(at), **({"customer_id": customer_id} if customer_id else {}))
    after = ""
    while invoices := await found.filter(id__gt=after).order_by("id").limit(BATCH).select_related("customer"):
        for invoice in invoices:
            yield invoice
        after = invoices[-1].id


async def _start(invoice: Invoice, engine: Engine, now: Callable[[], datetime]) -> bool:
    at = now()

    async def decide(standing: Standing) -> Mapping[str, object]:
        if not await Invoice.exists(_is_due(at), id=invoice.id):
            raise InvoiceNotPayable(invoice.id, "not due")  # another worker was faster
        return Collection(invoice.id, off_session=True).as_input()

    request = Request(OperationKind.COLLECT, invoice.customer.entity_id, {"invoice_id": invoice.id})
    try:
        accepted = await accept(request, decide, at=at)
    except (CustomerBusy, InvoiceNotPayable):
        return False
    await engine.run(accepted.operation_id, accepted.kind)
    return True


async def take_payment(operation_id: str, tools: Tools) -> Next:
    asked = _asked(await Operation.get(id=operation_id))
    if asked.payment_id is not None:
        payment: Payment | None = await read_intent(operation_id, await Payment.get(id=asked.payment_id), tools)
    else:
        payment = await collect(
            operation_id,
            asked.invoice_id,
            tools,
            off_session=asked.off_session,
            stripe_payment_method_id=asked.stripe_payment_method_id,
        )
    await _note(operation_id, asked.invoice_id, payment, tools.now())
    return Next.CONTINUE


async def _note(operation_id: str, invoice_id: str, payment: Payment | None, at: datetime) -> None:
    """Which payment this came to. That there was nothing to pay with is counted here, once."""
    async with in_transaction():
        operation = await Operation.filter(id=operation_id).select_for_update().get()
        if "payment_id" in operation.result:
            return
        if payment is None:
            await record_failed_try(invoice_id, at)
        elif payment.operation_id != operation_id and payment.status in UNDECIDED:
            # It may still succeed, so nothing else is tried before tomorrow.
            await Invoice.filter(_is_due(at), id=invoice_id).update(next_attempt_at=at + DAY, updated_at=at)
        await keep(operation_id, invoice_id=invoice_id, payment_id=payment.id if payment else None)


async def report_payment(operation_id: str, tools: Tools) -> Next:
    """Tell Metronome: which payment settled the invoice, or that none did."""
    invoice, payment = await _outcome(operation_id)
    if invoice.status is InvoiceStatus.PAID and invoice.metronome_invoice_id is not None:
        refusal = await mark_paid_in_metronome(operation_id, invoice, tools)
        if refusal is not None:
            async with in_transaction():
                await fail(operation_id, ProviderRejected("metronome", refusal.message), at=tools.now())
            return Next.STOP
    elif _problem(invoice, payment) is not None:
        await tell_failure(operation_id, invoice, payment, tools)
    return Next.CONTINUE


async def give_up_at_last(operation_id: str, tools: Tools) -> Next:
    invoice, _ = await _outcome(operation_id)
    if is_exhausted(invoice):
        await give_up(operation_id, invoice, tools)
    return Next.CONTINUE


async def conclude(operation_id: str, tools: Tools) -> Next:
    """A payment that waits for its payer is no failure: it waits without the operation."""
    async with in_transaction():
        problem = _problem(*await _outcome(operation_id))
        if problem is None:
            await succeed(operation_id, at=tools.now())
        else:
            await fail(operation_id, problem, at=tools.now())
    return Next.CONTINUE


STEPS: tuple[Step, ...] = (take_payment, report_payment, give_up_at_last, conclude)


def _asked(operation: Operation) -> Collection:
    given: Mapping[str, Any] = operation.input
    return Collection(
        invoice_id=given["invoice_id"],
        stripe_payment_method_id=given["stripe_payment_method_id"],
        off_session=given["off_session"],
        payment_id=given["payment_id"],
    )


async def _outcome(operation_id: str) -> tuple[Invoice, Payment | None]:
    found = (await Operation.get(id=operation_id)).result
    payment_id = found["payment_id"]
    return await Invoice.get(id=found["invoice_id"]), await Payment.get(id=payment_id) if payment_id else None


def _problem(invoice: Invoice, payment: Payment | None) -> BillingError | None:
    if invoice.status is InvoiceStatus.PAID:
        return None
    if payment is None:
        return PaymentMethodNotFound(ON_FILE)
    if payment.status in (PaymentStatus.FAILED, PaymentStatus.CANCELLED):
        return PaymentDeclined(payment.decline_code or payment.error_code or payment.status.lower())
    return None
