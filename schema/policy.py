"""Who may use which root field: the one table. A field that is not in it stops the start.

A key needs the scope. A customer's own token needs the scope too, and a rule that says how it is held to its customer;
without one it is refused.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import models
from access.callers import OwnCustomer
from access.scopes import Scope
from billing.errors import (
    BillingError,
    CustomerNotFound,
    InvalidInput,
    InvoiceNotFound,
    PaymentMethodNotFound,
    PaymentNotFound,
)
from resolvers.pages import searchable
from resolvers.running import named

Held = Callable[[Any, OwnCustomer], Awaitable[BillingError | None]]
"""How a customer's token is held to its customer: given the field's `input`, what a request for anything else is
answered with. It must not matter to the answer whether that exists."""


@dataclass(frozen=True, slots=True)
class Rule:
    scope: Scope | None
    """None: for everybody who is somebody."""
    own: Held | None = None


async def filtered(_: object, __: OwnCustomer) -> None:
    """Every statement of the resolver asks for the caller's own rows only (`Caller.only`)."""


async def the_caller(_: object, __: OwnCustomer) -> None:
    """The answer tells of nobody but the caller."""


async def entity(given: Any, own: OwnCustomer) -> BillingError | None:
    if given.entity_id != own.entity_id:
        return CustomerNotFound(searchable(given.entity_id))
    if getattr(given, "enterprise_terms", None) is not None:
        return InvalidInput("enterpriseTerms", "are agreed upon with a person: a customer cannot give them")
    return None


async def entity_and_new_method(given: Any, own: OwnCustomer) -> BillingError | None:
    """A card that is somebody else's is as unknown as one that nobody has."""
    method_id = named(given.payment_method_id)
    taken = models.PaymentMethod.filter(stripe_payment_method_id=method_id).exclude(customer_id=own.id)
    return await entity(given, own) or (PaymentMethodNotFound(method_id) if await taken.exists() else None)


async def invoice(given: Any, own: OwnCustomer) -> BillingError | None:
    invoice_id = named(given.invoice_id)
    is_own = await models.Invoice.exists(id=invoice_id, customer_id=own.id)
    return None if is_own else InvoiceNotFound(invoice_id)


async def payment(given: Any, own: OwnCustomer) -> BillingError | None:
    payment_id = named(given.payment_id)
    is_own = await models.Payment.exists(id=payment_id, customer_id=own.id)
    return None if is_own else PaymentNotFound(payment_id)


READ, WRITE, PAY = Scope.CUSTOMERS_READ, Scope.BILLING_WRITE, Scope.PAYMENTS_WRITE

QUERIES: Mapping[str, Rule] = {
    "customer": Rule(READ, filtered),
    "customers": Rule(READ, filtered),
    "subscription": Rule(READ, filtered),
    "subscriptions": Rule(READ, filtered),
    "credits": Rule(READ, filtered),
    "creditLedger": Rule(READ, filtered),
    "invoices": Rule(READ, filtered),
    "payments": Rule(READ, filtered),
    "tiers": Rule(READ, filtered),
    "quoteTierChange": Rule(READ, entity),
    "operation": Rule(READ, filtered),
    "operations": Rule(READ, filtered),
    "webhookEvents": Rule(Scope.WEBHOOKS_ADMIN),
    "latestActivity": Rule(READ, filtered),
    "overview": Rule(READ),
    "environment": Rule(READ, filtered),
    "serviceHealth": Rule(READ),
    "apiKeys": Rule(Scope.ADMIN),
    "auditLog": Rule(Scope.ADMIN),
    "sandbox": Rule(READ),
    "viewer": Rule(None, the_caller),
}

MUTATIONS: Mapping[str, Rule] = {
    "onboard": Rule(WRITE),
    "changeTier": Rule(WRITE, entity),
    "withdrawScheduledChange": Rule(WRITE, entity),
    "cancel": Rule(WRITE, entity),
    "reactivate": Rule(WRITE, entity),
    "grantCredits": Rule(WRITE),
    "resumeOperation": Rule(WRITE),
    "payInvoice": Rule(PAY, invoice),
    "confirmPayment": Rule(PAY, payment),
    "refundPayment": Rule(PAY),
    "attachPaymentMethod": Rule(PAY, entity_and_new_method),
    "setDefaultPaymentMethod": Rule(PAY, entity),
    "detachPaymentMethod": Rule(PAY, entity),
    "createSetupIntent": Rule(PAY, entity),
    "replayWebhookEvent": Rule(Scope.WEBHOOKS_ADMIN),
    "replayDeadWebhookEvents": Rule(Scope.WEBHOOKS_ADMIN),
    "advanceSandboxClock": Rule(Scope.ADMIN),
    "addSandboxFault": Rule(Scope.ADMIN),
    "clearSandboxFaults": Rule(Scope.ADMIN),
    "authenticateSandboxPayment": Rule(Scope.ADMIN),
    "mintCustomerToken": Rule(READ),
    "createApiKey": Rule(Scope.ADMIN),
    "revokeApiKey": Rule(Scope.ADMIN),
}

SUBSCRIPTIONS: Mapping[str, Rule] = {
    "customerChanged": Rule(READ, filtered),
    "operationProgress": Rule(READ, filtered),
    "activity": Rule(READ, filtered),
}
