"""What the REST routes read, checked field by field; unknown fields are refused."""

from typing import Annotated, Self

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from starlette.exceptions import HTTPException
from starlette.requests import Request

from billing.errors import InvalidInput
from billing.tiers import BillingPeriod, EntityType, Tier
from schema.types.money import MoneyInput
from schema.types.onboarding import EnterpriseTermsInput
from schema.types.scalars import MAX_SAFE_INTEGER, BigInt

WholeNumber = Annotated[int, Field(strict=True, ge=-MAX_SAFE_INTEGER, le=MAX_SAFE_INTEGER)]


async def read_json(request: Request) -> object:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "Send application/json.")
    try:
        return orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        raise HTTPException(400, "The body is not JSON.") from None


class _Body(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True, hide_input_in_errors=True)

    @classmethod
    def read(cls, content: object) -> Self:
        """Raises `InvalidInput` naming the first field that is wrong."""
        try:
            return cls.model_validate(content)
        except ValidationError as invalid:
            first = invalid.errors(include_url=False, include_input=False)[0]
            field = ".".join(str(part) for part in first["loc"]) or "body"
            raise InvalidInput(field, f"is wrong: {first['msg']}") from None


def _upper(value: object) -> object:
    """The older form writes its enums in lower case."""
    return value.upper() if isinstance(value, str) else value


class EntityBody(_Body):
    id: str
    type: Annotated[EntityType, BeforeValidator(_upper)]
    name: str
    email: str
    metadata: dict[str, str] = Field(default_factory=dict)
    # Sent by older callers; this service keeps its own.
    created_at: str | None = None
    updated_at: str | None = None


class PriceBody(_Body):
    minor_units: WholeNumber
    currency: str = "USD"


class EnterpriseTermsBody(_Body):
    price: PriceBody
    credits_per_month: WholeNumber

    def given(self) -> EnterpriseTermsInput:
        price = MoneyInput(minor_units=BigInt(self.price.minor_units), currency=self.price.currency)
        return EnterpriseTermsInput(price=price, credits_per_month=BigInt(self.credits_per_month))


class OnboardBody(_Body):
    entity: EntityBody
    tier: Annotated[Tier, BeforeValidator(_upper)] = Tier.FREE
    billing_period: Annotated[BillingPeriod, BeforeValidator(_upper)] = BillingPeriod.MONTHLY
    enterprise_terms: EnterpriseTermsBody | None = None
    payment_method_id: str | None = None


class TierChangeBody(_Body):
    entity_id: str
    new_tier: Annotated[Tier, BeforeValidator(_upper)]
    billing_period: Annotated[BillingPeriod | None, BeforeValidator(_upper)] = None
    effective_date: str | None = None
    enterprise_terms: EnterpriseTermsBody | None = None
