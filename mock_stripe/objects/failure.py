from typing import NotRequired, TypedDict

from mock_stripe.objects.payment_method import PaymentMethod


class Failure(TypedDict):
    """`last_payment_error` and `last_setup_error`; the same facts stand in the 402's body."""

    advice_code: NotRequired[str]
    charge: NotRequired[str]
    code: str
    decline_code: NotRequired[str]
    doc_url: str
    message: str
    network_decline_code: NotRequired[str]
    payment_method: NotRequired[PaymentMethod]
    type: str
