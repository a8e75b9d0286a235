from typing import Literal, TypedDict

from mock_stripe.objects.failure import Failure
from mock_stripe.objects.intent import AutomaticPaymentMethods, ConfigurationDetails, NextAction, PaymentMethodOptions
from mock_stripe.objects.payment_method import Checks

SetupIntentStatus = Literal[
    "requires_payment_method", "requires_confirmation", "requires_action", "canceled", "succeeded"
]


class SetupIntent(TypedDict):
    id: str
    object: Literal["setup_intent"]
    allowed_payment_method_types: list[str] | None
    application: None
    automatic_payment_methods: AutomaticPaymentMethods | None
    cancellation_reason: str | None
    client_secret: str
    created: int
    customer: str | None
    customer_account: str | None
    description: str | None
    excluded_payment_method_types: list[str] | None
    flow_directions: None
    last_setup_error: Failure | None
    latest_attempt: str | None
    livemode: Literal[False]
    mandate: None
    metadata: dict[str, str]
    next_action: NextAction | None
    on_behalf_of: None
    payment_method: str | None
    payment_method_configuration_details: ConfigurationDetails | None
    payment_method_options: PaymentMethodOptions
    payment_method_types: list[str]
    single_use_mandate: None
    status: SetupIntentStatus
    usage: str


class AttemptedCard(TypedDict):
    brand: str
    checks: Checks
    country: str
    exp_month: int
    exp_year: int
    fingerprint: str
    funding: str
    last4: str
    network: str
    three_d_secure: None
    wallet: None


class AttemptDetails(TypedDict):
    card: AttemptedCard
    type: Literal["card"]


class SetupAttempt(TypedDict):
    id: str
    object: Literal["setup_attempt"]
    application: None
    created: int
    customer: str | None
    customer_account: str | None
    flow_directions: None
    livemode: Literal[False]
    on_behalf_of: None
    payment_method: str
    payment_method_details: AttemptDetails
    setup_error: Failure | None
    setup_intent: str
    status: str
    usage: str
