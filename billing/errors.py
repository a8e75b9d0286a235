"""Everything that can be wrong with a request, split by what the caller can do about it.

    BillingError                            code, field, retryable; its text is a sentence for the caller
    ├── Invalid                             change the input
    │   ├── InvalidInput                    one field
    │   ├── InvalidInputs                   several fields, told at once
    │   ├── CurrencyMismatch
    │   ├── EnterpriseTermsMissing
    │   └── EnterpriseTermsNotAllowed
    ├── NotFound                            name something that exists
    │   ├── CustomerNotFound
    │   ├── NoLiveSubscription
    │   ├── NoScheduledChange
    │   ├── QuoteNotFound
    │   ├── InvoiceNotFound
    │   ├── PaymentNotFound
    │   ├── PaymentMethodNotFound
    │   ├── OperationNotFound
    │   ├── WebhookEventNotFound
    │   └── ApiKeyNotFound
    ├── Conflict                            look at the current state, then decide anew
    │   ├── CustomerExists
    │   ├── CustomerBusy                    (retryable)
    │   ├── RenewalPending                  (retryable)
    │   ├── EndScheduled
    │   ├── IdempotencyConflict
    │   ├── IllegalTransition
    │   ├── SamePlan
    │   ├── StaleQuote
    │   ├── QuoteExpired
    │   ├── OperationNotResumable
    │   ├── InvoiceNotPayable
    │   ├── RefundExceedsCaptured
    │   └── SandboxOnly
    └── ProviderFailure                     the answer of someone else
        ├── PaymentDeclined
        ├── PaymentNotConfirmed
        ├── PaymentMethodRejected
        ├── ProviderUnavailable             (retryable)
        └── ProviderRejected

`CatalogueInvalid` (tiers.py) stands outside: it stops the start and never reaches a client.

`field` is the path of the offending input in the API, in camelCase and relative to the mutation's `input`
(`entity.email`), or None. `retryable` means: the very same request may succeed later.
"""

from datetime import date, datetime
from typing import ClassVar

from billing.error_codes import ErrorCode as ErrorCode


class BillingError(Exception):
    code: ClassVar[ErrorCode]

    def __init__(self, sentence: str, *, field: str | None = None) -> None:
        super().__init__(sentence)
        self.field = field

    @property
    def retryable(self) -> bool:
        return self.code.retryable


class Invalid(BillingError):  # noqa: N818  the whole tree is named by what happened
    code = ErrorCode.INVALID_INPUT


class InvalidInput(Invalid):
    """`sentence` follows the field's name: InvalidInput("entity.name", "must not be empty")."""

    field: str

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(f"{field} {sentence}", field=field)
        self.sentence = sentence


class InvalidInputs(Invalid):
    def __init__(self, problems: tuple[InvalidInput, ...]) -> None:
        super().__init__("; ".join(map(str, problems)), field=problems[0].field)
        self.problems = problems


class CurrencyMismatch(Invalid):
    code = ErrorCode.CURRENCY_MISMATCH

    def __init__(self, currency: str, other_currency: str) -> None:
        super().__init__(f"{currency} and {other_currency} cannot be billed together")


class EnterpriseTermsMissing(Invalid):
    code = ErrorCode.ENTERPRISE_TERMS_REQUIRED

    def __init__(self, tier: str) -> None:
        super().__init__(f"{tier} has no list price: give price and credits per month", field="enterpriseTerms")


class EnterpriseTermsNotAllowed(Invalid):
    code = ErrorCode.ENTERPRISE_TERMS_NOT_ALLOWED

    def __init__(self, tier: str) -> None:
        super().__init__(f"{tier} has a list price and takes no terms of its own", field="enterpriseTerms")


class NotFound(BillingError):  # noqa: N818  the whole tree is named by what happened
    code = ErrorCode.NOT_FOUND


class CustomerNotFound(NotFound):
    code = ErrorCode.CUSTOMER_NOT_FOUND

    def __init__(self, entity_id: str) -> None:
        super().__init__(f"no customer has the entity id {entity_id}", field="entityId")


class NoLiveSubscription(NotFound):
    code = ErrorCode.NO_LIVE_SUBSCRIPTION

    def __init__(self, entity_id: str) -> None:
        super().__init__(f"{entity_id} has no live subscription", field="entityId")


class NoScheduledChange(NotFound):
    code = ErrorCode.NO_SCHEDULED_CHANGE

    def __init__(self, entity_id: str) -> None:
        super().__init__(f"nothing is scheduled for {entity_id}", field="entityId")


class QuoteNotFound(NotFound):
    code = ErrorCode.QUOTE_NOT_FOUND

    def __init__(self, quote_id: str) -> None:
        super().__init__(f"no quote has the id {quote_id}", field="quoteId")


class InvoiceNotFound(NotFound):
    code = ErrorCode.INVOICE_NOT_FOUND

    def __init__(self, invoice_id: str) -> None:
        super().__init__(f"no invoice has the id {invoice_id}", field="invoiceId")


class PaymentNotFound(NotFound):
    code = ErrorCode.PAYMENT_NOT_FOUND

    def __init__(self, payment_id: str) -> None:
        super().__init__(f"no payment has the id {payment_id}", field="paymentId")


class PaymentMethodNotFound(NotFound):
    code = ErrorCode.PAYMENT_METHOD_NOT_FOUND

    def __init__(self, payment_method_id: str) -> None:
        super().__init__(f"the customer has no payment method {payment_method_id}", field="paymentMethodId")


class OperationNotFound(NotFound):
    code = ErrorCode.OPERATION_NOT_FOUND

    def __init__(self, operation_id: str) -> None:
        super().__init__(f"no operation has the id {operation_id}", field="operationId")


class WebhookEventNotFound(NotFound):
    code = ErrorCode.WEBHOOK_EVENT_NOT_FOUND

    def __init__(self, event_id: str) -> None:
        super().__init__(f"no webhook event has the id {event_id}", field="eventId")


class ApiKeyNotFound(NotFound):
    def __init__(self, key_id: str) -> None:
        super().__init__(f"no API key has the id or prefix {key_id}", field="id")


class Conflict(BillingError):  # noqa: N818  the whole tree is named by what happened
    pass


class CustomerExists(Conflict):
    code = ErrorCode.CUSTOMER_EXISTS

    def __init__(self, entity_id: str) -> None:
        super().__init__(f"{entity_id} was onboarded already, with other input", field="entity.id")


class CustomerBusy(Conflict):
    code = ErrorCode.CUSTOMER_BUSY

    def __init__(self, entity_id: str, operation_id: str) -> None:
        super().__init__(f"operation {operation_id} of {entity_id} is still running")
        self.operation_id = operation_id


class RenewalPending(Conflict):
    """The period, or the credit month, has ended and what follows is being written; it takes moments."""

    code = ErrorCode.CUSTOMER_BUSY

    def __init__(self, entity_id: str) -> None:
        super().__init__(f"a period or credit month of {entity_id} has just ended and what follows is under way")


class EndScheduled(Conflict):
    code = ErrorCode.ILLEGAL_TRANSITION

    def __init__(self, entity_id: str, ends_on: date) -> None:
        super().__init__(f"the subscription of {entity_id} ends on {ends_on}: reactivate it first")


class IdempotencyConflict(Conflict):
    code = ErrorCode.IDEMPOTENCY_CONFLICT

    def __init__(self, idempotency_key: str) -> None:
        super().__init__(f"the key {idempotency_key} was used before, with other input", field="idempotencyKey")


class IllegalTransition(Conflict):
    code = ErrorCode.ILLEGAL_TRANSITION

    def __init__(self, status: str, event: str) -> None:
        super().__init__(f"a subscription that is {status} does not allow {event}")
        self.status = status
        self.event = event


class SamePlan(Conflict):
    code = ErrorCode.SAME_PLAN

    def __init__(self, tier: str, billing_period: str) -> None:
        super().__init__(f"the customer is on {tier}, {billing_period} already", field="tier")


class StaleQuote(Conflict):
    """`differences` are clauses such as "dueNow was 10.32 USD and is 9.68 USD now"."""

    code = ErrorCode.STALE_QUOTE

    def __init__(self, quote_id: str, differences: tuple[str, ...]) -> None:
        super().__init__(f"what quote {quote_id} says no longer holds: {'; '.join(differences)}", field="quoteId")
        self.differences = differences


class QuoteExpired(Conflict):
    code = ErrorCode.QUOTE_EXPIRED

    def __init__(self, quote_id: str, expired_at: datetime) -> None:
        super().__init__(f"quote {quote_id} expired at {expired_at.isoformat()}", field="quoteId")


class OperationNotResumable(Conflict):
    code = ErrorCode.OPERATION_NOT_RESUMABLE

    def __init__(self, operation_id: str, status: str) -> None:
        super().__init__(f"operation {operation_id} is {status}", field="operationId")


class InvoiceNotPayable(Conflict):
    code = ErrorCode.INVOICE_NOT_PAYABLE

    def __init__(self, invoice_id: str, status: str) -> None:
        super().__init__(f"invoice {invoice_id} is {status}", field="invoiceId")


class RefundExceedsCaptured(Conflict):
    """Both amounts are decimal strings with their currency, as `str(Money)` writes them."""

    code = ErrorCode.REFUND_EXCEEDS_CAPTURED

    def __init__(self, *, asked: str, refundable: str) -> None:
        super().__init__(f"{asked} was asked for, {refundable} can be refunded", field="amount")


class SandboxOnly(Conflict):
    code = ErrorCode.SANDBOX_ONLY

    def __init__(self) -> None:
        super().__init__("this service works with real providers, whose time and failures are not ours to set")


class ProviderFailure(BillingError):  # noqa: N818  the whole tree is named by what happened
    code = ErrorCode.PROVIDER_REJECTED


class PaymentDeclined(ProviderFailure):
    """`decline_code` is the issuer's word (`insufficient_funds`), where the provider passes it on."""

    code = ErrorCode.PAYMENT_DECLINED

    def __init__(self, decline_code: str | None) -> None:
        super().__init__(f"the payment was declined: {decline_code or 'no reason given'}", field="paymentMethodId")
        self.decline_code = decline_code


class PaymentNotConfirmed(ProviderFailure):
    code = ErrorCode.PAYMENT_DECLINED

    def __init__(self) -> None:
        super().__init__("the payer did not confirm the payment in time", field="paymentMethodId")


class PaymentMethodRejected(ProviderFailure):
    code = ErrorCode.PAYMENT_METHOD_REJECTED

    def __init__(self, payment_method_id: str, reason: str) -> None:
        super().__init__(f"payment method {payment_method_id} was not accepted: {reason}", field="paymentMethodId")


class ProviderUnavailable(ProviderFailure):
    code = ErrorCode.PROVIDER_UNAVAILABLE

    def __init__(self, provider: str) -> None:
        super().__init__(f"{provider} cannot be reached")
        self.provider = provider


class ProviderRejected(ProviderFailure):
    def __init__(self, provider: str, reason: str) -> None:
        super().__init__(f"{provider} refused: {reason}")
        self.provider = provider
