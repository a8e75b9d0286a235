from datetime import datetime

from tortoise.functions import Sum

import models
from resolvers.pages import Order, one, page
from schema.context import Info
from schema.types.connection import Connection
from schema.types.credits import CreditBalance, CreditEntry
from schema.types.scalars import BigInt

_NEWEST = Order("at", descending=True)


async def credits(info: Info, entity_id: str, as_of: datetime | None = None) -> CreditBalance | None:  # noqa: A001
    """Now from the customer's row; as of an earlier instant from the ledger."""
    row = await one(models.Customer.filter(entity_id=entity_id), ("id", "credit_balance"))
    if row is None:
        return None
    customer_id, balance = row
    if as_of is None:
        return CreditBalance(balance=BigInt(balance), as_of=info.context.now())
    until_then = models.CreditEntry.filter(customer_id=customer_id, at__lte=as_of)
    [(summed,)] = await until_then.annotate(balance=Sum("amount")).values_list("balance")
    return CreditBalance(balance=BigInt(int(summed or 0)), as_of=as_of)


async def credit_ledger(entity_id: str, first: int = 20, after: str | None = None) -> Connection[CreditEntry]:
    query = models.CreditEntry.filter(customer__entity_id=entity_id)
    return await page(query, CreditEntry, first=first, after=after, order=_NEWEST)
