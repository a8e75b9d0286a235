from typing import Literal, TypedDict

from mock_stripe.objects.contact import Shipping
from mock_stripe.objects.failure import Failure
from mock_stripe.objects.intent import AutomaticPaymentMethods, ConfigurationDetails, NextAction, PaymentMethodOptions

PaymentIntentStatus = Literal[
    "requires_payment_method",
    "requires_confirmation",
    "requires_action",
    "processing",
    "requires_capture",
    "canceled",
    "succeeded",
]


class Tip(TypedDict):
    pass


class AmountDetails(TypedDict):
    tip: Tip


class PaymentIntent(TypedDict):
    id: str
    object: Literal["payment_intent"]
    allowed_payment_method_types: list[str] | None
    amount: int
    amount_capturable: int
    amount_details: AmountDetails
    amount_received: int
    application: None
    application_fee_amount: None
    automatic_payment_methods: AutomaticPaymentMethods | None
    canceled_at: int | None
    cancellation_reason: str | None
    capture_method: str
    client_secret: str
    confirmation_method: str
    created: int
    currency: str
    customer: str | None
    customer_account: str | None
    description: str | None
    excluded_payment_method_types: list[str] | None
    last_payment_error: Failure | None
    latest_charge: str | None
    livemode: Literal[False]
    metadata: dict[str, str]
    next_action: NextAction | None
    on_behalf_of: None
    payment_method: str | None
    payment_method_configuration_details: ConfigurationDetails | None
    payment_method_options: PaymentMethodOptions
    payment_method_types: list[str]
    processing: None
    receipt_email: str | None
    review: None
    setup_future_usage: str | None
    shipping: Shipping | None
    source: None
    statement_descriptor: str | None
    statement_descriptor_suffix: str | None
    status: PaymentIntentStatus
    transfer_data: None
    transfer_group: str | None
