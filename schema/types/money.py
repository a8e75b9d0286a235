from typing import Self

import strawberry

from billing.money import Money as Amount
from schema.types.scalars import BigInt


@strawberry.type(description="An amount of money: whole minor units (cents, for USD) of one currency.")
class Money:
    minor_units: BigInt
    currency: str = strawberry.field(description="ISO 4217, upper case.")
    amount: str = strawberry.field(description='The same as a decimal string: "9.00".')

    @classmethod
    def of(cls, minor_units: int, currency: str) -> Self:
        return cls(minor_units=BigInt(minor_units), currency=currency, amount=Amount(minor_units, currency).amount)


@strawberry.input(description="An amount of money in whole minor units; fractions do not exist.")
class MoneyInput:
    minor_units: BigInt
    currency: str = strawberry.field(default="USD", description="ISO 4217, upper case.")
