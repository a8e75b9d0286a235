"""The service and both provider sandboxes on ports of their own, talking HTTP only, on one calendar a story moves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import uvicorn

import mock_metronome.app
import mock_stripe.app
from app.main import create_app
from app.serving import listen
from mock_kit.clock import Clock
from mock_kit.serve import KEEP_ALIVE_SECONDS
from models import CreditEntry, Customer, Invoice, Operation, OperationStatus, WebhookEvent, WebhookEventState
from operations.collect_invoice import collect_due
from operations.engine import Engine
from operations.reconcile import Difference, compare
from operations.tools import Tools
from tests.api.paying import send
from tests.keys import AS_ADMIN
from tests.service import METRONOME_WEBHOOK_SECRET, STRIPE_WEBHOOK_SECRET, Mock, Service, settings_for
from tests.webhooks.delivery import until

LOOPBACK = "127.0.0.1"
WORKER_ROUND_SECONDS = 0.2

CUSTOMER = """
query Customer($id: String!) {
  customer(entityId: $id) {
    credits { balance }
    accountBalance { minorUnits }
    paymentMethods { last4 isDefault }
    subscription {
      status tier billingPeriod currentPeriod { start end } cancelAtPeriodEnd
      scheduledChange { tier billingPeriod effectiveOn }
    }
    invoices(first: 50) {
      id status amount { minorUnits } failedAttempts nextAttemptAt
      lines { description amount { minorUnits } }
      payments { status declineCode amount { minorUnits } }
    }
  }
}
"""


class World:
    """What a story does and sees. Clients speak GraphQL; time passes for all three at once."""

    def __init__(self, service: Service) -> None:
        self.service = service

    @property
    def tools(self) -> Tools:
        tools = self.service.app.state.tools
        assert isinstance(tools, Tools)
        return tools

    @property
    def now(self) -> datetime:
        return self.service.clock.now()

    async def do(self, mutation: str, **given: Any) -> dict[str, Any]:
        """A mutation that is not refused; then everything it set in motion comes to rest."""
        payload = await self.ask(mutation, **given)
        assert payload["userErrors"] == [], payload["userErrors"]
        assert payload["operation"]["status"] == "SUCCEEDED"
        await self.settled()
        return payload

    async def ask(self, mutation: str, **given: Any) -> dict[str, Any]:
        """A mutation, whatever becomes of it."""
        return await send(self.service, mutation, **given)

    async def onboard(self, entity_id: str, **given: Any) -> dict[str, Any]:
        entity = {"id": entity_id, "type": "USER", "name": "Ada Lovelace", "email": "ada@example.com"}
        return await self.do("onboard", entity=entity, **given)

    async def customer(self, entity_id: str) -> dict[str, Any]:
        found: dict[str, Any] = (await self.service.graphql(CUSTOMER, id=entity_id))["customer"]
        return found

    async def to(self, moment: str) -> None:
        """Let the time pass until then, and everything that is due by then happen."""
        target = datetime.fromisoformat(moment).replace(tzinfo=UTC)
        self.service.clock.advance(target - self.now)
        await self.settled()

    async def after(self, step: timedelta) -> None:
        self.service.clock.advance(step)
        await self.settled()

    async def tried(self, entity_id: str, *, failures: int) -> None:
        """Until the worker has tried the newest invoice by itself, and it failed so often."""

        async def failed() -> bool:
            newest = await Invoice.filter(customer__entity_id=entity_id).order_by("-issued_at").first()
            return newest is not None and newest.failed_attempts == failures

        await until(failed, what=f"{failures} failed attempts")
        await self.settled()

    async def another_round(self) -> None:
        """One more look at what is due, also where nothing should be found."""
        engine = self.service.app.state.engine
        assert isinstance(engine, Engine)
        assert await collect_due(engine, self.service.clock.now) == 0

    async def settled(self) -> None:
        """Until two looks in a row find that nothing was delivered meanwhile, and nothing waits or runs."""
        before: list[int] | None = None

        async def at_rest() -> bool:
            nonlocal before
            delivered = [await _drained(mock) for mock in (self.service.metronome, self.service.stripe)]
            waiting = await WebhookEvent.filter(state=WebhookEventState.PENDING).exists()
            running = await Operation.filter(status=OperationStatus.RUNNING).exists()
            unchanged, before = delivered == before and not waiting and not running, delivered
            return unchanged

        await until(at_rest, what="everything delivered and worked in")

    async def differences(self, entity_id: str) -> tuple[Difference, ...]:
        return await compare(await Customer.get(entity_id=entity_id), self.tools)

    async def agrees(self, entity_id: str) -> None:
        found = await self.differences(entity_id)
        assert found == (), "\n".join(map(str, found))

    async def ledger(self, entity_id: str) -> list[tuple[str, int]]:
        """Kinds and amounts of the credit ledger, sorted: events may arrive in any order."""
        entries = await CreditEntry.filter(customer__entity_id=entity_id)
        return sorted((entry.kind.value, entry.amount) for entry in entries)

    async def succeeded_charges(self, entity_id: str) -> list[int]:
        """At Stripe, the oldest first."""
        return [charge["amount"] for charge in await self._charges(entity_id) if charge["status"] == "succeeded"]

    async def failed_charges(self, entity_id: str) -> list[int]:
        return [charge["amount"] for charge in await self._charges(entity_id) if charge["status"] == "failed"]

    async def _charges(self, entity_id: str) -> list[dict[str, Any]]:
        customer = await Customer.get(entity_id=entity_id)
        charges: list[dict[str, Any]] = (
            await self.service.stripe.http.get(
                "/v1/charges",
                params={"customer": str(customer.stripe_customer_id), "limit": "100"},
                headers={"authorization": "Bearer sk_test_sandbox"},
            )
        ).json()["data"]
        return charges[::-1]

    async def use(self, entity_id: str, amount: int) -> None:
        """Metered usage, which only Metronome sees."""
        customer = await Customer.get(entity_id=entity_id)
        used = {"customer_id": customer.metronome_customer_id, "amount": amount}
        assert (await self.service.metronome.http.post("/_mock/usage", json=used)).is_success


async def _drained(mock: Mock) -> int:
    answer = await mock.http.post("/_mock/webhooks/drain")
    assert answer.is_success, answer.text
    delivered: int = answer.json()["delivered"] + answer.json()["failed"]
    return delivered


@asynccontextmanager
async def world_at(moment: str, url: str, folder: Path, *, own_clock: bool = False) -> AsyncIterator[World]:
    """The clock runs on from that moment: what is not ready yet is tried again later.

    With `own_clock` the service goes by its own, which follows those of the mocks as in the sandbox.
    """
    clock = Clock(start=datetime.fromisoformat(moment).replace(tzinfo=UTC))
    async with AsyncExitStack() as stack:
        door = listen(LOOPBACK, 0, setting="PORT")
        address = f"http://{LOOPBACK}:{door.getsockname()[1]}"
        metronome = mock_metronome.app.create_app(
            clock=clock, webhook_url=f"{address}/webhooks/metronome", webhook_secret=METRONOME_WEBHOOK_SECRET
        )
        stripe = mock_stripe.app.create_app(
            clock=clock, webhook_endpoints=((f"{address}/webhooks/stripe", STRIPE_WEBHOOK_SECRET),)
        )
        metronome_url = await stack.enter_async_context(_serving(metronome, lifespan="on"))
        stripe_url = await stack.enter_async_context(_serving(stripe, lifespan="on"))
        settings = settings_for(
            url,
            folder,
            metronome_api_url=metronome_url,
            stripe_api_base=stripe_url,
            collect_seconds=WORKER_ROUND_SECONDS,
        )
        app = create_app(settings, now=None if own_clock else clock.now)
        await stack.enter_async_context(app.router.lifespan_context(app))
        await stack.enter_async_context(_serving(app, lifespan="off", door=door))
        http, of_metronome, of_stripe = [
            await stack.enter_async_context(httpx.AsyncClient(base_url=base_url, timeout=60))
            for base_url in (address, metronome_url, stripe_url)
        ]
        http.headers.update(AS_ADMIN)
        yield World(Service(app, http, Mock(of_metronome), Mock(of_stripe), clock))


@asynccontextmanager
async def _serving(app: Any, *, lifespan: Any, door: Any = None) -> AsyncIterator[str]:
    door = door or listen(LOOPBACK, 0, setting="PORT")
    config = uvicorn.Config(
        app,
        log_level="critical",
        lifespan=lifespan,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=5,
    )
    server = uvicorn.Server(config)
    with door:
        running = asyncio.create_task(server.serve(sockets=[door]))
        while not server.started:  # noqa: ASYNC110  uvicorn has no event for it
            await asyncio.sleep(0)
        try:
            yield f"http://{LOOPBACK}:{door.getsockname()[1]}"
        finally:
            server.should_exit = True
            await asyncio.wait_for(running, timeout=60)
