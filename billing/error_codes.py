"""Every code a client can be answered with in `userErrors`, each with the one line that documents it in the schema."""

from billing.described import Described


class ErrorCode(Described):
    INVALID_INPUT = "INVALID_INPUT", "A field of the input is missing, malformed or out of bounds; `field` names it."
    CURRENCY_MISMATCH = "CURRENCY_MISMATCH", "Amounts of two currencies meet where only one can be billed."
    ENTERPRISE_TERMS_REQUIRED = "ENTERPRISE_TERMS_REQUIRED", "This tier has no list price: give price and credits."
    ENTERPRISE_TERMS_NOT_ALLOWED = "ENTERPRISE_TERMS_NOT_ALLOWED", "This tier has a list price: leave the terms out."

    NOT_FOUND = "NOT_FOUND", "The object the request names does not exist."
    CUSTOMER_NOT_FOUND = "CUSTOMER_NOT_FOUND", "No customer has this entity id."
    NO_LIVE_SUBSCRIPTION = "NO_LIVE_SUBSCRIPTION", "The customer has no subscription that could be changed."
    NO_SCHEDULED_CHANGE = "NO_SCHEDULED_CHANGE", "Nothing is scheduled that could be withdrawn."
    QUOTE_NOT_FOUND = "QUOTE_NOT_FOUND", "No quote has this id for this customer."
    INVOICE_NOT_FOUND = "INVOICE_NOT_FOUND", "No invoice has this id."
    PAYMENT_NOT_FOUND = "PAYMENT_NOT_FOUND", "No payment has this id."
    PAYMENT_METHOD_NOT_FOUND = "PAYMENT_METHOD_NOT_FOUND", "The customer has no such payment method."
    OPERATION_NOT_FOUND = "OPERATION_NOT_FOUND", "No operation has this id."
    WEBHOOK_EVENT_NOT_FOUND = "WEBHOOK_EVENT_NOT_FOUND", "No webhook event has this id."

    CUSTOMER_EXISTS = "CUSTOMER_EXISTS", "This entity id is onboarded already, with other input."
    CUSTOMER_BUSY = "CUSTOMER_BUSY", "Another operation of this customer is running; try again when it has ended."
    IDEMPOTENCY_CONFLICT = "IDEMPOTENCY_CONFLICT", "This idempotency key was used before, with other input."
    ILLEGAL_TRANSITION = "ILLEGAL_TRANSITION", "The subscription's status does not allow this."
    SAME_PLAN = "SAME_PLAN", "The customer is on this tier and billing period already."
    STALE_QUOTE = "STALE_QUOTE", "What was quoted no longer holds; ask for a new quote."
    QUOTE_EXPIRED = "QUOTE_EXPIRED", "The quote is past its expiry; ask for a new one."
    OPERATION_NOT_RESUMABLE = "OPERATION_NOT_RESUMABLE", "The operation has ended; there is nothing to resume."
    INVOICE_NOT_PAYABLE = "INVOICE_NOT_PAYABLE", "Only an open or an uncollectible invoice can be paid."
    REFUND_EXCEEDS_CAPTURED = "REFUND_EXCEEDS_CAPTURED", "More than what was captured and not yet refunded."

    SANDBOX_ONLY = "SANDBOX_ONLY", "This works only while both providers are the mocks of this machine."

    PAYMENT_DECLINED = "PAYMENT_DECLINED", "The payment was declined; nothing was changed."
    PAYMENT_METHOD_REJECTED = "PAYMENT_METHOD_REJECTED", "The payment provider does not accept this payment method."
    PROVIDER_UNAVAILABLE = "PROVIDER_UNAVAILABLE", "A provider cannot be reached; the same request may succeed later."
    PROVIDER_REJECTED = "PROVIDER_REJECTED", "A provider refused the request; repeating it will not help."

    @property
    def retryable(self) -> bool:
        """Whether the very same request may succeed later."""
        return self in (ErrorCode.CUSTOMER_BUSY, ErrorCode.PROVIDER_UNAVAILABLE)
