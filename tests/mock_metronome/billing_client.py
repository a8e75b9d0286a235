"""A client of the sandbox, with a token, and the objects that most tests start from."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx

from mock_kit.clock import Clock
from mock_kit.courier import RetrySchedule
from mock_metronome.app import create_app

CREDENTIALS = {
    "grant_type": "client_credentials",
    "client_id": "sandbox-client",
    "client_secret": "sandbox-secret",
}
NOW = datetime(2027, 1, 31, 10, tzinfo=UTC)
TODAY = "2027-01-31T00:00:00Z"
UNKNOWN = "00000000-0000-4000-8000-000000000000"

Json = dict[str, object]


class BillingClient:
    """Every call asserts its status, 200 unless told otherwise, and returns the parsed answer."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def sign_in(self, scope: str = "billing:read billing:write") -> None:
        self.http.headers.pop("authorization", None)
        answer = await self.http.post("/oauth/token", data={**CREDENTIALS, "scope": scope})
        self.http.headers["authorization"] = f"Bearer {answer.json()['access_token']}"

    async def get(self, path: str, *, status: int = 200, **query: str) -> Json:
        return _checked(await self.http.get(f"/api/v1/{path}", params=query), status)

    async def post(self, path: str, body: object = None, *, status: int = 200, key: str | None = None) -> Json:
        return await self.send("POST", path, body, status=status, key=key)

    async def patch(self, path: str, body: object, *, status: int = 200) -> Json:
        return await self.send("PATCH", path, body, status=status, key=None)

    async def send(self, method: str, path: str, body: object, *, status: int, key: str | None) -> Json:
        headers = {} if key is None else {"idempotency-key": key}
        content = b"" if body is None else json.dumps(body).encode()
        return _checked(await self.http.request(method, f"/api/v1/{path}", content=content, headers=headers), status)

    async def control(self, path: str, /, *, status: int = 200, **body: object) -> Json:
        return _checked(await self.http.post(f"/_mock/{path}", json=body), status)

    async def advance_to(self, moment: str) -> None:
        """And sign in again: tokens last an hour of mock time."""
        await self.control("clock", advance_to=moment)
        await self.sign_in()

    async def customer(self, entity_id: str = "ada", **fields: object) -> str:
        body = {"entity_id": entity_id, "entity_type": "user", "name": "Ada", "email": "ada@example.com", **fields}
        return text(await self.post("customers", body), "id")

    async def contract(self, customer_id: str, **fields: object) -> str:
        body = {"tier": "pro", "billing_period": "monthly", "start_date": TODAY, "customer_id": customer_id, **fields}
        return text(await self.post("contracts", body), "id")

    async def invoice(self, customer_id: str, contract_id: str, **fields: object) -> str:
        return text(await self.post("invoices", invoice_body(customer_id, contract_id, **fields)), "id")

    async def credit(self, customer_id: str, amount: int, **fields: object) -> str:
        return text(await self.post("credits", {"customer_id": customer_id, "amount": amount, **fields}), "id")

    async def balance(self, customer_id: str) -> object:
        return (await self.get("credits/balance", customer_id=customer_id))["balance"]

    async def all(self, path: str, **query: str) -> list[Json]:
        return rows(_checked(await self.http.get(f"/api/v1/{path}", params=query), 200))

    async def events(self, **query: str) -> list[str]:
        return [text(event, "type") for event in await self.all("webhooks/events", **query)]


@asynccontextmanager
async def billing_client(
    *, now: datetime = NOW, webhook_client: httpx.AsyncClient | None = None
) -> AsyncIterator[BillingClient]:
    app = create_app(
        clock=Clock(start=now, frozen=True),
        seed=1,
        webhook_client=webhook_client,
        retry_schedule=RetrySchedule(first_seconds=0.001, longest_seconds=0.01),
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://metronome") as http:
        client = BillingClient(http)
        await client.sign_in()
        yield client
        await app.aclose()


def invoice_body(customer_id: str, contract_id: str, **fields: object) -> Json:
    line = {"description": "Pro", "quantity": 1, "unit_price": 900, "amount": 900}
    return {
        "customer_id": customer_id,
        "contract_id": contract_id,
        "currency": "USD",
        "due_date": "2027-03-02T00:00:00Z",
        "line_items": [line],
        **fields,
    }


def text(content: Mapping[str, object], name: str) -> str:
    value = content[name]
    assert isinstance(value, str)
    return value


def rows(content: Mapping[str, object]) -> list[Json]:
    data = content["data"]
    assert isinstance(data, list)
    return data


def _checked(answer: httpx.Response, status: int) -> Json:
    assert answer.status_code == status, answer.text
    content = answer.json()
    assert isinstance(content, dict)
    return content
