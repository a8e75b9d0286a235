from typing import Self

import strawberry

from billing.money import Money as Amount
from billing.tiers import CatalogueEntry
from schema.types.enums import Tier
from schema.types.money import Money
from schema.types.scalars import BigInt


@strawberry.type(description="One tier of the catalogue. Prices and credits agreed with each customer are null.")
class TierInfo:
    tier: Tier
    name: str = strawberry.field(description="As people read it.")
    monthly_price: Money | None
    yearly_price: Money | None
    credits_per_month: BigInt | None
    features: list[str] = strawberry.field(description="What it includes, for people to read.")

    @classmethod
    def from_entry(cls, entry: CatalogueEntry) -> Self:
        return cls(
            tier=entry.tier,
            name=entry.display_name,
            monthly_price=_price(entry.monthly_price),
            yearly_price=_price(entry.yearly_price),
            credits_per_month=None if entry.credits_per_month is None else BigInt(entry.credits_per_month),
            features=list(entry.features),
        )


def _price(price: Amount | None) -> Money | None:
    return None if price is None else Money.of(price.minor_units, price.currency)
