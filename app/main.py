"""The wiring: what the service is made of, and in which order it starts and stops."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime

import httpx
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection
from starlette.routing import Route, WebSocketRoute

from app.clock import SandboxClock, system_now
from app.engine import make_engine
from app.graphiql import GraphiQL
from app.graphql_view import BillingGraphQL
from app.live import CutOffStalled
from app.middleware import KIB, Limits, RequestId, RequestLimits, SecurityHeaders
from app.settings import Settings
from app.worker import make_worker
from integrations.http import provider_http_client
from integrations.metronome.client import MetronomeClient
from integrations.metronome.oauth import TokenSource
from integrations.stripe.client import StripePayments
from models.database import database
from models.migrating import pending_migrations
from operations.live import Feed
from operations.sandbox import Sandbox
from operations.tools import Tools
from resolvers.loaders import make_loaders
from rest import routes as rest
from schema.context import Context
from schema.root import make_schema
from webhooks import routes as webhooks
from webhooks.routes import Reception

API_PREFIXES = ("/graphql", "/api", "/health", "/webhooks")


class MigrationsPending(Exception):  # noqa: N818  named for what is wrong, as all our errors
    def __init__(self, names: list[str]) -> None:
        super().__init__(f"The database lacks {len(names)} migration(s), {names[0]} first: run `make migrate`.")


def create_app(
    settings: Settings,
    *,
    now: Callable[[], datetime] | None = None,
    metronome_transport: httpx.AsyncBaseTransport | None = None,
    stripe_transport: httpx.AsyncBaseTransport | None = None,
) -> Starlette:
    """The service as an ASGI application. The transports let a test put the mocks in the same process.

    Without `now` it goes by the system's clock, in the sandbox by one that can be set ahead with those of the mocks.
    """
    clock = SandboxClock() if settings.sandbox and now is None else None
    now = now or (clock.now if clock else system_now)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            if missing := await pending_migrations(settings.database):
                raise MigrationsPending(missing)
            await stack.enter_async_context(database(settings.database))
            metronome_http = await stack.enter_async_context(
                provider_http_client(settings.metronome_url, transport=metronome_transport)
            )
            stripe_http = await stack.enter_async_context(
                provider_http_client(settings.stripe_url, transport=stripe_transport)
            )
            if clock:
                app.state.sandbox = Sandbox.of(clock, metronome_http, stripe_http)
                await app.state.sandbox.join()
            tokens = TokenSource(metronome_http, settings.metronome_credentials(), now)
            tools = Tools(
                metronome=MetronomeClient(metronome_http, tokens),
                stripe=StripePayments(stripe_http, settings.stripe_key),
                now=now,
            )
            engine = await make_engine(settings, tools)
            await engine.start()
            stack.push_async_callback(engine.stop, drain_seconds=settings.drain_seconds)
            worker = make_worker(settings, tools, engine)
            worker.start()
            stack.push_async_callback(worker.stop)
            feed = app.state.feed = Feed()
            feed.start()
            stack.push_async_callback(feed.stop)
            app.state.tools, app.state.engine, app.state.worker = tools, engine, worker
            yield

    async def context(connection: HTTPConnection) -> Context:
        return Context(
            tools=connection.app.state.tools,
            engine=connection.app.state.engine,
            feed=connection.app.state.feed,
            loaders=make_loaders(),
            wait_seconds=settings.operation_wait_seconds,
            sandbox=connection.app.state.sandbox,
        )

    reception = Reception(
        stripe_secrets=settings.stripe_webhook_secrets,
        metronome_secrets=[settings.metronome_webhook_secret],
        livemode=settings.livemode,
        now=now,
        wake=lambda: app.state.worker.wake(),
    )
    graphiql = GraphiQL(assets_directory=settings.graphiql_dir, default_query=FIRST_QUERY)
    graphql = BillingGraphQL(
        make_schema(), context_getter=context, graphiql=graphiql, introspection=True, suggestions=True
    )
    app = Starlette(
        routes=[
            Route("/graphql", graphql),
            WebSocketRoute("/graphql", graphql),
            *graphiql.routes(),
            *rest.routes(context),
            *webhooks.routes(reception),
        ],
        lifespan=lifespan,
        middleware=[
            Middleware(CutOffStalled),
            Middleware(RequestId),
            Middleware(SecurityHeaders, api_prefixes=API_PREFIXES),
            Middleware(RequestLimits, limits=Limits(body_bytes_by_prefix={"/webhooks": 256 * KIB})),
        ],
    )
    app.state.sandbox = None
    return app


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
