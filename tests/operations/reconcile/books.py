"""One customer whose books are compared, and how to write past the service in each of the three."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from app.settings import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET, SANDBOX_STRIPE_KEY
from models import (
    Customer,
    Invoice,
    Payment,
    Subscription,
)
from operations.reconcile import Difference, compare
from operations.tools import Tools
from tests.api.paying import send
from tests.service import Service

TODAY = datetime(2028, 2, 10, 9, 30, tzinfo=UTC)
VISA = "pm_card_visa"

Act = Callable[["Books"], Awaitable[None]]


class Books:
    """One customer, and how to write past the service in each of the three places."""

    def __init__(self, service: Service, entity_id: str) -> None:
        self.service = service
        self.entity_id = entity_id

    @property
    def tools(self) -> Tools:
        tools = self.service.app.state.tools
        assert isinstance(tools, Tools)
        return tools

    async def do(self, mutation: str, **given: Any) -> dict[str, Any]:
        payload = await send(self.service, mutation, **given)
        assert payload["userErrors"] == []
        return payload

    async def onboard(self, **given: Any) -> dict[str, Any]:
        entity = {"id": self.entity_id, "type": "USER", "name": "Ada Lovelace", "email": "ada@example.com"}
        return await self.do("onboard", entity=entity, **given)

    async def verb(self, mutation: str, **given: Any) -> dict[str, Any]:
        return await self.do(mutation, entityId=self.entity_id, **given)

    async def row(self) -> Customer:
        return await Customer.get(entity_id=self.entity_id)

    async def subscription(self) -> Subscription:
        return await Subscription.get(customer__entity_id=self.entity_id, is_current=True)

    async def invoice(self) -> Invoice:
        return await Invoice.get(customer__entity_id=self.entity_id)

    async def payment(self) -> Payment:
        return await Payment.get(customer__entity_id=self.entity_id)

    async def change_subscription(self, **changed: Any) -> None:
        await Subscription.filter(id=(await self.subscription()).id).update(**changed)

    async def change_invoice(self, **changed: Any) -> None:
        await Invoice.filter(id=(await self.invoice()).id).update(**changed)

    async def change_payment(self, **changed: Any) -> None:
        await Payment.filter(id=(await self.payment()).id).update(**changed)

    async def metronome(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        credentials = {"client_id": SANDBOX_CLIENT_ID, "client_secret": SANDBOX_CLIENT_SECRET.get_secret_value()}
        http = self.service.metronome.http
        granted = await http.post("/oauth/token", data={"grant_type": "client_credentials", **credentials})
        headers = {"authorization": f"Bearer {granted.json()['access_token']}"}
        answer = await http.request(method, f"/api/v1/{path}", json=body, headers=headers)
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def stripe(self, method: str, path: str, **form: str) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {SANDBOX_STRIPE_KEY.get_secret_value()}"}
        answer = await self.service.stripe.http.request(method, f"/v1/{path}", data=form, headers=headers)
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def differences(self) -> tuple[Difference, ...]:
        return await compare(await self.row(), self.tools)


def name_of(act: Act) -> str:
    return act.__name__.strip("_")
