"""Customers whose plans change, on a calendar the test holds in its hand."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mock_kit.clock import Clock
from models import Operation, OperationStatus, WebhookEvent, WebhookEventState
from tests.service import Service, running_service
from tests.webhooks.delivery import until

ONBOARD = """
mutation($input: OnboardInput!) { onboard(input: $input) { operation { id status } userErrors { code message } } }
"""

_PAYLOAD = """
  subscription { status tier billingPeriod anchor cancelAtPeriodEnd currentPeriod { start end }
    price { minorUnits } scheduledChange { tier billingPeriod effectiveOn } metronomeContractId }
  customer { credits { balance } accountBalance { minorUnits } }
  invoice { status amount { minorUnits } lines { description amount { minorUnits } } }
  payment { id status clientSecret amount { minorUnits } }
  operation { id status kind }
  userErrors { code field message retryable }
"""

CHANGE = f"mutation($input: ChangeTierInput!) {{ changeTier(input: $input) {{ {_PAYLOAD} }} }}"
CANCEL = f"mutation($input: CancelInput!) {{ cancel(input: $input) {{ {_PAYLOAD} }} }}"
REACTIVATE = f"mutation($input: ReactivateInput!) {{ reactivate(input: $input) {{ {_PAYLOAD} }} }}"
WITHDRAW = (
    f"mutation($input: WithdrawScheduledChangeInput!) {{ withdrawScheduledChange(input: $input) {{ {_PAYLOAD} }} }}"
)
QUOTE = """
query($input: QuoteTierChangeInput!) {
  quoteTierChange(input: $input) {
    quote {
      id expiresAt effective effectiveOn lines { description amount { minorUnits } } net { minorUnits }
      dueNow { minorUnits } toAccountBalance { minorUnits } carried { minorUnits } creditsChange
      period { start end } nextInvoice { on amount { minorUnits } due { minorUnits } }
      providerCalls { provider method path }
    }
    userErrors { code field message retryable }
  }
}
"""


CUSTOMER = """
query($id: String!) {
  customer(entityId: $id) {
    credits { balance } accountBalance { minorUnits }
    subscription { status tier billingPeriod currentPeriod { start end } cancelAtPeriodEnd scheduledChange { tier } }
    creditLedger(first: 50) { kind amount }
    invoices(first: 50) { status amount { minorUnits } period { start } payments { status amount { minorUnits } } }
  }
}
"""


class Customers:
    """A service whose clock stands still until it is told to go on."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def to(self, moment: str) -> None:
        target = datetime.fromisoformat(moment).replace(tzinfo=UTC)
        self.service.clock.advance(target - self.service.clock.now())

    async def settled(self) -> None:
        """Wait until both mocks have delivered what happened, and the service has worked it in."""

        async def quiet() -> bool:
            for mock in (self.service.metronome, self.service.stripe):
                assert (await mock.http.post("/_mock/webhooks/drain")).is_success
            waiting = await WebhookEvent.filter(state=WebhookEventState.PENDING).count()
            return not waiting and not await Operation.filter(status=OperationStatus.RUNNING).exists()

        await until(quiet, what="everything delivered and worked in", seconds=60)

    async def customer(self, entity_id: str) -> dict[str, Any]:
        data = await self.service.graphql(CUSTOMER, id=entity_id)
        found: dict[str, Any] = data["customer"]
        return found

    async def onboard(self, entity_id: str, tier: str = "PRO", card: str | None = "pm_card_visa", **given: Any) -> None:
        entity = {"id": entity_id, "type": "USER", "name": "Ada", "email": "ada@example.com"}
        data = await self.service.graphql(
            ONBOARD, input={"entity": entity, "tier": tier, "paymentMethodId": card, **given}
        )
        assert data["onboard"]["userErrors"] == []
        assert data["onboard"]["operation"]["status"] == "SUCCEEDED"

    async def change(self, entity_id: str, **given: Any) -> dict[str, Any]:
        return await self._do("changeTier", CHANGE, entity_id, given)

    async def cancel(self, entity_id: str, **given: Any) -> dict[str, Any]:
        return await self._do("cancel", CANCEL, entity_id, given)

    async def reactivate(self, entity_id: str, **given: Any) -> dict[str, Any]:
        return await self._do("reactivate", REACTIVATE, entity_id, given)

    async def withdraw(self, entity_id: str, **given: Any) -> dict[str, Any]:
        return await self._do("withdrawScheduledChange", WITHDRAW, entity_id, given)

    async def quote(self, entity_id: str, **given: Any) -> dict[str, Any]:
        return await self._do("quoteTierChange", QUOTE, entity_id, given)

    async def _do(self, verb: str, query: str, entity_id: str, given: dict[str, Any]) -> dict[str, Any]:
        data = await self.service.graphql(query, input={"entityId": entity_id, **given})
        payload: dict[str, Any] = data[verb]
        return payload


@asynccontextmanager
async def customers_at(moment: str, url: str, folder: Path, *, webhooks: bool = False) -> AsyncIterator[Customers]:
    """Without webhooks the clock stands still; with them it runs, because what is not ready yet is tried again later."""
    start = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    async with running_service(url, folder, Clock(start=start, frozen=not webhooks), webhooks=webhooks) as service:
        yield Customers(service)
