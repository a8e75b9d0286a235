"""The real program on a real socket."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import stripe
from stripe._v1_services import V1Services

from tests.mock_kit.kept import until_written
from tests.mock_stripe.sdk_client import connect


@asynccontextmanager
async def running(*arguments: str, ended_by: signal.Signals = signal.SIGTERM, **environment: str) -> AsyncIterator[str]:
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
        async with asyncio.timeout(120):
            line = (await process.stdout.readline()).decode()
        yield line.removeprefix("mock_stripe: ").strip()
    finally:
        process.send_signal(ended_by)
        await process.communicate()


async def test_the_sdk_pays_through_a_socket_and_survives_a_lost_answer() -> None:
    async with running("--port", "0") as base, httpx.AsyncClient(trust_env=False, timeout=60) as http:
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

    async with (
        await asyncio.start_server(receive, "127.0.0.1", 0) as server,
        httpx.AsyncClient(timeout=60, trust_env=False) as http,
    ):
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/webhooks/stripe"
        async with running("--port", "0", "--webhook-url", url, "--webhook-secret", "whsec_cli") as base:
            await connect(http, base=base).v1.customers.create_async({"name": "Ada"})
            async with asyncio.timeout(60):
                body, signature = await got.get()
    stripe.WebhookSignature.verify_header(body.decode(), signature, "whsec_cli", tolerance=300)
    assert b"customer.created" in body


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_without_noise(number: signal.Signals) -> None:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "mock_stripe", "--port", "0", stdout=pipe, stderr=pipe
    )
    assert process.stdout is not None
    await process.stdout.readline()
    process.send_signal(number)
    assert await process.communicate() == (b"", b"")
    assert process.returncode == 0


async def test_what_was_kept_survives_a_kill(tmp_path: Path) -> None:
    state = tmp_path / "stripe"
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
        async with running("--port", "0", "--state", str(state), ended_by=signal.SIGKILL) as base:
            v1 = connect(http, base=base).v1
            await http.post(f"{base}/_mock/clock", json={"advance_seconds": 86_400_000, "frozen": True})
            clock = (await http.get(f"{base}/_mock/clock")).json()["now"]
            listener = await v1.webhook_endpoints.create_async(
                {"url": "http://127.0.0.1:9/", "enabled_events": ["refund.updated"]}
            )
            customer = await v1.customers.create_async({"name": "Ada"})
            card = await v1.payment_methods.attach_async("pm_card_pendingRefund", {"customer": customer.id})
            intent = await pay(v1, customer.id, card.id)
            refund = await v1.refunds.create_async({"payment_intent": intent.id})
            events = (await v1.events.list_async()).data
            await until_written(state, holds=events[0].id)
        async with running(MOCK_STRIPE_PORT="0", MOCK_STRIPE_STATE=str(state)) as base:
            v1 = connect(http, base=base).v1
            assert (await http.get(f"{base}/_mock/clock")).json()["now"] == clock
            assert (await v1.events.list_async()).data == events
            assert (await v1.webhook_endpoints.retrieve_async(listener.id)).status == "enabled"
            again = await pay(v1, customer.id, card.id)
            assert again == intent
            assert again.last_response is not None
            assert again.last_response.headers["idempotent-replayed"] == "true"
            assert (await v1.refunds.retrieve_async(refund.id)).status == "pending"
            await http.post(f"{base}/_mock/clock", json={"advance_seconds": 60})
            assert (await v1.refunds.retrieve_async(refund.id)).status == "succeeded"
            assert (await v1.payment_methods.retrieve_async(card.id)).customer == customer.id


async def pay(v1: V1Services, customer_id: str, card_id: str) -> stripe.PaymentIntent:
    """$10 at once, always under the same idempotency key."""
    return await v1.payment_intents.create_async(
        {
            "amount": 1000,
            "currency": "usd",
            "customer": customer_id,
            "payment_method": card_id,
            "off_session": True,
            "confirm": True,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        },
        {"idempotency_key": "k"},
    )


async def test_the_webhook_may_come_from_the_environment() -> None:
    url = "http://127.0.0.1:9/hook"
    async with (
        running(MOCK_STRIPE_PORT="0", MOCK_STRIPE_WEBHOOK_URL=url) as base,
        httpx.AsyncClient(timeout=60, trust_env=False) as http,
    ):
        (endpoint,) = (await http.get(f"{base}/_mock/webhooks")).json()["endpoints"]
    assert endpoint["url"] == url


async def test_the_port_may_come_from_the_environment() -> None:
    async with running(MOCK_STRIPE_PORT="0") as base, httpx.AsyncClient(timeout=60, trust_env=False) as http:
        assert (await http.get(f"{base}/health")).json()["status"] == "ok"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])  # noqa: S104 - refused is the point
async def test_it_does_not_start_on_an_address_others_can_reach(host: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "mock_stripe", "--host", host, "--port", "0", stderr=asyncio.subprocess.PIPE
    )
    _, problem = await process.communicate()
    assert process.returncode == 2
    assert f"{host} is not a loopback address" in problem.decode()
