"""What stands for one customer on each of the three sides, read at one moment. Nothing here decides or writes."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Self, TypeVar

from billing.invoices import InvoiceStatus
from billing.money import Money
from integrations.errors import NotFound
from integrations.metronome import types as metronome
from integrations.stripe import types as stripe
from integrations.stripe.types import ChargeStatus, PaymentIntentStatus
from models import (
    AccountBalanceEntry,
    CreditEntry,
    Customer,
    CustomerDrift,
    Invoice,
    InvoiceLine,
    Operation,
    OperationKind,
    OperationStatus,
    Payment,
    PaymentMethod,
    PaymentStatus,
    ProviderEffect,
    Refund,
    Subscription,
)
from operations.steps.refunds import cause_of_credit
from operations.tools import Tools

T = TypeVar("T")
R = TypeVar("R")

CALLS_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Ours:
    customer: Customer
    subscriptions: list[Subscription]
    invoices: list[Invoice]
    lines: Mapping[str, list[InvoiceLine]]
    payments: Mapping[str, list[Payment]]
    refunds: Mapping[str, list[Refund]]
    methods: list[PaymentMethod]
    credits: list[CreditEntry]
    money: list[AccountBalanceEntry]
    drift: list[CustomerDrift]
    plan_changes: list[Operation]
    """Those that have succeeded since a given instant, scheduled ones when they were followed."""
    made_contracts: frozenset[str]
    """The ids of all contracts that our operations made, those since replaced included."""

    @classmethod
    async def read(cls, customer_id: str, *, changed_since: datetime) -> Self:
        effects = ProviderEffect.filter(operation__customer_id=customer_id, step="metronome_contract")
        lines = InvoiceLine.filter(invoice__customer_id=customer_id).order_by("position")
        return cls(
            customer=await Customer.get(id=customer_id),
            subscriptions=await Subscription.filter(customer_id=customer_id).order_by("created_at"),
            invoices=await Invoice.filter(customer_id=customer_id).order_by("issued_at", "id"),
            lines=_grouped(await lines, lambda line: line.invoice_id),
            payments=_grouped(await Payment.filter(customer_id=customer_id), lambda payment: payment.invoice_id),
            refunds=_grouped(await Refund.filter(customer_id=customer_id), lambda refund: refund.payment_id),
            methods=await PaymentMethod.filter(customer_id=customer_id),
            credits=await CreditEntry.filter(customer_id=customer_id),
            money=await AccountBalanceEntry.filter(customer_id=customer_id),
            drift=await CustomerDrift.filter(customer_id=customer_id).order_by("kind"),
            plan_changes=await Operation.filter(
                customer_id=customer_id,
                kind__in=[OperationKind.CHANGE_TIER, OperationKind.END],
                status=OperationStatus.SUCCEEDED,
                finished_at__gte=changed_since,
            ),
            made_contracts=frozenset([effect.object_id async for effect in effects if effect.object_id]),
        )

    def settling(self, invoice: Invoice) -> Payment | None:
        """The payment that paid the invoice."""
        paid = [
            each
            for each in self.payments.get(invoice.id, [])
            if each.status is PaymentStatus.SUCCEEDED and each.in_vain_at is None
        ]
        return paid[0] if paid and invoice.status is InvoiceStatus.PAID else None

    def in_vain(self, invoice: Invoice) -> list[Payment]:
        return [each for each in self.payments.get(invoice.id, []) if each.in_vain_at is not None]

    def credited_instead(self, payment: Payment) -> Money:
        """What stands on the account balance because it could not be refunded."""
        cause = cause_of_credit(payment)
        return Money(sum(entry.amount_minor for entry in self.money if entry.cause == cause), payment.currency)


@dataclass(frozen=True, slots=True)
class InMetronome:
    customer: metronome.Customer | None
    contracts: Mapping[str, metronome.Contract]
    invoices: Mapping[str, metronome.Invoice]
    credits: frozenset[str]
    credit_balance: int

    @classmethod
    async def read(cls, ours: Ours, tools: Tools) -> Self:
        ask, customer_id = tools.metronome, ours.customer.metronome_customer_id
        if customer_id is None:
            found = await ask.find_customer(entity_id=ours.customer.entity_id)
            return cls(found, {}, {}, frozenset(), 0)
        customer = await _or_none(ask.get_customer(customer_id=customer_id))
        if customer is None:
            return cls(None, {}, {}, frozenset(), 0)
        contracts, invoices, credits_, balance = await asyncio.gather(
            ask.list_contracts(customer_id=customer_id),
            ask.list_invoices(customer_id=customer_id),
            ask.list_credits(customer_id=customer_id),
            ask.balance(customer_id=customer_id),
        )
        return cls(
            customer=customer,
            contracts={contract.id: contract for contract in contracts},
            invoices={invoice.id: invoice for invoice in invoices},
            credits=frozenset(credit.id for credit in credits_),
            credit_balance=balance.balance,
        )


@dataclass(frozen=True, slots=True)
class InStripe:
    customer: stripe.StripeCustomer | None
    methods: Mapping[str, stripe.PaymentMethod]
    intents: Mapping[str, list[stripe.PaymentIntent]]
    """By the id of our invoice, for those that name one."""
    strange_intents: tuple[stripe.PaymentIntent, ...]
    """Those that name none."""
    charges: Mapping[str, stripe.Charge]
    """By the id of the intent, of those that succeeded."""
    refunds: Mapping[str, tuple[stripe.Refund, ...]]
    """By the id of the intent, of those that name an invoice of ours."""

    @classmethod
    async def read(cls, ours: Ours, tools: Tools) -> Self:
        ask, customer_id = tools.stripe, ours.customer.stripe_customer_id
        if customer_id is None:
            return cls._nothing_of(await ask.find_customer(entity_id=ours.customer.entity_id))
        customer = await _or_none(ask.get_customer(customer_id=customer_id))
        if customer is None or customer.deleted:
            return cls._nothing_of(None)
        methods, intents, charges = await asyncio.gather(
            ask.list_payment_methods(customer_id=customer_id),
            ask.list_payment_intents(customer_id=customer_id),
            ask.list_charges(customer_id=customer_id),
        )
        invoices = {invoice.id for invoice in ours.invoices}
        named = [intent for intent in intents if _invoice_named_by(intent) in invoices]
        paid = [intent for intent in named if intent.status is PaymentIntentStatus.SUCCEEDED]
        refunds = await _each(lambda intent: ask.list_refunds(payment_intent_id=intent.id), paid)
        return cls(
            customer=customer,
            methods={method.id: method for method in methods},
            intents=_grouped(named, _invoice_named_by),
            strange_intents=tuple(intent for intent in intents if _invoice_named_by(intent) not in invoices),
            charges={
                charge.payment_intent_id: charge
                for charge in charges
                if charge.payment_intent_id and charge.status is ChargeStatus.SUCCEEDED
            },
            refunds={intent.id: found for intent, found in zip(paid, refunds, strict=True)},
        )

    @classmethod
    def _nothing_of(cls, customer: stripe.StripeCustomer | None) -> Self:
        return cls(customer, {}, {}, (), {}, {})


def _invoice_named_by(intent: stripe.PaymentIntent) -> str:
    return intent.metadata.get("invoice_id", "")


def _grouped(rows: Iterable[T], key: Callable[[T], str]) -> Mapping[str, list[T]]:
    groups: dict[str, list[T]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


async def _or_none(found: Awaitable[T]) -> T | None:
    try:
        return await found
    except NotFound:
        return None


async def _each(read: Callable[[T], Awaitable[R]], things: Iterable[T]) -> list[R]:
    """All of them, in order, a few at a time."""
    room = asyncio.Semaphore(CALLS_AT_ONCE)

    async def one(thing: T) -> R:
        async with room:
            return await read(thing)

    return await asyncio.gather(*(one(thing) for thing in things))
