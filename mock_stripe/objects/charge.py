from typing import Literal, TypedDict

from mock_stripe.objects.contact import BillingDetails, Shipping
from mock_stripe.objects.payment_method import Checks, RadarOptions


class Outcome(TypedDict):
    advice_code: str | None
    network_advice_code: str | None
    network_decline_code: str | None
    network_status: str
    reason: str | None
    risk_level: str
    risk_score: int
    seller_message: str
    type: str


class FraudDetails(TypedDict):
    pass


class Availability(TypedDict):
    status: str


class Overcapture(TypedDict):
    maximum_amount_capturable: int
    status: str


class NetworkToken(TypedDict):
    used: bool


class ThreeDSecure(TypedDict):
    authentication_flow: str | None
    electronic_commerce_indicator: str | None
    exemption_indicator: str | None
    result: str | None
    result_reason: str | None
    transaction_id: str | None
    version: str | None


class ChargedCard(TypedDict):
    amount_authorized: int | None
    authorization_code: str | None
    brand: str
    capture_before: int | None
    checks: Checks
    country: str
    exp_month: int
    exp_year: int
    extended_authorization: Availability
    fingerprint: str
    funding: str
    incremental_authorization: Availability
    installments: None
    last4: str
    mandate: None
    multicapture: Availability
    network: str
    network_token: NetworkToken
    network_transaction_id: str
    overcapture: Overcapture
    regulated_status: str
    three_d_secure: ThreeDSecure | None
    wallet: None


class PaymentMethodDetails(TypedDict):
    card: ChargedCard
    type: Literal["card"]


class Charge(TypedDict):
    id: str
    object: Literal["charge"]
    amount: int
    amount_captured: int
    amount_refunded: int
    application: None
    application_fee: None
    application_fee_amount: None
    balance_transaction: str | None
    billing_details: BillingDetails
    calculated_statement_descriptor: str
    captured: bool
    created: int
    currency: str
    customer: str | None
    description: str | None
    disputed: bool
    failure_balance_transaction: None
    failure_code: str | None
    failure_message: str | None
    fraud_details: FraudDetails
    livemode: Literal[False]
    metadata: dict[str, str]
    on_behalf_of: None
    outcome: Outcome
    paid: bool
    payment_intent: str
    payment_method: str
    payment_method_details: PaymentMethodDetails
    radar_options: RadarOptions
    receipt_email: str | None
    receipt_number: str | None
    receipt_url: str | None
    refunded: bool
    review: None
    shipping: Shipping | None
    source: None
    source_transfer: None
    statement_descriptor: str | None
    statement_descriptor_suffix: str | None
    status: Literal["succeeded", "pending", "failed"]
    transfer_data: None
    transfer_group: str | None
