from typing import Literal, TypedDict

from mock_stripe.objects.contact import Address, Shipping


class CustomField(TypedDict):
    name: str
    value: str


class InvoiceSettings(TypedDict):
    custom_fields: list[CustomField] | None
    default_payment_method: str | None
    footer: str | None
    rendering_options: None


class Customer(TypedDict):
    id: str
    object: Literal["customer"]
    address: Address | None
    balance: int
    business_name: str | None
    created: int
    currency: str | None
    customer_account: str | None
    default_source: str | None
    delinquent: bool
    description: str | None
    discount: None
    email: str | None
    individual_name: str | None
    invoice_prefix: str
    invoice_settings: InvoiceSettings
    livemode: Literal[False]
    metadata: dict[str, str]
    name: str | None
    next_invoice_sequence: int
    phone: str | None
    preferred_locales: list[str]
    shipping: Shipping | None
    tax_exempt: str
    test_clock: str | None


class DeletedCustomer(TypedDict):
    id: str
    object: Literal["customer"]
    deleted: Literal[True]
