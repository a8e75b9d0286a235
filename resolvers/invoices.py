import models
from resolvers.pages import Order, page
from schema.types.connection import Connection
from schema.types.invoice import Invoice
from schema.types.payment import Payment

_NEWEST = Order("issued_at", descending=True)


async def invoices(entity_id: str, first: int = 20, after: str | None = None) -> Connection[Invoice]:
    query = models.Invoice.filter(customer__entity_id=entity_id)
    return await page(query, Invoice, first=first, after=after, order=_NEWEST)


async def payments(entity_id: str, first: int = 20, after: str | None = None) -> Connection[Payment]:
    query = models.Payment.filter(customer__entity_id=entity_id)
    return await page(query, Payment, first=first, after=after)
