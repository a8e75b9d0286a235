"""reconcile: where Metronome, Stripe and our rows disagree about a customer. It reads; it changes nothing anywhere."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import timedelta

from billing.invoices import InvoiceStatus
from billing.lifecycle import LIVE, SubscriptionStatus
from billing.money import Money
from billing.periods import midnight
from integrations.metronome import types as metronome
from integrations.metronome.types import ContractStatus
from integrations.stripe import types as stripe
from integrations.stripe.types import PaymentIntentStatus
from models import (
    Customer,
    DriftKind,
    Invoice,
    Operation,
    OperationStatus,
    Payment,
    PaymentStatus,
    Provider,
    Refund,
    RefundStatus,
    Subscription,
)
from operations.books import InMetronome, InStripe, Ours
from operations.differences import NONE, Difference, Severity
from operations.differences import unequal as _unequal
from operations.drift import drift
from operations.own_books import own_books
from operations.steps.payments import status_of
from operations.tools import Tools

__all__ = ["Difference", "Report", "Severity", "compare", "compare_all", "report", "strangers"]

BATCH = 100
LONGEST_MONTH = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Report:
    """With an operation under way, what differs may be what it is just about to write."""

    entity_id: str
    differences: tuple[Difference, ...]
    under_way: bool


async def compare(customer: Customer, tools: Tools) -> tuple[Difference, ...]:
    """Every disagreement about one customer, as all three stand now."""
    at = tools.now()
    ours = await Ours.read(customer.id, changed_since=at - LONGEST_MONTH)
    in_metronome, in_stripe = await asyncio.gather(InMetronome.read(ours, tools), InStripe.read(ours, tools))
    return (
        *own_books(ours, at),
        *_differences_in_metronome(ours, in_metronome),
        *_differences_in_stripe(ours, in_stripe),
    )


async def compare_all(tools: Tools) -> AsyncIterator[Report]:
    """Every customer, one after the other."""
    after = ""
    while customers := await Customer.filter(id__gt=after).order_by("id").limit(BATCH):
        for customer in customers:
            yield await report(customer, tools)
        after = customers[-1].id


async def report(customer: Customer, tools: Tools) -> Report:
    """What a second look no longer finds was only just changing."""
    found = await compare(customer, tools)
    if found:
        again = await compare(customer, tools)
        found = tuple(difference for difference in again if difference in found)
    under_way = await Operation.exists(customer_id=customer.id, status=OperationStatus.RUNNING)
    return Report(customer.entity_id, found, under_way)


async def strangers(tools: Tools) -> AsyncIterator[Report]:
    """Customers at the providers that no row of ours stands for, though they carry an entity id.

    A row that lacks the provider's id is being onboarded, or was left half-way: `compare` tells of that one.
    """
    async for in_metronome in tools.metronome.pages_of_customers():
        rows = await _rows_of(each.entity_id for each in in_metronome)
        for each in in_metronome:
            ours = rows[each.entity_id].metronome_customer_id if each.entity_id in rows else NONE
            if ours not in (None, each.id):
                yield _stranger(each.entity_id, "metronome.customer", ours, each.id)
    async for in_stripe in tools.stripe.pages_of_customers():
        named = {each.id: each.entity_id for each in in_stripe if each.entity_id is not None}
        rows = await _rows_of(named.values())
        for customer_id, entity_id in named.items():
            ours = rows[entity_id].stripe_customer_id if entity_id in rows else NONE
            if ours not in (None, customer_id):
                yield _stranger(entity_id, "stripe.customer", ours, customer_id)


async def _rows_of(entity_ids: Iterable[str]) -> Mapping[str, Customer]:
    return {row.entity_id: row async for row in Customer.filter(entity_id__in=list(entity_ids))}


def _stranger(entity_id: str, what: str, ours: str, theirs: str) -> Report:
    return Report(entity_id, (Difference(what, theirs, ours, theirs, Severity.HIGH),), under_way=False)


def _differences_in_metronome(ours: Ours, theirs: InMetronome) -> Iterator[Difference]:
    row, found = ours.customer, theirs.customer
    yield from _unequal("metronome.customer", row.id, row.metronome_customer_id, found and found.id)
    if found is None or found.id != row.metronome_customer_id:
        return
    yield from _unequal("metronome.customer.entity_id", row.id, row.entity_id, found.entity_id)
    yield from _unequal("metronome.customer.type", row.id, row.entity_type, found.entity_type)
    yield from _unequal("metronome.customer.name", row.id, row.name, found.name, Severity.LOW)
    yield from _unequal("metronome.customer.email", row.id, row.email, found.email, Severity.LOW)
    yield from _no_longer_drift(ours, Provider.METRONOME, drift(row, name=found.name, email=found.email))
    yield from _contracts(ours, theirs.contracts)
    yield from _invoices(ours, theirs.invoices)
    yield from _credits(ours, theirs)


def _no_longer_drift(ours: Ours, provider: Provider, found: AbstractSet[DriftKind]) -> Iterator[Difference]:
    """What is shown on the customer and is no longer so: the event that ends it never came."""
    for noted in ours.drift:
        if noted.provider is provider and noted.kind not in found:
            what = f"{provider.lower()}.customer.drift"
            yield Difference(what, ours.customer.id, noted.kind.value, NONE, Severity.LOW)


_CONTRACT_OF: Mapping[SubscriptionStatus, frozenset[ContractStatus]] = {
    SubscriptionStatus.PENDING: frozenset({ContractStatus.PENDING, ContractStatus.ACTIVE}),
    SubscriptionStatus.ACTIVE: frozenset({ContractStatus.ACTIVE}),
    SubscriptionStatus.PAST_DUE: frozenset({ContractStatus.ACTIVE}),
    SubscriptionStatus.CANCELLED: frozenset({ContractStatus.CANCELLED}),
    # Nobody paid: we cancel the contract then. Or it ran out.
    SubscriptionStatus.EXPIRED: frozenset({ContractStatus.CANCELLED, ContractStatus.EXPIRED}),
}
_RUNNING = frozenset({ContractStatus.PENDING, ContractStatus.ACTIVE})


def _contracts(ours: Ours, theirs: Mapping[str, metronome.Contract]) -> Iterator[Difference]:
    for subscription in ours.subscriptions:
        contract_id: str | None = subscription.metronome_contract_id
        if contract := theirs.get(contract_id or ""):
            yield from _contract(subscription, contract)
        elif contract_id or subscription.status in LIVE - {SubscriptionStatus.PENDING}:
            yield Difference("contract", subscription.id, contract_id or NONE, NONE, Severity.HIGH)
    named = {subscription.metronome_contract_id for subscription in ours.subscriptions}
    for contract in theirs.values():
        runs = contract.status in _RUNNING
        if contract.id not in named and (runs or contract.id not in ours.made_contracts):
            shown = f"{contract.status} {contract.tier} {contract.billing_period}"
            yield Difference("contract", contract.id, NONE, shown, Severity.HIGH if runs else Severity.LOW)


def _contract(ours: Subscription, theirs: metronome.Contract) -> Iterator[Difference]:
    if theirs.status not in _CONTRACT_OF[ours.status]:
        yield Difference("contract.status", ours.id, ours.status.value, theirs.status.value, Severity.HIGH)
    yield from _unequal("contract.tier", ours.id, ours.tier, theirs.tier)
    yield from _unequal("contract.billing_period", ours.id, ours.billing_period, theirs.billing_period)
    yield from _unequal("contract.price", ours.id, Money(ours.price_minor, ours.currency), theirs.price)
    yield from _unequal("contract.credits_per_month", ours.id, ours.credits_per_month, theirs.credits_per_month)
    if ours.status not in LIVE or theirs.status not in _RUNNING:
        return
    current = theirs.current_period
    yield from _unequal("contract.period_start", ours.id, midnight(ours.period_start), current and current.start)
    yield from _unequal("contract.period_end", ours.id, midnight(ours.period_end), current and current.end)
    yield from _unequal("contract.anchor", ours.id, midnight(ours.anchor), theirs.billing_anchor_date)
    ends = ours.cancel_at_period_end or ours.scheduled_tier is not None
    yield from _unequal("contract.end_date", ours.id, midnight(ours.period_end) if ends else None, theirs.end_date)
    if theirs.cancelled_at is not None:  # else it may have been given an end, which is as good as a cancellation
        yield from _unequal("contract.cancellation", ours.id, ours.cancel_at_period_end, True, Severity.LOW)


def _invoices(ours: Ours, theirs: Mapping[str, metronome.Invoice]) -> Iterator[Difference]:
    for invoice in ours.invoices:
        if found := theirs.get(invoice.metronome_invoice_id or ""):
            yield from _invoice(invoice, ours, found)
        elif invoice.metronome_invoice_id or invoice.status not in (InvoiceStatus.DRAFT, InvoiceStatus.VOID):
            shown = invoice.metronome_invoice_id or invoice.status.value
            yield Difference("invoice", invoice.id, shown, NONE, Severity.HIGH)
        elif invoice.status is InvoiceStatus.DRAFT and invoice.next_attempt_at is not None:
            owed = f"{Money(invoice.amount_minor, invoice.currency)} for {invoice.period_start} to {invoice.period_end}"
            yield Difference("invoice.refused", invoice.id, owed, NONE, Severity.HIGH)
    known = {invoice.metronome_invoice_id for invoice in ours.invoices}
    for each in theirs.values():
        if each.id not in known and each.status is not InvoiceStatus.VOID:
            yield Difference("invoice", each.id, NONE, f"{each.status} {each.amount}", Severity.HIGH)


def _invoice(invoice: Invoice, ours: Ours, theirs: metronome.Invoice) -> Iterator[Difference]:
    currency = invoice.currency
    yield from _unequal("invoice.status", invoice.id, invoice.status, theirs.status)
    yield from _unequal("invoice.amount", invoice.id, Money(invoice.amount_minor, currency), theirs.amount)
    lines = [f"{line.description}: {Money(line.amount_minor, currency)}" for line in ours.lines.get(invoice.id, [])]
    their_lines = [f"{line.description}: {line.amount}" for line in theirs.lines]
    yield from _unequal("invoice.lines", invoice.id, ", ".join(lines), ", ".join(their_lines))
    yield from _unequal("invoice.due_date", invoice.id, midnight(invoice.due_date), theirs.due_date, Severity.LOW)
    if invoice.status is theirs.status is InvoiceStatus.PAID:
        yield from _unequal("invoice.paid_by", invoice.id, _paid_by(invoice, ours, theirs), theirs.external_payment_id)


def _paid_by(invoice: Invoice, ours: Ours, theirs: metronome.Invoice) -> str | None:
    """What Metronome should name. Without a payment of ours it was settled there, by other means."""
    if payment := ours.settling(invoice):
        intent_id: str | None = payment.stripe_payment_intent_id
        return intent_id
    return theirs.external_payment_id if invoice.due_minor else f"account-balance:{invoice.id}"


def _credits(ours: Ours, theirs: InMetronome) -> Iterator[Difference]:
    balance, subject = ours.customer.credit_balance, ours.customer.id
    # Usage is metered there: that they hold less only means that credits were spent since the ledger last heard.
    severity = Severity.HIGH if theirs.credit_balance > balance else Severity.LOW
    yield from _unequal("credits.balance", subject, balance, theirs.credit_balance, severity)
    ledger = {entry.metronome_credit_id for entry in ours.credits if entry.metronome_credit_id}
    for credit_id in sorted(ledger - theirs.credits):
        yield Difference("credit", credit_id, "in the ledger", NONE, Severity.HIGH)
    for credit_id in sorted(theirs.credits - ledger):
        yield Difference("credit", credit_id, NONE, "granted or taken away", Severity.HIGH)


def _differences_in_stripe(ours: Ours, theirs: InStripe) -> Iterator[Difference]:
    row, found = ours.customer, theirs.customer
    yield from _unequal("stripe.customer", row.id, row.stripe_customer_id, found and found.id)
    if found is None or found.id != row.stripe_customer_id:
        return
    yield from _unequal("stripe.customer.entity_id", row.id, row.entity_id, found.entity_id)
    yield from _unequal("stripe.customer.name", row.id, row.name, found.name, Severity.LOW)
    yield from _unequal("stripe.customer.email", row.id, row.email, found.email, Severity.LOW)
    yield from _no_longer_drift(ours, Provider.STRIPE, drift(row, name=found.name, email=found.email))
    yield from _methods(ours, found, theirs.methods)
    for invoice in ours.invoices:
        yield from _payments(ours, invoice, theirs)
        yield from _collected(ours, invoice, theirs)
    for intent in theirs.strange_intents:
        yield _strange(intent, theirs.charges.get(intent.id))


def _methods(
    ours: Ours, customer: stripe.StripeCustomer, theirs: Mapping[str, stripe.PaymentMethod]
) -> Iterator[Difference]:
    attached = {method.stripe_payment_method_id: method for method in ours.methods if method.detached_at is None}
    for method_id in sorted(attached.keys() | theirs.keys()):
        method, there = attached.get(method_id), theirs.get(method_id)
        if method and there:
            card = (method.brand, method.last4, method.exp_month, method.exp_year)
            their_card = (there.brand, there.last4, there.exp_month, there.exp_year)
            yield from _unequal("payment_method.card", method_id, _card(card), _card(their_card), Severity.LOW)
        else:
            here, at_stripe = ("attached", NONE) if method else (NONE, "attached")
            yield Difference("payment_method", method_id, here, at_stripe, Severity.HIGH)
    default = next((method_id for method_id, method in attached.items() if method.is_default), None)
    yield from _unequal("payment_method.default", ours.customer.id, default, customer.default_payment_method_id)


def _card(card: tuple[str | None, str | None, int | None, int | None]) -> str:
    return " ".join(str(part) for part in card if part is not None)


def _payments(ours: Ours, invoice: Invoice, theirs: InStripe) -> Iterator[Difference]:
    """Each attempt of ours, and the intent that was made for it."""
    intents = {intent.id: intent for intent in theirs.intents.get(invoice.id, [])}
    for payment in ours.payments.get(invoice.id, []):
        intent_id = payment.stripe_payment_intent_id
        if intent_id in intents:
            yield from _payment(payment, intents.pop(intent_id))
            yield from _refunds(ours.refunds.get(payment.id, []), theirs.refunds.get(intent_id, ()))
        elif intent_id or payment.status is not PaymentStatus.FAILED:
            yield Difference("payment", payment.id, intent_id or payment.status.value, NONE, Severity.HIGH)
    for intent in intents.values():
        yield _strange(intent, theirs.charges.get(intent.id))


def _strange(intent: stripe.PaymentIntent, charge: stripe.Charge | None) -> Difference:
    """An intent that no payment of ours stands for. One that can no longer be paid took nobody's money."""
    refunded = f", {charge.amount_refunded} refunded" if charge and charge.amount_refunded.is_positive else ""
    severity = Severity.LOW if intent.status is PaymentIntentStatus.CANCELED else Severity.HIGH
    return Difference("payment", intent.id, NONE, f"{intent.status} {intent.amount}{refunded}", severity)


def _payment(ours: Payment, theirs: stripe.PaymentIntent) -> Iterator[Difference]:
    status = status_of(theirs)
    closed = ours.status is PaymentStatus.FAILED and status is PaymentStatus.CANCELLED
    if not closed:
        yield from _unequal("payment.status", ours.id, ours.status, status)
    yield from _unequal("payment.amount", ours.id, Money(ours.amount_minor, ours.currency), theirs.amount)


_REFUNDS_AS: Mapping[stripe.RefundStatus, RefundStatus] = {
    stripe.RefundStatus.SUCCEEDED: RefundStatus.SUCCEEDED,
    stripe.RefundStatus.FAILED: RefundStatus.FAILED,
    stripe.RefundStatus.CANCELED: RefundStatus.FAILED,
}


def _refunds(ours: Iterable[Refund], theirs: Iterable[stripe.Refund]) -> Iterator[Difference]:
    there = {refund.id: refund for refund in theirs}
    for refund in ours:
        found = there.pop(refund.stripe_refund_id or "", None)
        if found is not None:
            status = _REFUNDS_AS.get(found.status, RefundStatus.PENDING)
            yield from _unequal("refund.status", refund.id, refund.status, status)
            yield from _unequal("refund.amount", refund.id, Money(refund.amount_minor, refund.currency), found.amount)
        elif refund.status is not RefundStatus.FAILED:
            yield Difference("refund", refund.id, refund.stripe_refund_id or refund.status.value, NONE, Severity.HIGH)
    for unknown in there.values():
        yield Difference("refund", unknown.id, NONE, f"{unknown.status} {unknown.amount}", Severity.HIGH)


def _collected(ours: Ours, invoice: Invoice, theirs: InStripe) -> Iterator[Difference]:
    """A paid invoice has exactly one charge, of what was due. Any other charge for it was given back in full.

    What was taken in vain may stand on the account balance instead.
    """
    payment = ours.settling(invoice)
    settling = payment.stripe_payment_intent_id if payment else None
    charges = {
        intent.id: theirs.charges[intent.id]
        for intent in theirs.intents.get(invoice.id, [])
        if intent.id in theirs.charges
    }
    in_vain = {each.stripe_payment_intent_id: each for each in ours.in_vain(invoice)}
    kept = [
        charge.amount_captured
        for intent_id, charge in charges.items()
        if intent_id == settling or (intent_id not in in_vain and charge.amount_captured > charge.amount_refunded)
    ]
    due = [Money(invoice.due_minor, invoice.currency)] if payment else []
    yield from _unequal("invoice.charges", invoice.id, _sum_up(due), _sum_up(kept))
    for each in [*([payment] if payment else []), *in_vain.values()]:
        if charge := charges.get(each.stripe_payment_intent_id or ""):
            refunded = Money(each.refunded_minor, each.currency)
            yield from _unequal("payment.refunded", each.id, refunded, charge.amount_refunded)
            if each.in_vain_at is not None:
                left = charge.amount_captured - charge.amount_refunded
                yield from _unequal("payment.in_vain", each.id, ours.credited_instead(each), left)


def _sum_up(amounts: Iterable[Money]) -> str:
    return ", ".join(map(str, amounts)) or NONE
