"""Customers whose plans change, on a calendar that a test moves forward, and what all three sides then hold of them."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from tortoise.queryset import QuerySet

import models
from mock_kit.clock import Clock
from models import Operation, OperationStatus, WebhookEvent, WebhookEventState
from operations.reconcile import compare
from operations.tools import Tools
from tests.api.onboarding import ONBOARD, Footprint, everything_of, metronome_list, person
from tests.service import Service, running_service
from tests.webhooks.delivery import Sent, deliver_all, events_of, until

DECLINING = "pm_card_chargeCustomerFail"
ASKING = "pm_card_authenticationRequired"

_PAYLOAD = """
  subscription { status tier billingPeriod anchor cancelAtPeriodEnd currentPeriod { start end }
    price { minorUnits } creditsPerMonth scheduledChange { tier billingPeriod effectiveOn } metronomeContractId }
  customer { credits { balance } accountBalance { minorUnits } }
  invoice { id status amount { minorUnits } lines { description amount { minorUnits } } }
  payment { id status clientSecret declineCode errorCode stripePaymentIntentId amount { minorUnits } }
  operation { id status kind }
  warnings { code field message }
  userErrors { code field message retryable }
"""

QUOTE = """
query($input: QuoteTierChangeInput!) {
  quoteTierChange(input: $input) {
    quote {
      id expiresAt effective effectiveOn tier billingPeriod lines { description amount { minorUnits } }
      net { minorUnits } dueNow { minorUnits } fromAccountBalance { minorUnits } toAccountBalance { minorUnits }
      carried { minorUnits } creditsChange period { start end }
      nextInvoice { on amount { minorUnits } due { minorUnits } } providerCalls { provider method path }
    }
    userErrors { code field message retryable }
  }
}
"""

CUSTOMER = """
query($id: String!) {
  customer(entityId: $id) {
    credits { balance } accountBalance { minorUnits }
    subscription {
      status tier billingPeriod currentPeriod { start end } cancelAtPeriodEnd scheduledChange { tier }
      price { minorUnits } creditsPerMonth metronomeContractId
    }
    creditLedger(first: 50) { kind amount }
    invoices(first: 50) {
      status amount { minorUnits } period { start } lines { amount { minorUnits } }
      payments { status amount { minorUnits } }
    }
  }
}
"""


def mutation(name: str) -> str:
    kind = name[0].upper() + name[1:]
    return f"mutation {kind}($input: {kind}Input!) {{ {name}(input: $input) {{ {_PAYLOAD} }} }}"


def amounts(lines: list[dict[str, Any]]) -> list[int]:
    return [line["amount"]["minorUnits"] for line in lines]


def invoiced(payload: dict[str, Any]) -> list[int]:
    assert payload["userErrors"] == []
    return amounts(payload["invoice"]["lines"])


def codes(payload: dict[str, Any]) -> list[tuple[str, str | None]]:
    return [(error["code"], error["field"]) for error in payload["userErrors"]]


@dataclass(frozen=True, slots=True)
class Call:
    """A change that was asked of a provider, its ids left out."""

    provider: str
    method: str
    path: str
    status: int
    body: Mapping[str, Any]


_IDS = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|(pi|pm|cus|re|ch)_\w+")


class Customers:
    """A service, and the clock it shares with both mocks. The clock only goes forward, so dates are always "next"."""

    def __init__(self, service: Service) -> None:
        self.service = service

    @property
    def tools(self) -> Tools:
        tools = self.service.app.state.tools
        assert isinstance(tools, Tools)
        return tools

    @property
    def today(self) -> date:
        return self.service.clock.now().date()

    def to(self, moment: str) -> None:
        self.service.clock.advance_to(datetime.fromisoformat(moment).replace(tzinfo=UTC))

    def go_to(self, day: date, at: time = time(9, 30)) -> None:
        self.service.clock.advance_to(datetime.combine(day, at, UTC))

    def next(self, month: int, day: int, *, leap: bool | None = None) -> date:
        """The next such day; `leap`: of a year that is one, or is not."""
        year = self.today.year
        while leap not in (None, year % 4 == 0) or date(year, month, day) <= self.today:
            year += 1
        return date(year, month, day)

    def go_to_next(self, month: int, day: int, *, leap: bool | None = None) -> date:
        self.go_to(found := self.next(month, day, leap=leap))
        return found

    def pass_days(self, days: int) -> date:
        self.service.clock.advance(timedelta(days=days))
        return self.today

    async def settled(self) -> None:
        """Wait until both mocks have delivered what happened, and the service has worked it in."""

        async def quiet() -> bool:
            for mock in (self.service.metronome, self.service.stripe):
                assert (await mock.http.post("/_mock/webhooks/drain")).is_success
            if await self._waiting_longer(WebhookEvent.filter(state=WebhookEventState.PENDING)):
                return False
            return not await Operation.filter(status=OperationStatus.RUNNING).exists()

        await until(quiet, what="everything delivered and worked in")

    async def hear(self, entity_id: str, *, newest_first: bool = False) -> None:
        """Deliver by hand what Metronome has to tell of a customer, until the service has worked all of it in."""
        row = await models.Customer.get(entity_id=entity_id)
        metronome_id = str(row.metronome_customer_id)
        events = await metronome_list(self.service.metronome, "webhooks/events", customer_id=metronome_id)
        if newest_first:
            events.reverse()
        await deliver_all(self.service, [Sent("metronome", event) for event in events])
        await self._worked_in(row, metronome_id)

    async def hear_of_payments(self, entity_id: str) -> None:
        """The same for what Stripe has to tell."""
        row = await models.Customer.get(entity_id=entity_id)
        await deliver_all(self.service, await events_of(self.service, str(row.stripe_customer_id)))
        await self._worked_in(row, str(row.stripe_customer_id))

    async def _worked_in(self, row: models.Customer, provider_customer_id: str) -> None:
        async def quiet() -> bool:
            # Events first: the end of one is written together with the operation that it begins.
            told = WebhookEvent.filter(provider_customer_id=provider_customer_id, state=WebhookEventState.PENDING)
            if await self._waiting_longer(told):
                return False
            return not await Operation.filter(customer_id=row.id, status=OperationStatus.RUNNING).exists()

        await until(quiet, what=f"what {provider_customer_id} was told of worked in")

    async def _waiting_longer(self, pending: QuerySet[WebhookEvent]) -> bool:
        """Whether there are any. What waits for its next try has waited long enough."""
        now = self.service.clock.now()
        if await pending.filter(next_attempt_at__gt=now).exists():
            self.service.clock.advance(timedelta(seconds=1))
            self.service.app.state.worker.wake()
        return await pending.exists()

    async def customer(self, entity_id: str) -> dict[str, Any]:
        data = await self.service.graphql(CUSTOMER, id=entity_id)
        found: dict[str, Any] = data["customer"]
        return found

    async def onboard(self, entity_id: str, tier: str = "PRO", card: str | None = "pm_card_visa", **given: Any) -> None:
        payload = await self.begin_onboarding(entity_id, tier, card, **given)
        assert payload["operation"]["status"] == "SUCCEEDED"

    async def begin_onboarding(self, entity_id: str, tier: str, card: str | None, **given: Any) -> dict[str, Any]:
        data = await self.service.graphql(
            ONBOARD, input={"entity": person(entity_id), "tier": tier, "paymentMethodId": card, **given}
        )
        payload: dict[str, Any] = data["onboard"]
        assert payload["userErrors"] == []
        return payload

    async def change(self, entity_id: str, **given: Any) -> dict[str, Any]:
        return await self.do("changeTier", entityId=entity_id, **given)

    async def cancel(self, entity_id: str, **given: Any) -> dict[str, Any]:
        return await self.do("cancel", entityId=entity_id, **given)

    async def reactivate(self, entity_id: str, **given: Any) -> dict[str, Any]:
        return await self.do("reactivate", entityId=entity_id, **given)

    async def withdraw(self, entity_id: str, **given: Any) -> dict[str, Any]:
        return await self.do("withdrawScheduledChange", entityId=entity_id, **given)

    async def quote(self, entity_id: str, **given: Any) -> dict[str, Any]:
        data = await self.service.graphql(QUOTE, input={"entityId": entity_id, **given})
        payload: dict[str, Any] = data["quoteTierChange"]
        return payload

    async def quoted(self, entity_id: str, **given: Any) -> dict[str, Any]:
        payload = await self.quote(entity_id, **given)
        assert payload["userErrors"] == []
        found: dict[str, Any] = payload["quote"]
        return found

    async def do(self, verb: str, **given: Any) -> dict[str, Any]:
        data = await self.service.graphql(mutation(verb), input=given)
        payload: dict[str, Any] = data[verb]
        return payload

    async def attach(self, entity_id: str, card: str) -> None:
        payload = await self.do("attachPaymentMethod", entityId=entity_id, paymentMethodId=card)
        assert payload["userErrors"] == []

    async def use(self, entity_id: str, amount: int) -> None:
        """Spend credits, as metered usage does."""
        row = await models.Customer.get(entity_id=entity_id)
        used = await self.service.metronome.http.post(
            "/_mock/usage", json={"customer_id": row.metronome_customer_id, "amount": amount}
        )
        assert used.is_success, used.text

    async def credits_left(self, entity_id: str) -> int:
        """At Metronome."""
        row = await models.Customer.get(entity_id=entity_id)
        return (await self.tools.metronome.balance(customer_id=str(row.metronome_customer_id))).balance

    async def agree(self, entity_id: str) -> None:
        """Metronome, Stripe and our rows hold the same of this customer."""
        assert await compare(await models.Customer.get(entity_id=entity_id), self.tools) == ()

    async def calls_since(self, mark: tuple[int, int]) -> list[Call]:
        """The changes asked of the providers, the payment provider's first, each in order."""
        stripe, metronome = mark
        return [
            *await _calls(self.service, "STRIPE", since=stripe),
            *await _calls(self.service, "METRONOME", since=metronome),
        ]

    async def mark(self) -> tuple[int, int]:
        stripe, metronome = await self.service.stripe.state(), await self.service.metronome.state()
        return _last(stripe), _last(metronome)

    async def standing(self, entity_id: str) -> dict[str, Any]:
        """All that anybody holds of a customer, as the outside can see it."""
        theirs = await everything_of(self.service, entity_id)
        return {
            "ours": await self.customer(entity_id),
            "left": await self.credits_left(entity_id),
            "metronome": [theirs.metronome_customers, theirs.contracts, theirs.grants, theirs.invoices],
            "stripe": [theirs.stripe_customers, theirs.payment_methods],
        }

    async def footprint(self) -> Footprint:
        return await Footprint.of(self.service)

    async def fifty(self, verb: str, **given: Any) -> list[dict[str, Any]]:
        return await asyncio.gather(*(self.do(verb, **given) for _ in range(50)))


def _last(state: Mapping[str, Any]) -> int:
    return max((request["seq"] for request in state["requests"]), default=0)


async def _calls(service: Service, provider: str, *, since: int) -> list[Call]:
    mock = service.stripe if provider == "STRIPE" else service.metronome
    state = (await mock.http.get("/_mock/state", params={"since": since})).json()
    return [
        Call(provider, request["method"], _IDS.sub("{id}", request["path"]), request["status"], request["body"] or {})
        for request in state["requests"]
        if request["method"] != "GET" and request["path"] != "/oauth/token" and request["seq"] > since
    ]


@asynccontextmanager
async def customers_at(
    moment: str, url: str, folder: Path, *, webhooks: bool = False, **changed: Any
) -> AsyncIterator[Customers]:
    """Without webhooks the clock stands still; with them it runs: what is not ready yet is tried again later."""
    start = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    clock = Clock(start=start, frozen=not webhooks)
    async with running_service(url, folder, clock, webhooks=webhooks, **changed) as service:
        yield Customers(service)
