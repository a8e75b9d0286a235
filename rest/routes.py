"""The older REST form: thin routes over the same verbs and queries, in lower case."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from billing.errors import BillingError
from models import AuditOutcome
from rest.answers import failed, not_allowed, not_served, refused
from rest.customers import list_customers, onboard, show_subscription
from rest.health import Broken, CheckHealth, live, ready
from rest.tier_change import change_tier
from schema.context import Context
from schema.errors import NotAllowed
from schema.extensions import TookTooLong
from schema.gate import audited, check
from schema.policy import MUTATIONS, QUERIES, Rule

HANDLERS = {BillingError: refused, NotAllowed: not_allowed, HTTPException: not_served, Exception: failed}

# As much as the same costs in GraphQL.
COST_OF_READING = 50
COST_OF_CHANGING = 50

ContextGetter = Callable[[Request], Awaitable[Context]]
"""Raises HTTP 401 for a stranger."""

Endpoint = Callable[[Request, Context], Awaitable[Response]]
Answering = Callable[[Request], Awaitable[Response]]


def health_routes(broken: Broken, check_health: CheckHealth) -> list[BaseRoute]:
    return [
        Route("/health", live(broken), methods=["GET"]),
        Route("/health/ready", ready(check_health), methods=["GET"]),
    ]


def routes(context: ContextGetter, *, seconds: float) -> list[BaseRoute]:
    """Each route under the rule of the root field it stands for, and in the time that GraphQL has."""

    def read(path: str, endpoint: Endpoint, name: str) -> Route:
        return Route(path, _in_time(_guarded(endpoint, QUERIES[name], context), seconds), methods=["GET"])

    def change(path: str, endpoint: Endpoint, name: str) -> Route:
        rule = replace(MUTATIONS[name], own=None)  # called by servers: no verb here knows a customer's own token
        return Route(path, _in_time(_audited(endpoint, rule, name, context), seconds), methods=["POST"])

    return [
        Mount(
            "/api",
            routes=[
                change("/onboard", onboard, "onboard"),
                change("/tier/change", change_tier, "changeTier"),
                read("/customers", list_customers, "customers"),
                read("/subscription/{entity_id}", show_subscription, "subscription"),
            ],
            middleware=[Middleware(ExceptionMiddleware, handlers=HANDLERS)],
        ),
    ]


def _in_time(answering: Answering, seconds: float) -> Answering:
    """What a verb has accepted by then goes on without the request."""

    async def bounded(request: Request) -> Response:
        try:
            async with asyncio.timeout(seconds) as patience:
                return await answering(request)
        except TimeoutError:
            if not patience.expired():
                raise
            raise HTTPException(503, TookTooLong(seconds).message) from None

    return bounded


def _guarded(endpoint: Endpoint, rule: Rule, context: ContextGetter) -> Answering:
    async def guarded(request: Request) -> Response:
        found = await context(request)
        check(rule, found.caller)
        await found.charge(COST_OF_READING)
        return await endpoint(request, found)

    return guarded


def _audited(endpoint: Endpoint, rule: Rule, name: str, context: ContextGetter) -> Answering:
    async def guarded(request: Request) -> Response:
        found = await context(request)
        await found.charge(COST_OF_CHANGING)
        async with audited(name, None, found) as answer:
            check(rule, found.caller)
            response = await endpoint(request, found)
            answer.outcome = AuditOutcome.REPEATED  # unless it was accepted just now, and is in the log
        return response

    return guarded
