"""What payment intents and setup intents share."""

from typing import Literal, NotRequired, TypedDict


class AutomaticPaymentMethods(TypedDict):
    allow_redirects: str
    enabled: bool


class ConfigurationDetails(TypedDict):
    id: str
    parent: str | None


class RedirectToUrl(TypedDict):
    return_url: str
    url: str


class UseStripeSdk(TypedDict):
    """For Stripe.js; its members are undocumented on purpose."""

    directory_server_encryption: dict[str, str]
    merchant: str
    one_click_authn: None
    server_transaction_id: str
    three_d_secure_2_source: str
    three_ds_method_url: str
    three_ds_optimizations: str
    type: Literal["stripe_3ds2_fingerprint"]


class NextAction(TypedDict):
    type: str
    redirect_to_url: NotRequired[RedirectToUrl]
    use_stripe_sdk: NotRequired[UseStripeSdk]


class CardOptions(TypedDict):
    installments: NotRequired[None]
    mandate_options: None
    network: str | None
    request_three_d_secure: str


class PaymentMethodOptions(TypedDict):
    card: CardOptions
