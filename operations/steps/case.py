"""The rows an operation works on, read at the start of each step."""

from dataclasses import dataclass
from typing import Self

from models import Customer, Operation, Subscription


@dataclass(frozen=True, slots=True)
class Case:
    operation: Operation
    customer: Customer
    subscription: Subscription

    @classmethod
    async def load(cls, operation_id: str) -> Self:
        operation = await Operation.get(id=operation_id)
        return cls(
            operation=operation,
            customer=await Customer.get(id=operation.customer_id),
            subscription=await Subscription.get(customer_id=operation.customer_id, is_current=True),
        )


def settled(provider_id: str | None) -> str:
    """The provider's id that an earlier step of the same operation wrote down."""
    if provider_id is None:
        raise AssertionError("a step ran before the step it builds on")
    return provider_id
