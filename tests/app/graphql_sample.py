"""A small schema with one of everything the view and the budget treat specially, and the service around it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import fields
from enum import Enum
from pathlib import Path
from typing import Any

import httpx
import strawberry
import uvicorn
from graphql import GraphQLError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection
from starlette.routing import Route, WebSocketRoute

from app.graphiql import GraphiQL
from app.graphql_view import BillingGraphQL
from app.middleware import RequestId, RequestLimits, SecurityHeaders
from mock_kit.serve import KEEP_ALIVE_SECONDS
from schema.extensions import GuardedSchema, Policy

SECRET = "the password of the database is hunter2"


@strawberry.type
class Line:
    amount: int = 1


@strawberry.type
class Invoice:
    number: str = "A-1"
    lines: list[Line] = strawberry.field(default_factory=lambda: [Line()])


@strawberry.type
class InvoicePage:
    nodes: list[Invoice]


@strawberry.type
class Customer:
    name: str = "Ada"

    @strawberry.field
    def invoices(self, first: int | None = None) -> InvoicePage:
        return InvoicePage(nodes=[Invoice()])

    @strawberry.field
    def parent(self) -> "Customer":
        return Customer()


@strawberry.type
class CustomerPage:
    nodes: list[Customer]


@strawberry.enum
class Plan(Enum):
    FREE = "free"
    PRO = "pro"


@strawberry.input
class Filter:
    tier: Plan | None = None


@strawberry.type
class Query:
    @strawberry.field
    def find(self, filter: Filter | None = None) -> str:  # noqa: A002  as an API names it
        return "found"

    @strawberry.field
    async def slow(self) -> str | None:
        await asyncio.Event().wait()
        return None

    @strawberry.field
    def hello(self) -> str:
        return "world"

    @strawberry.field
    def customers(self, first: int = 20, last: int | None = None) -> CustomerPage:
        return CustomerPage(nodes=[Customer()])

    @strawberry.field
    def customer(self) -> Customer:
        return Customer()

    @strawberry.field
    def echo(self, text: str) -> str:
        return text

    @strawberry.field
    def broken(self) -> str | None:
        raise RuntimeError(SECRET)

    @strawberry.field
    def refused(self) -> str | None:
        raise GraphQLError("Not this way.", extensions={"code": "CUSTOMER_BUSY"})

    @strawberry.field
    def caller(self, info: strawberry.Info[dict[str, Any], None]) -> str:
        return str(info.context["caller"])


GATE = asyncio.Event()


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def open_gate(self) -> bool:
        GATE.set()
        return True

    @strawberry.mutation
    def rename(self, name: str) -> str:
        return name


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def count(self, upto: int = 2) -> AsyncIterator[int]:
        for number in range(1, upto + 1):
            yield number

    @strawberry.subscription
    async def forever(self) -> AsyncIterator[int]:
        yield 0
        await asyncio.Event().wait()

    @strawberry.subscription
    async def gate(self) -> AsyncIterator[str]:
        yield "closed"
        await GATE.wait()
        yield "open"

    @strawberry.subscription
    async def breaking(self) -> AsyncIterator[int]:
        yield 1
        raise RuntimeError(SECRET)


SCHEMA = GuardedSchema(Query, mutation=Mutation, subscription=Subscription)


async def context_of(connection: HTTPConnection) -> dict[str, str]:
    params: dict[str, str] = getattr(connection.state, "connection_params", {})
    caller = connection.headers.get("x-caller") or params.get("caller", "nobody")
    if caller == "stranger":
        raise HTTPException(401, "Who are you?", {"www-authenticate": "Bearer"})
    if caller == "breaks":
        raise RuntimeError(SECRET)
    return {"caller": caller}


def service(*, assets_directory: Path | None = None, **settings: Any) -> Starlette:
    """What a `Policy` knows may be given by itself."""
    known = {field.name: settings.pop(field.name) for field in fields(Policy) if field.name in settings}
    graphiql = GraphiQL(assets_directory=assets_directory, default_query="{ hello }") if assets_directory else None
    view = BillingGraphQL(SCHEMA, context_getter=context_of, graphiql=graphiql, policy=Policy(**known), **settings)
    routes = [Route("/graphql", view), WebSocketRoute("/graphql", view), *(graphiql.routes() if graphiql else [])]
    middleware = [
        Middleware(RequestId),
        Middleware(SecurityHeaders, api_prefixes=["/graphql"]),
        Middleware(RequestLimits),
    ]
    return Starlette(routes=routes, middleware=middleware)


def client(**settings: Any) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(service(**settings))
    return httpx.AsyncClient(transport=transport, base_url="http://service")


@asynccontextmanager
async def served(app: Any, **settings: Any) -> AsyncIterator[str]:
    """The service on a real socket; yields host:port."""
    given: dict[str, Any] = {"timeout_keep_alive": KEEP_ALIVE_SECONDS, "ws_max_size": 65_536, **settings}
    config = uvicorn.Config(app, log_level="critical", lifespan="off", **given)
    async with serving(config) as address:
        yield address


@asynccontextmanager
async def serving(config: uvicorn.Config) -> AsyncIterator[str]:
    config.port = 0
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  uvicorn has no event for it
        await asyncio.sleep(0)
    host, port = server.servers[0].sockets[0].getsockname()[:2]
    try:
        yield f"{host}:{port}"
    finally:
        server.should_exit = True
        await running
