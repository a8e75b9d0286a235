from datetime import timedelta

import models
from access import audit
from access.audit import About
from access.callers import OwnCustomer
from billing.errors import BillingError, CustomerNotFound
from models import AuditOutcome
from resolvers.pages import one, searchable
from schema.context import Info
from schema.errors import user_errors
from schema.types.customer_token import MintCustomerTokenInput, MintCustomerTokenPayload


async def mint_customer_token(
    info: Info,
    input: MintCustomerTokenInput,  # noqa: A002  its name in the schema
) -> MintCustomerTokenPayload:
    context = info.context
    try:
        customer = await _customer(searchable(input.entity_id))
        token = context.authenticator.mint(context.caller, customer, lifetime=timedelta(seconds=input.ttl_seconds))
        await audit.record(
            "mintCustomerToken",
            AuditOutcome.SUCCEEDED,
            at=context.now(),
            about=About(customer.id, customer.entity_id),
            after={"id": token.id, "expires_at": token.expires_at},
        )
    except BillingError as problem:
        return MintCustomerTokenPayload(user_errors=user_errors(problem))
    return MintCustomerTokenPayload(token=token.text.get_secret_value(), expires_at=token.expires_at)


async def _customer(entity_id: str) -> OwnCustomer:
    row = await one(models.Customer.filter(entity_id=entity_id), ("id", "entity_id"))
    if row is None:
        raise CustomerNotFound(entity_id)
    return OwnCustomer(*row)
