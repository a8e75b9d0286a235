"""What the REST routes read, checked field by field; unknown fields are refused."""

from typing import Annotated

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from billing.errors import InvalidInput
from billing.tiers import BillingPeriod, EntityType, Tier


class _Body(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True, hide_input_in_errors=True)


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
    minor_units: Annotated[int, Field(strict=True)]
    currency: str = "USD"


class EnterpriseTermsBody(_Body):
    price: PriceBody
    credits_per_month: Annotated[int, Field(strict=True)]


class OnboardBody(_Body):
    entity: EntityBody
    tier: Annotated[Tier, BeforeValidator(_upper)] = Tier.FREE
    billing_period: Annotated[BillingPeriod, BeforeValidator(_upper)] = BillingPeriod.MONTHLY
    enterprise_terms: EnterpriseTermsBody | None = None
    payment_method_id: str | None = None

    @classmethod
    def read(cls, raw: bytes) -> "OnboardBody":
        """Raises `InvalidInput` naming the first field that is wrong."""
        try:
            return cls.model_validate(orjson.loads(raw))
        except orjson.JSONDecodeError:
            raise InvalidInput("body", "must be JSON") from None
        except ValidationError as invalid:
            first = invalid.errors(include_url=False, include_input=False)[0]
            field = ".".join(str(part) for part in first["loc"]) or "body"
            raise InvalidInput(field, f"is wrong: {first['msg']}") from None
