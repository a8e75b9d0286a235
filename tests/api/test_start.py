"""A start that finds the providers away, or closed to us."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from app.main import create_app
from tests.api.health import components
from tests.api.onboarding import onboard, waiting
from tests.service import SERVICE, running_service, settings_for
from tests.webhooks.delivery import until


async def test_the_service_starts_without_its_providers(database_url: str, tmp_path: Path) -> None:
    expected = {
        "metronome": ("down", "metronome fetch_token: not reached"),
        "stripe": ("down", "stripe ping: not reached"),
        "database": ("up", None),
        "worker": ("up", None),
    }
    async with without_providers(database_url, tmp_path) as http:

        async def told() -> bool:
            """The calls are repeated first, and on a busy machine that may take longer than readiness waits."""
            return expected.items() <= (await components(http, status=503)).items()

        await until(told, what="both providers named, and nothing else")


@asynccontextmanager
async def without_providers(url: str, folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Both addresses are ports of this machine on which nobody listens."""
    settings = settings_for(url, folder, mock_metronome_port=9, mock_stripe_port=9)
    app = create_app(settings)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=SERVICE, timeout=30) as http,
    ):
        yield http


async def test_a_wrong_oauth_secret_is_named_and_onboardings_wait(database_url: str, tmp_path: Path) -> None:
    changed: dict[str, Any] = {
        "metronome_oauth_client_id": "sandbox-client",
        "metronome_oauth_client_secret": SecretStr("not the secret"),
        "operation_wait_seconds": 0.2,
    }
    async with running_service(database_url, tmp_path, **changed) as service:
        found = await components(service.http, status=503)
        payload = await onboard(service, "user_1")
        operation = await waiting(service, payload["operation"]["id"])

    sentence = "metronome refused our credentials: check METRONOME_OAUTH_CLIENT_ID and METRONOME_OAUTH_CLIENT_SECRET"
    assert found["metronome"] == ("down", sentence)
    assert found["stripe"] == ("up", None)
    assert (payload["operation"]["status"], payload["subscription"]["status"]) == ("RUNNING", "PENDING")
    assert operation["status"] == "RUNNING"
    assert "not the secret" not in operation["lastProblem"]
    assert operation["lastProblem"] == "metronome fetch_token: our OAuth client is refused (status 401)"
