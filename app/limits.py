"""From settings to what one request may ask for, and who may explore."""

from graphql import GraphQLError
from starlette.exceptions import HTTPException

from access.scopes import Scope
from app.graphql_refusals import refusal_for
from app.middleware import KIB, BodyLimit, Limits
from app.settings import Settings
from schema.budget import DocumentLimits
from schema.context import Context
from schema.extensions import Policy

WEBHOOK_BODY_SECONDS = 5.0
"""A provider sends at once, or not at all."""


def request_limits(settings: Settings) -> Limits:
    seconds = settings.request_timeout_seconds
    return Limits(
        header_bytes=settings.request_max_header_bytes,
        body=BodyLimit(size_bytes=settings.request_max_bytes, seconds=seconds),
        body_by_prefix={"/webhooks": BodyLimit(size_bytes=256 * KIB, seconds=min(seconds, WEBHOOK_BODY_SECONDS))},
    )


def graphql_policy(settings: Settings) -> Policy:
    return Policy(
        introspection=settings.explorable(settings.introspection),
        hints=settings.explorable(settings.schema_hints),
        is_explorer=is_admin,
        limits=DocumentLimits(
            depth=settings.graphql_max_depth,
            aliases=settings.graphql_max_aliases,
            tokens=settings.graphql_max_tokens,
            cost=settings.graphql_max_cost,
        ),
        charge=charge,
        seconds=settings.request_timeout_seconds,
    )


async def charge(context: object, cost: int) -> GraphQLError | None:
    if isinstance(context, Context):
        try:
            await context.charge(cost)
        except HTTPException as refusal:
            return refusal_for(refusal).error
    return None


def is_admin(context: object) -> bool:
    return isinstance(context, Context) and context.caller.may(Scope.ADMIN)
