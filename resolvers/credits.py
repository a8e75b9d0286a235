from datetime import datetime
from typing import Annotated

import strawberry
from tortoise.functions import Sum

import models
from resolvers.pages import Order, one, page_of_customer, searchable
from schema.context import Info
from schema.types.arguments import EntityId
from schema.types.connection import After, Connection, First
from schema.types.credits import CreditBalance, CreditEntry
from schema.types.scalars import BigInt

_NEWEST = Order("at", descending=True)

AsOf = Annotated[
    datetime | None, strawberry.argument(description="What was done at that very instant counts. Now, if left out.")
]


async def credits(info: Info, entity_id: EntityId, as_of: AsOf = None) -> CreditBalance | None:  # noqa: A001
    """Now from the customer's row; as of another instant from the ledger."""
    query = models.Customer.filter(entity_id=searchable(entity_id), **info.context.caller.only("id"))
    row = await one(query, ("id", "credit_balance"))
    if row is None:
        return None
    customer_id, balance = row
    if as_of is None:
        return CreditBalance(balance=BigInt(balance), as_of=info.context.now())
    until_then = models.CreditEntry.filter(customer_id=customer_id, at__lte=as_of)
    [(summed,)] = await until_then.annotate(balance=Sum("amount")).values_list("balance")
    return CreditBalance(balance=BigInt(int(summed or 0)), as_of=as_of)


async def credit_ledger(
    info: Info, entity_id: EntityId, first: First = 20, after: After = None
) -> Connection[CreditEntry] | None:
    return await page_of_customer(
        info.context.caller, entity_id, models.CreditEntry, CreditEntry, first=first, after=after, order=_NEWEST
    )
