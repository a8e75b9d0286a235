"""The older REST form: thin routes over the same verbs and queries, in lower case."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.routing import Route

from rest.customers import list_customers, onboard, show_subscription
from rest.health import live, ready
from schema.context import Context

ContextGetter = Callable[[Request], Awaitable[Context]]


def routes(context: ContextGetter) -> list[Route]:
    return [
        Route("/health", live, methods=["GET"]),
        Route("/health/ready", ready(context), methods=["GET"]),
        Route("/api/onboard", onboard(context), methods=["POST"]),
        Route("/api/customers", list_customers, methods=["GET"]),
        Route("/api/subscription/{entity_id}", show_subscription, methods=["GET"]),
    ]
