"""Payments, payment methods, refunds and credits by hand: what is asked, and what is answered."""

from datetime import datetime

import strawberry

from schema.types.money import MoneyInput
from schema.types.payload import Payload
from schema.types.payment import PaymentMethod, Refund
from schema.types.scalars import BigInt

KEY = "Your name for this request, 1 to 255 characters: sent again, it gets the same answer."
ON_FILE = "One on file, by its `id` or its `stripePaymentMethodId`."


@strawberry.input(description="Which invoice to collect now, and with what.")
class PayInvoiceInput:
    invoice_id: strawberry.ID
    payment_method_id: strawberry.ID | None = strawberry.field(
        default=None, description=f"{ON_FILE} The default one, if left out."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.type(
    description="What the attempt came to. While its payment is REQUIRES_ACTION the payer has to confirm it; "
    "the operation does not wait for that."
)
class PayInvoicePayload(Payload):
    pass


@strawberry.input(description="Which payment the payer has been asked to confirm.")
class ConfirmPaymentInput:
    payment_id: strawberry.ID
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.type(description="What became of the payment, and the operation that waited for it or settled it.")
class ConfirmPaymentPayload(Payload):
    pass


@strawberry.input(description="How much of a payment to give back.")
class RefundPaymentInput:
    payment_id: strawberry.ID
    amount: MoneyInput | None = strawberry.field(
        default=None, description="In the payment's currency. All that is left of it, if left out."
    )
    reason: str | None = strawberry.field(default=None, description="For people to read: at most 500 characters.")
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.type(description="What the refund came to.")
class RefundPaymentPayload(Payload):
    refund: Refund | None = strawberry.field(default=None, description="Null when it was refused.")


@strawberry.input(description="Whose card to put on file.")
class AttachPaymentMethodInput:
    entity_id: str
    payment_method_id: str = strawberry.field(description="A Stripe payment method, as `pm_...`.")
    make_default: bool = strawberry.field(
        default=True, description="Collect invoices with it from now on; those that are overdue are tried at once."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.type(description="What attaching came to.")
class AttachPaymentMethodPayload(Payload):
    payment_method: PaymentMethod | None = strawberry.field(default=None, description="Null when it was not accepted.")


@strawberry.input(description="Which card to collect invoices with from now on.")
class SetDefaultPaymentMethodInput:
    entity_id: str
    payment_method_id: strawberry.ID = strawberry.field(description=ON_FILE)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.type(description="What the change of the default came to.")
class SetDefaultPaymentMethodPayload(Payload):
    payment_method: PaymentMethod | None = strawberry.field(default=None, description="The default one now.")


@strawberry.input(description="Which card to forget. It cannot be attached again.")
class DetachPaymentMethodInput:
    entity_id: str
    payment_method_id: strawberry.ID = strawberry.field(description=ON_FILE)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.type(description="What detaching came to. That a paid plan is left without a default is a warning.")
class DetachPaymentMethodPayload(Payload):
    payment_method: PaymentMethod | None = strawberry.field(default=None, description="The one that was detached.")


@strawberry.input(description="Whose browser wants to put a card on file.")
class CreateSetupIntentInput:
    entity_id: str
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.type(description="What the browser needs to put a card on file.")
class CreateSetupIntentPayload(Payload):
    client_secret: str | None = strawberry.field(
        default=None, description="For this customer's own session only. Null when it was refused."
    )


@strawberry.input(description="How many credits to give whom, and for how long.")
class GrantCreditsInput:
    entity_id: str
    amount: BigInt = strawberry.field(description="From 1 to 1,000,000,000,000.")
    expires_at: datetime | None = strawberry.field(
        default=None, description="In the future. They do not expire, if left out, and outlive the subscription."
    )
    reason: str | None = strawberry.field(default=None, description="For people to read: at most 500 characters.")
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.type(description="What the grant came to; the balance is the customer's.")
class GrantCreditsPayload(Payload):
    pass


@strawberry.input(description="Which operation to look after again.")
class ResumeOperationInput:
    operation_id: strawberry.ID
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.type(description="How far the operation is now.")
class ResumeOperationPayload(Payload):
    pass
