"""The grantCredits mutation."""

from operations.grant_credits import grant_credits as grant
from resolvers.pages import searchable
from resolvers.running import answer, means
from schema.context import Info
from schema.types.payment_inputs import GrantCreditsInput, GrantCreditsPayload


async def grant_credits(info: Info, input: GrantCreditsInput) -> GrantCreditsPayload:  # noqa: A002  its name in the schema
    verb = grant(
        searchable(input.entity_id),
        input.amount,
        expires_at=input.expires_at,
        reason=input.reason,
        idempotency_key=input.idempotency_key,
        **means(info),
    )
    return await answer(GrantCreditsPayload, verb)
