from typing import Literal, TypedDict


class FeeDetail(TypedDict):
    amount: int
    application: None
    currency: str
    description: str
    type: Literal["stripe_fee"]


class BalanceTransaction(TypedDict):
    id: str
    object: Literal["balance_transaction"]
    amount: int
    available_on: int
    balance_type: Literal["payments"]
    created: int
    currency: str
    description: str | None
    exchange_rate: None
    fee: int
    fee_details: list[FeeDetail]
    net: int
    reporting_category: str
    source: str
    status: Literal["pending", "available"]
    type: str
