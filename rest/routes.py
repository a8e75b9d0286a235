"""The older REST form: thin routes over the same verbs and queries, in lower case."""

from collections.abc import Awaitable, Callable

from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.routing import BaseRoute, Mount, Route

from billing.errors import BillingError
from rest.answers import failed, not_served, refused
from rest.customers import list_customers, onboard, show_subscription
from rest.health import Broken, CheckHealth, live, ready
from rest.tier_change import change_tier
from schema.context import Context

HANDLERS = {BillingError: refused, HTTPException: not_served, Exception: failed}

ContextGetter = Callable[[Request], Awaitable[Context]]


def health_routes(broken: Broken, check_health: CheckHealth) -> list[BaseRoute]:
    return [
        Route("/health", live(broken), methods=["GET"]),
        Route("/health/ready", ready(check_health), methods=["GET"]),
    ]


def routes(context: ContextGetter) -> list[BaseRoute]:
    return [
        Mount(
            "/api",
            routes=[
                Route("/onboard", onboard(context), methods=["POST"]),
                Route("/tier/change", change_tier(context), methods=["POST"]),
                Route("/customers", list_customers, methods=["GET"]),
                Route("/subscription/{entity_id}", show_subscription, methods=["GET"]),
            ],
            middleware=[Middleware(ExceptionMiddleware, handlers=HANDLERS)],
        ),
    ]
