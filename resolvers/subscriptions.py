import models
from billing.tiers import CATALOGUE
from resolvers.pages import one, searchable
from schema.types.arguments import EntityId
from schema.types.subscription import Subscription
from schema.types.tier import TierInfo


async def subscription(entity_id: EntityId) -> Subscription | None:
    query = models.Subscription.filter(customer__entity_id=searchable(entity_id), is_current=True)
    row = await one(query, Subscription.COLUMNS)
    return Subscription.from_row(row) if row else None


def tiers() -> list[TierInfo]:
    return [TierInfo.from_entry(entry) for entry in CATALOGUE.entries]
