"""The older REST form: thin routes over the same verbs and queries, in lower case."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from access.callers import acting_as
from billing.errors import BillingError
from rest.answers import failed, not_allowed, not_served, refused
from rest.customers import list_customers, onboard, show_subscription
from rest.health import Broken, CheckHealth, live, ready
from rest.tier_change import change_tier
from schema.context import Context
from schema.errors import NotAllowed
from schema.gate import check
from schema.policy import MUTATIONS, QUERIES, Rule

HANDLERS = {BillingError: refused, NotAllowed: not_allowed, HTTPException: not_served, Exception: failed}

ContextGetter = Callable[[Request], Awaitable[Context]]
"""Raises HTTP 401 for a stranger."""

Endpoint = Callable[[Request, Context], Awaitable[Response]]


def health_routes(broken: Broken, check_health: CheckHealth) -> list[BaseRoute]:
    return [
        Route("/health", live(broken), methods=["GET"]),
        Route("/health/ready", ready(check_health), methods=["GET"]),
    ]


def routes(context: ContextGetter) -> list[BaseRoute]:
    """Each route under the rule of the root field it stands for."""

    def route(path: str, endpoint: Endpoint, rule: Rule, method: str) -> Route:
        return Route(path, _guarded(endpoint, rule, context), methods=[method])

    return [
        Mount(
            "/api",
            routes=[
                route("/onboard", onboard, MUTATIONS["onboard"], "POST"),
                route("/tier/change", change_tier, _for_keys(MUTATIONS["changeTier"]), "POST"),
                route("/customers", list_customers, QUERIES["customers"], "GET"),
                route("/subscription/{entity_id}", show_subscription, QUERIES["subscription"], "GET"),
            ],
            middleware=[Middleware(ExceptionMiddleware, handlers=HANDLERS)],
        ),
    ]


def _for_keys(rule: Rule) -> Rule:
    """The older form is called by servers: its verbs do not know a customer's own token."""
    return replace(rule, own=None)


def _guarded(endpoint: Endpoint, rule: Rule, context: ContextGetter) -> Callable[[Request], Awaitable[Response]]:
    async def guarded(request: Request) -> Response:
        found = await context(request)
        check(rule, found.caller)
        with acting_as(found.caller):
            return await endpoint(request, found)

    return guarded
