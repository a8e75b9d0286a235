"""The wiring: which routes a process serves, behind which middleware."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

import httpx
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection
from starlette.routing import BaseRoute, Route, WebSocketRoute

from app.clock import Time
from app.entry import Entry, make_entry
from app.graphiql import GraphiQL
from app.graphql_view import BillingGraphQL
from app.limits import graphql_policy, request_limits
from app.live import CutOffStalled
from app.metrics import CountRequests, may_read, metrics_endpoint
from app.middleware import MaskFaults, RequestId, RequestLimits, SecurityHeaders
from app.running import MigrationsPending, Parts, Role, Transports, running
from app.settings import Settings
from app.signing_in import session_routes
from app.web_ui import web_ui_routes
from resolvers.loaders import make_loaders
from rest import routes as rest
from schema.context import Context
from schema.root import make_schema
from schema.types.environment import Environment, Mode
from schema.types.health import ServiceHealth
from webhooks import routes as webhooks
from webhooks.routes import Reception

__all__ = ["FIRST_QUERY", "MigrationsPending", "Role", "create_app"]

API_PREFIXES = ("/graphql", "/api", "/health", "/metrics", "/session", "/webhooks")


def create_app(
    settings: Settings,
    *,
    role: Role = Role.EVERYTHING,
    now: Callable[[], datetime] | None = None,
    metronome_transport: httpx.AsyncBaseTransport | None = None,
    stripe_transport: httpx.AsyncBaseTransport | None = None,
) -> Starlette:
    """The service as an ASGI application. The transports let a test put the mocks in the same process.

    Without `now` it goes by the system's clock, in the sandbox by one that can be set ahead with those of the mocks.
    """
    time = Time(now, credentials=now) if now else Time.of(sandbox=settings.sandbox)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        transports = Transports(metronome_transport, stripe_transport)
        async with running(settings, role=role, time=time, transports=transports) as parts:
            app.state.parts, app.state.feed = parts, parts.feed
            app.state.tools, app.state.engine, app.state.worker = parts.tools, parts.engine, parts.worker
            app.state.sandbox = parts.sandbox
            try:
                yield
            finally:
                await entry.close()

    def parts() -> Parts:
        found = app.state.parts
        assert isinstance(found, Parts)
        return found

    entry = make_entry(settings, time)
    routes = _operators_routes(settings, parts, time.now)
    if role is not Role.WORKER:
        routes += _clients_routes(settings, parts, time, entry)
        routes += web_ui_routes(settings.web_dir, beside=tuple(routes))
    app = Starlette(
        routes=routes,
        lifespan=lifespan,
        middleware=[
            Middleware(CutOffStalled),
            Middleware(RequestId),
            Middleware(CountRequests),
            Middleware(SecurityHeaders, api_prefixes=API_PREFIXES),
            Middleware(MaskFaults),
            Middleware(RequestLimits, limits=request_limits(settings)),
            *entry.middleware(settings),
        ],
    )
    return app


def _operators_routes(settings: Settings, parts: Callable[[], Parts], now: Callable[[], datetime]) -> list[BaseRoute]:
    async def check_health() -> ServiceHealth:
        return await parts().health.check()

    return [
        *rest.health_routes(lambda: parts().broken(), check_health),
        Route("/metrics", metrics_endpoint(may_read(settings), now, lambda: parts().feed.watched_by), methods=["GET"]),
    ]


def _clients_routes(settings: Settings, parts: Callable[[], Parts], time: Time, entry: Entry) -> list[BaseRoute]:
    door = entry.door

    async def context(connection: HTTPConnection) -> Context:
        caller = await door.admit(connection)
        return Context(
            tools=parts().tools,
            engine=parts().engine,
            feed=parts().feed,
            loaders=make_loaders(caller),
            check_health=parts().health.check,
            wait_seconds=settings.operation_wait_seconds,
            sandbox=parts().sandbox,
            environment=lambda: Environment(
                mode=mode, now=time.now(), metronome_url=settings.metronome_url, stripe_url=settings.stripe_url
            ),
            caller=caller,
            ask_again=lambda: door.ask_again(connection),
            ask_again_seconds=settings.stream_check_seconds,
            authenticator=door.authenticator,
            charge=lambda cost: door.charge(connection, caller, cost),
        )

    mode = Mode.SANDBOX if settings.sandbox else Mode.LIVE if settings.livemode else Mode.TEST
    reception = Reception(
        stripe_secrets=settings.stripe_webhook_secrets,
        metronome_secrets=[settings.metronome_webhook_secret],
        livemode=settings.livemode,
        now=time.now,
        store=lambda arrival: parts().intake.store(arrival),
        wake=lambda: parts().wake(),
    )
    graphiql = GraphiQL(assets_directory=settings.graphiql_dir, default_query=FIRST_QUERY)
    shown = graphiql if settings.explorable(settings.graphiql) else None
    graphql = BillingGraphQL(
        make_schema(),
        context_getter=context,
        graphiql=shown,
        policy=graphql_policy(settings),
        allowed_origins=settings.allowed_origins,
        max_subscriptions_per_connection=settings.websocket_max_operations,
    )
    return [
        Route("/graphql", graphql),
        WebSocketRoute("/graphql", graphql),
        *(shown.routes() if shown else ()),
        *rest.routes(context, seconds=settings.request_timeout_seconds),
        *session_routes(door, entry.cookie),
        *webhooks.routes(reception),
    ]


FIRST_QUERY = """\
# A customer on Pro, in both providers and in the database. Press the button (or Ctrl-Enter).
mutation Onboard {
  onboard(
    input: {
      entity: { id: "user_42", type: USER, name: "Ada Lovelace", email: "ada@example.com" }
      tier: PRO
      billingPeriod: MONTHLY
      paymentMethodId: "pm_card_visa"
    }
  ) {
    customer { entityId metronomeCustomerId stripeCustomerId credits { balance } }
    subscription { status tier currentPeriod { start end } }
    invoice { status amount { amount currency } }
    payment { status declineCode }
    operation { id status }
    warnings { code message }
    userErrors { code field message }
  }
}
"""
