"""Metronome's event types, and what each does. A new one is a line here and a function."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from billing.errors import CustomerBusy
from billing.invoices import PAYABLE, InvoiceStatus
from billing.lifecycle import STANDING, SubscriptionStatus
from billing.money import Money
from integrations.metronome import types as metronome
from integrations.metronome.types import Event
from models import Invoice, OperationKind, Payment, PaymentStatus, Provider, ProviderEffect, Subscription
from operations import settle_payment
from operations.activity import record
from operations.drift import drift, note
from operations.follow_end import follow_end, turn_of
from operations.renew import ENDED, RENEWAL_KEY, follow
from operations.steps.payments import record_failed_try, settle_otherwise
from operations.tools import Tools
from webhooks.credits import credit_applied, credit_expired
from webhooks.inbox import Claimed
from webhooks.outcomes import Busy, Change, Ignored, Notice, NotYet, Parked, Started, expect, nothing
from webhooks.owners import not_worked_in, owner, require_free, require_idle, unknown_object

Handler = Callable[[Event, Notice], Awaitable[Change]]


async def customer_created(_: Event, __: Notice) -> Change:
    """That the customer is ours is all there is to know."""
    return nothing


async def customer_updated(_: Event, notice: Notice) -> Change:
    """Name and e-mail are ours, so other ones there are drift."""
    customer = notice.customer
    current = await notice.tools.metronome.get_customer(customer_id=str(customer.metronome_customer_id))

    async def change(at: datetime) -> None:
        await note(customer, Provider.METRONOME, drift(customer, name=current.name, email=current.email), at)

    return change


async def contract_created(event: Event, notice: Notice) -> Change:
    await _subscription(expect(event.snapshot, metronome.Contract), notice)
    return nothing


async def contract_changed(event: Event, notice: Notice) -> Change:
    """The contract is read again: that it went on, or has ended, is followed by an operation of its own."""
    snapshot = expect(event.snapshot, metronome.Contract)
    seen = await _subscription(snapshot, notice)
    contract = await notice.tools.metronome.get_contract(contract_id=snapshot.id)
    if seen is None or seen.status not in STANDING or seen.metronome_contract_id != contract.id:
        return nothing  # a contract that was replaced, or whose end we made, or whose onboarding will look itself
    if contract.status in ENDED:
        return _follow(notice, OperationKind.END)
    if contract.current_period and contract.current_period.start.date() > seen.period_start:
        return _follow(notice, OperationKind.RENEW)
    return _follow_end(seen, contract, notice) if turn_of(seen, contract) else nothing


def _follow_end(seen: Subscription, contract: metronome.Contract, notice: Notice) -> Change:
    """Set or taken back by somebody else; what an operation of ours is about is left to it."""

    async def change(at: datetime) -> None:
        await require_free(notice.customer)
        subscription = await Subscription.filter(id=seen.id).select_for_update().get()
        if subscription.metronome_contract_id != contract.id or turn_of(subscription, contract) != turn_of(
            seen, contract
        ):
            raise NotYet("The subscription changed while its contract was read at Metronome.")
        await follow_end(subscription, contract, at)

    return change


def _follow(notice: Notice, kind: OperationKind) -> Change:
    async def change(at: datetime) -> Started:
        await require_idle(notice.customer)
        try:
            operation = await follow(notice.customer.id, at=at, kind=kind)
        except CustomerBusy as busy:
            raise Busy(f"{busy}.") from None
        return Started(operation.id, kind)

    return change


async def invoice_created(event: Event, notice: Notice) -> Change:
    """One of ours is known; one that the engine made for a new period is what a renewal begins with."""
    snapshot = expect(event.snapshot, metronome.Invoice)
    known = await Invoice.exists(metronome_invoice_id=snapshot.id, customer_id=notice.customer.id)
    if not known and (snapshot.uniqueness_key or "").startswith(RENEWAL_KEY):
        return nothing if await _is_provisioned_later(notice) else _follow(notice, OperationKind.RENEW)
    await _invoice(event, notice)
    return nothing


async def _is_provisioned_later(notice: Notice) -> bool:
    """Its onboarding was refused half-way; sent again, it follows what the engine did meanwhile."""
    return await Subscription.exists(customer_id=notice.customer.id, is_current=True, status=SubscriptionStatus.PENDING)


async def invoice_paid(event: Event, notice: Notice) -> Change:
    """Paid there and not here: by other means than a payment of ours, such as a bank transfer."""
    seen = await _invoice(event, notice)
    if seen.status is InvoiceStatus.PAID:
        return nothing
    paid = await notice.tools.metronome.get_invoice(invoice_id=str(seen.metronome_invoice_id))
    if paid.status is not InvoiceStatus.PAID:
        return nothing

    async def change(at: datetime) -> Started | None:
        invoice = await Invoice.filter(id=seen.id).select_for_update().get()
        if invoice.status is not seen.status:
            raise NotYet("The invoice changed while it was read at Metronome.")
        if invoice.status not in PAYABLE:
            raise Parked(f"Drift: invoice {invoice.id} is {invoice.status.value} here and paid at Metronome.")
        await require_free(notice.customer)
        await settle_otherwise(invoice, at)
        await record(
            "invoice.paid",
            f"Invoice of {paid.amount} paid by other means, as told by Metronome",
            at=at,
            customer=notice.customer,
            data={"invoice": invoice.id},
        )
        if payable := await _still_payable(invoice):
            return Started(await settle_payment.accept(payable, at), OperationKind.SETTLE_PAYMENT)
        return None

    return change


async def _still_payable(invoice: Invoice) -> Payment | None:
    """The latest is enough: whoever made it closed the one before it. Also one that failed can be tried again."""
    latest = await Payment.filter(invoice_id=invoice.id).order_by("-attempt").first()
    if latest is None or latest.stripe_payment_intent_id is None:
        return None
    return None if latest.status in (PaymentStatus.SUCCEEDED, PaymentStatus.CANCELLED) else latest


async def invoice_failed(event: Event, notice: Notice) -> Change:
    """Told by somebody else, dunning begins with it. What we told ourselves has begun it before we told."""
    seen = await _invoice(event, notice)
    if not _is_news_of_failing(seen):
        return nothing

    async def change(at: datetime) -> None:
        await require_idle(notice.customer)
        invoice = await Invoice.filter(id=seen.id).select_for_update().get()
        if not _is_news_of_failing(invoice):
            return
        await record_failed_try(invoice.id, at)
        await record(
            "invoice.failed",
            f"Collecting {Money(invoice.due_minor, invoice.currency)} failed, as told by Metronome",
            at=at,
            customer=notice.customer,
            data={"invoice": invoice.id},
        )

    return change


def _is_news_of_failing(invoice: Invoice) -> bool:
    return invoice.status is InvoiceStatus.OPEN and invoice.first_failed_at is None


HANDLERS: Mapping[str, Handler] = {
    "contract.cancelled": contract_changed,
    "contract.created": contract_created,
    "contract.updated": contract_changed,
    "credit.applied": credit_applied,
    "credit.expired": credit_expired,
    "customer.created": customer_created,
    "customer.updated": customer_updated,
    "invoice.created": invoice_created,
    "invoice.failed": invoice_failed,
    "invoice.paid": invoice_paid,
}


async def handle(row: Claimed, tools: Tools) -> tuple[Notice, Change]:
    """Raises an `Outcome`, a `ProviderError`, or `Unreadable` for a payload that is not what its type promises."""
    handler = HANDLERS.get(row.type)
    if handler is None:
        raise Ignored(f"Events of the type {row.type} are not handled.")
    event = Event.from_json(row.payload)
    customer = await owner(
        row,
        provider_customer_id=row.customer_id,
        entity_id=event.snapshot.entity_id if isinstance(event.snapshot, metronome.Customer) else None,
        now=tools.now(),
    )
    notice = Notice(row, customer, tools)
    return notice, await handler(event, notice)


async def _subscription(contract: metronome.Contract, notice: Notice) -> Subscription | None:
    """The subscription on the contract; None for one that we made and that another has replaced since."""
    found = await Subscription.get_or_none(metronome_contract_id=contract.id, customer_id=notice.customer.id)
    if found is None and not await ProviderEffect.exists(object_id=contract.id, step="metronome_contract"):
        raise await unknown_object(notice.row, notice.customer, what=f"Contract {contract.id}", now=notice.tools.now())
    return found


async def _invoice(event: Event, notice: Notice) -> Invoice:
    snapshot = expect(event.snapshot, metronome.Invoice)
    found = await Invoice.get_or_none(metronome_invoice_id=snapshot.id, customer_id=notice.customer.id)
    if found is None and (snapshot.uniqueness_key or "").startswith(RENEWAL_KEY):
        raise await not_worked_in(notice.customer, "The renewal that this invoice belongs to is not worked in yet.")
    if found is None:
        raise await unknown_object(notice.row, notice.customer, what=f"Invoice {snapshot.id}", now=notice.tools.now())
    return found
