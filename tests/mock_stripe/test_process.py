"""The real program on a real socket."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import stripe

from tests.mock_stripe.sdk_client import connect


@asynccontextmanager
async def running(*arguments: str, **environment: str) -> AsyncIterator[str]:
    """The address it says it listens on."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "mock_stripe",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, **environment},
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            line = (await process.stdout.readline()).decode()
        yield line.removeprefix("mock_stripe: ").strip()
    finally:
        process.terminate()
        await process.communicate()


async def test_the_sdk_pays_through_a_socket_and_survives_a_lost_answer() -> None:
    async with running("--port", "0") as base, httpx.AsyncClient(trust_env=False) as http:
        await http.post(
            f"{base}/_mock/faults", json={"kind": "drop_after", "path": "/v1/payment_intents", "method": "POST"}
        )
        v1 = connect(http, base=base, retries=2).v1
        customer = await v1.customers.create_async({"email": "ada@example.com"})
        card = await v1.payment_methods.attach_async("pm_card_visa", {"customer": customer.id})
        intent = await v1.payment_intents.create_async(
            {
                "amount": 1000,
                "currency": "usd",
                "customer": customer.id,
                "payment_method": card.id,
                "off_session": True,
                "confirm": True,
                "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            }
        )
        assert intent.status == "succeeded"
        assert intent.last_response is not None
        assert intent.last_response.headers["idempotent-replayed"] == "true"
        state = (await http.get(f"{base}/_mock/state")).json()
        assert state["objects"]["charges"] == 1
        assert [one["fault"] for one in state["requests"]] == [None, None, "drop_after", None]


@pytest.mark.filterwarnings("ignore:Use 'content=<...>':DeprecationWarning")  # how the SDK calls httpx
async def test_the_official_httpx_client_of_the_sdk_is_served_too() -> None:
    async with running("--port", "0") as base:
        http = stripe.HTTPXClient()
        client = stripe.StripeClient("sk_test_1", http_client=http, base_addresses={"api": base})
        customer = await client.v1.customers.create_async({"name": "Ada"})
        assert (await client.v1.customers.retrieve_async(customer.id)).name == "Ada"
        await http.close_async()  # type: ignore[no-untyped-call]  # the SDK's annotations have gaps


async def test_webhooks_reach_the_url_of_the_command_line() -> None:
    got: asyncio.Queue[tuple[bytes, str]] = asyncio.Queue()

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
        body = await reader.readexactly(int(headers["content-length"]))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
        await got.put((body, headers["stripe-signature"]))

    async with await asyncio.start_server(receive, "127.0.0.1", 0) as server, httpx.AsyncClient() as http:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/webhooks/stripe"
        async with running("--port", "0", "--webhook-url", url, "--webhook-secret", "whsec_cli") as base:
            await connect(http, base=base).v1.customers.create_async({"name": "Ada"})
            async with asyncio.timeout(10):
                body, signature = await got.get()
    stripe.WebhookSignature.verify_header(body.decode(), signature, "whsec_cli", tolerance=300)
    assert b"customer.created" in body


async def test_the_port_may_come_from_the_environment() -> None:
    async with running(MOCK_STRIPE_PORT="0") as base, httpx.AsyncClient() as http:
        assert (await http.get(f"{base}/health")).json()["status"] == "ok"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])  # noqa: S104 - refused is the point
async def test_it_does_not_start_on_an_address_others_can_reach(host: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "mock_stripe", "--host", host, "--port", "0", stderr=asyncio.subprocess.PIPE
    )
    _, problem = await process.communicate()
    assert process.returncode == 2
    assert f"{host} is not a loopback address" in problem.decode()
