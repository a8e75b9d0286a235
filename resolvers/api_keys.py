import models
from access.keys import create_key, revoke_key
from billing.errors import BillingError
from resolvers.running import named
from schema.context import Info
from schema.errors import user_errors
from schema.types.api_key import (
    ApiKey,
    CreateApiKeyInput,
    CreateApiKeyPayload,
    RevokeApiKeyInput,
    RevokeApiKeyPayload,
)

MOST_LISTED = 1000


async def api_keys() -> list[ApiKey]:
    rows = models.ApiKey.all().order_by("-created_at", "-id").limit(MOST_LISTED)
    return [ApiKey.from_row(row) for row in await rows.values_list(*ApiKey.COLUMNS)]


async def create_api_key(info: Info, input: CreateApiKeyInput) -> CreateApiKeyPayload:  # noqa: A002  its name in the schema
    door = info.context.authenticator
    try:
        made = await create_key(input.name, input.scopes, live=door.live, at=door.now(), expires_at=input.expires_at)
    except BillingError as problem:
        return CreateApiKeyPayload(user_errors=user_errors(problem))
    return CreateApiKeyPayload(secret=made.secret.get_secret_value(), api_key=_shown(made.row))


async def revoke_api_key(info: Info, input: RevokeApiKeyInput) -> RevokeApiKeyPayload:  # noqa: A002  as above
    try:
        row = await revoke_key(named(input.id), at=info.context.authenticator.now())
    except BillingError as problem:
        return RevokeApiKeyPayload(user_errors=user_errors(problem))
    return RevokeApiKeyPayload(api_key=_shown(row))


def _shown(row: models.ApiKey) -> ApiKey:
    return ApiKey.from_row(tuple(getattr(row, column) for column in ApiKey.COLUMNS))
