from typing import Literal, TypedDict

from mock_stripe.objects.contact import BillingDetails


class Checks(TypedDict):
    address_line1_check: str | None
    address_postal_code_check: str | None
    cvc_check: str | None


class Networks(TypedDict):
    available: list[str]
    preferred: str | None


class ThreeDSecureUsage(TypedDict):
    supported: bool


class Card(TypedDict):
    brand: str
    checks: Checks
    country: str
    display_brand: str
    exp_month: int
    exp_year: int
    fingerprint: str
    funding: str
    generated_from: None
    last4: str
    networks: Networks
    regulated_status: str
    three_d_secure_usage: ThreeDSecureUsage
    wallet: None


class RadarOptions(TypedDict):
    session: str | None


class PaymentMethod(TypedDict):
    id: str
    object: Literal["payment_method"]
    allow_redisplay: str
    billing_details: BillingDetails
    card: Card
    created: int
    customer: str | None
    customer_account: str | None
    livemode: Literal[False]
    metadata: dict[str, str]
    radar_options: RadarOptions
    type: Literal["card"]
