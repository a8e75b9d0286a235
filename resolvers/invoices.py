import models
from resolvers.pages import NEWEST_BY_CREATION, Order, page_of_customer
from schema.context import Info
from schema.types.arguments import EntityId
from schema.types.connection import After, Connection, First
from schema.types.invoice import Invoice
from schema.types.payment import Payment

_NEWEST = Order("issued_at", descending=True)


async def invoices(
    info: Info, entity_id: EntityId, first: First = 20, after: After = None
) -> Connection[Invoice] | None:
    return await page_of_customer(
        info.context.caller, entity_id, models.Invoice, Invoice, first=first, after=after, order=_NEWEST
    )


async def payments(
    info: Info, entity_id: EntityId, first: First = 20, after: After = None
) -> Connection[Payment] | None:
    return await page_of_customer(
        info.context.caller, entity_id, models.Payment, Payment, first=first, after=after, order=NEWEST_BY_CREATION
    )
