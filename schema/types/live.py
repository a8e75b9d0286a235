from collections.abc import Awaitable, Callable
from datetime import datetime

import strawberry

from schema.types.customer import Customer
from schema.types.operation import Operation


@strawberry.type(description="Something that happened, with what it is about as that stands now.")
class LiveEvent:
    cursor: str = strawberry.field(
        description="Give it as `after` to go on from here: nothing is missed, and nothing comes twice. "
        "A cursor of one subscription is a place in all of them."
    )
    at: datetime
    kind: str = strawberry.field(
        description="What happened, as `operation.succeeded`, `operation.step_done` or `payment.failed`. Without "
        "`after`, the first is `present`: nothing happened, this is how things stand."
    )
    summary: str = strawberry.field(description="The same in a sentence, for a person.")
    customer_id: strawberry.ID | None
    entity_id: str | None = strawberry.field(description="The customer, by your own id.")
    operation_id: strawberry.ID | None = strawberry.field(description="The operation that did it.")
    load_customer: strawberry.Private[Callable[[], Awaitable[Customer | None]]]
    load_operation: strawberry.Private[Callable[[], Awaitable[Operation | None]]]

    @strawberry.field(description="The customer as it stands now, which may be further on than this event.")
    async def customer(self) -> Customer | None:
        return await self.load_customer()

    @strawberry.field(description="The operation as it stands now, which may be further on than this event.")
    async def operation(self) -> Operation | None:
        return await self.load_operation()
