from typing import Literal, NotRequired, TypedDict

RefundStatus = Literal["pending", "requires_action", "succeeded", "failed", "canceled"]


class CardDestination(TypedDict):
    reference: NotRequired[str]
    reference_status: str
    reference_type: str
    type: str


class DestinationDetails(TypedDict):
    card: CardDestination
    type: Literal["card"]


class Refund(TypedDict):
    id: str
    object: Literal["refund"]
    amount: int
    balance_transaction: str | None
    charge: str
    created: int
    currency: str
    customer: str | None
    customer_account: str | None
    destination_details: DestinationDetails
    failure_balance_transaction: NotRequired[str]
    failure_reason: NotRequired[str]
    metadata: dict[str, str]
    payment_intent: str | None
    payment_method: str | None
    pending_reason: NotRequired[str]
    reason: str | None
    receipt_number: str | None
    source_transfer_reversal: None
    status: RefundStatus
    transfer_reversal: None
