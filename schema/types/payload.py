"""What every mutation answers with. Each has a type of its own, so that one can grow without the others."""

from typing import TypeVar

import strawberry

from schema.types.customer import Customer
from schema.types.errors import OperationWarning, UserError
from schema.types.invoice import Invoice
from schema.types.operation import Operation
from schema.types.payment import Payment
from schema.types.subscription import Subscription


@strawberry.type
class Payload:
    customer: Customer | None = strawberry.field(default=None, description="As it stands now.")
    subscription: Subscription | None = None
    invoice: Invoice | None = strawberry.field(default=None, description="The invoice this came to, if any.")
    payment: Payment | None = strawberry.field(default=None, description="The latest attempt to collect it.")
    operation: Operation | None = strawberry.field(default=None, description="How far it is; null when it was refused.")
    warnings: list[OperationWarning] = strawberry.field(default_factory=list)
    user_errors: list[UserError] = strawberry.field(default_factory=list)


P = TypeVar("P", bound=Payload)
