"""The whole service and both mocks in this process: real application, real database, real HTTP between them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

import mock_metronome.app
import mock_stripe.app
from app.main import create_app
from app.settings import RATE_LIMITS, Settings
from mock_kit.clock import Clock
from mock_kit.sandbox import Sandbox
from tests.keys import AS_ADMIN

SERVICE = "http://service.test"
METRONOME = "http://127.0.0.1:3001"
STRIPE = "http://127.0.0.1:3002"
METRONOME_WEBHOOK_SECRET = "metronome-webhook-secret"
STRIPE_WEBHOOK_SECRET = "whsec_test"


@dataclass(frozen=True, slots=True)
class Mock:
    """One provider's mock, and what it can be told under /_mock/."""

    http: httpx.AsyncClient

    async def state(self, **query: str) -> dict[str, Any]:
        state: dict[str, Any] = (await self.http.get("/_mock/state", params=query)).json()
        return state

    async def requests(self, method: str, path: str) -> list[dict[str, Any]]:
        """What the service asked of it, in order."""
        return [each for each in await self.log() if each["method"] == method and each["path"] == path]

    async def log(self) -> list[dict[str, Any]]:
        requests: list[dict[str, Any]] = (await self.state())["requests"]
        return requests

    async def fault(self, **fault: Any) -> None:
        answer = await self.http.post("/_mock/faults", json=fault)
        assert answer.is_success, answer.text

    async def clear_faults(self) -> None:
        assert (await self.http.delete("/_mock/faults")).is_success


@dataclass(frozen=True, slots=True)
class Service:
    app: Starlette
    http: httpx.AsyncClient
    metronome: Mock
    stripe: Mock
    clock: Clock

    async def execute(self, query: str, **variables: Any) -> dict[str, Any]:
        """The whole answer, errors included."""
        answer = await self.http.post("/graphql", json={"query": query, "variables": variables})
        body: dict[str, Any] = answer.json()
        return body

    async def graphql(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data of an answer that has no errors."""
        body = await self.execute(query, **variables)
        assert "errors" not in body, body["errors"]
        data: dict[str, Any] = body["data"]
        return data


# Who is not about rate limits meets none.
UNLIMITED = dict.fromkeys(RATE_LIMITS, "1000000000/minute")
UNLIMITED_ENVIRONMENT = {name.upper(): value for name, value in UNLIMITED.items()}

# Over the mocks, with all that is asked for before others may come.
PRODUCTION: dict[str, Any] = {
    "environment": "production",
    "customer_token_secret": "a secret of the tests that is long enough",
    "public_url": "https://billing.example",
    "trusted_proxies": "10.0.0.1",
}


# What is done within a second here may take many on a machine that is slow or busy. A test of either sets its own.
PATIENT: dict[str, Any] = {"operation_wait_seconds": 30, "request_timeout_seconds": 60}
PATIENT_ENVIRONMENT = {name.upper(): str(value) for name, value in PATIENT.items()}


def settings_for(url: str, folder: Path, **changed: Any) -> Settings:
    given: dict[str, Any] = {
        "data_dir": folder,
        "database_url": url,
        "metronome_webhook_secret": METRONOME_WEBHOOK_SECRET,
        "stripe_webhook_secret": STRIPE_WEBHOOK_SECRET,
        **UNLIMITED,
        **PATIENT,
        # A test that moves the clock says itself when it is time to collect, or asks for the worker's own rounds.
        "collect_seconds": 86_400,
        # Asked again at once, after what a test has changed.
        "health_cache_seconds": 0,
        **changed,
    }
    # pydantic-settings' own argument: nothing outside the test counts
    return Settings(_env_file=None, **given)


class _Door:
    """Where the mocks deliver: the service, which is made after them."""

    def __init__(self) -> None:
        self.app: Starlette | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.app is not None
        await self.app(scope, receive, send)


@asynccontextmanager
async def running_service(
    url: str,
    folder: Path,
    clock: Clock | None = None,
    *,
    webhooks: bool = False,
    own_clock: bool = False,
    **changed: Any,
) -> AsyncIterator[Service]:
    """Service and mocks share one clock, which a test may move; with `own_clock` the service keeps its own.

    With `webhooks`, the mocks deliver what happens.
    """
    clock, door = clock or Clock(), _Door()
    async with AsyncExitStack() as stack:
        post = await stack.enter_async_context(httpx.AsyncClient(transport=httpx.ASGITransport(door), timeout=60))
        metronome = mock_metronome.app.create_app(
            clock=clock,
            webhook_client=post,
            webhook_url=f"{SERVICE}/webhooks/metronome" if webhooks else None,
            webhook_secret=METRONOME_WEBHOOK_SECRET,
        )
        stripe = mock_stripe.app.create_app(
            clock=clock,
            webhook_client=post,
            webhook_endpoints=((f"{SERVICE}/webhooks/stripe", STRIPE_WEBHOOK_SECRET),) if webhooks else (),
        )
        for sandbox in (metronome, stripe):
            stack.push_async_callback(sandbox.aclose)
        app = create_app(
            settings_for(url, folder, **changed),
            now=None if own_clock else clock.now,
            metronome_transport=httpx.ASGITransport(metronome),
            stripe_transport=httpx.ASGITransport(stripe),
        )
        door.app = app
        await stack.enter_async_context(app.router.lifespan_context(app))
        yield Service(
            app=app,
            http=await stack.enter_async_context(
                httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=SERVICE, timeout=60, headers=AS_ADMIN)
            ),
            metronome=Mock(await _control(stack, metronome, METRONOME)),
            stripe=Mock(await _control(stack, stripe, STRIPE)),
            clock=clock,
        )


async def _control(stack: AsyncExitStack, sandbox: Sandbox, base_url: str) -> httpx.AsyncClient:
    client = httpx.AsyncClient(transport=httpx.ASGITransport(sandbox), base_url=base_url)
    return await stack.enter_async_context(client)
