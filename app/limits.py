"""From settings to what one request may ask for, and who may explore."""

from access.scopes import Scope
from app.middleware import KIB, Limits
from app.settings import Settings
from schema.budget import DocumentLimits
from schema.context import Context
from schema.extensions import Policy


def request_limits(settings: Settings) -> Limits:
    return Limits(
        header_bytes=settings.request_max_header_bytes,
        body_bytes=settings.request_max_bytes,
        body_bytes_by_prefix={"/webhooks": 256 * KIB},
        body_seconds=settings.request_timeout_seconds,
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
        seconds=settings.request_timeout_seconds,
    )


def is_admin(context: object) -> bool:
    return isinstance(context, Context) and context.caller.may(Scope.ADMIN)
