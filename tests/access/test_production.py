"""What a start is refused for: whatever is missing before others may come, or before money is real."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from app.main import create_app
from app.settings import InvalidSettings, Settings, load_settings
from models.migrating import migrate
from tests.keys import AS_ADMIN
from tests.service import PRODUCTION, SERVICE, running_service, settings_for

REAL = {
    "metronome_api_url": "https://api.metronome.example",
    "metronome_oauth_client_id": "us",
    "metronome_oauth_client_secret": "planted-oauth-secret",
    "stripe_api_base": "https://api.stripe.example",
    "stripe_secret_key": "sk_test_planted",
}
NOTHING = {"metronome_webhook_secret": "", "stripe_webhook_secret": ""}
EVERYTHING = (
    "METRONOME_WEBHOOK_SECRET, STRIPE_WEBHOOK_SECRET, CUSTOMER_TOKEN_SECRET, PUBLIC_URL (https://...), "
    "TRUSTED_PROXIES (the addresses of what ends https)"
)
KEY = "an API key (python -m app keys create --name ops --scope admin)"


async def started(settings: Settings) -> None:
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        pass


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (
            {"host": "0.0.0.0", **NOTHING},  # noqa: S104  nobody listens
            f"HOST 0.0.0.0 is open to other machines; that needs ENVIRONMENT=production, {EVERYTHING}",
        ),
        ({**REAL, **NOTHING}, f"the providers are real ones; that needs ENVIRONMENT=production, {EVERYTHING}"),
        ({"environment": "production", **NOTHING}, f"ENVIRONMENT is production; that needs {EVERYTHING}"),
        (
            {**PRODUCTION, "public_url": "http://127.0.0.1:3000"},
            "ENVIRONMENT is production; that needs PUBLIC_URL (https://...)",
        ),
    ],
)
async def test_a_start_without_what_others_need_names_all_of_it(
    sqlite_url: str, tmp_path: Path, changed: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InvalidSettings) as refused:
        await started(settings_for(sqlite_url, tmp_path, **changed))

    assert str(refused.value) == sentence


async def test_a_start_that_nobody_could_sign_in_to_is_refused(tmp_path: Path) -> None:
    url = f"sqlite://{tmp_path}/new/billing.db"
    await migrate(url)

    with pytest.raises(InvalidSettings) as refused:
        await started(settings_for(url, tmp_path, **PRODUCTION))

    assert str(refused.value) == f"ENVIRONMENT is production; that needs {KEY}"


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (
            {"stripe_secret_key": "sk_live_planted"},
            "STRIPE_SECRET_KEY is a live key, and STRIPE_API_BASE is a mock",
        ),
        (
            {**REAL, "stripe_secret_key": "sk_test_sandbox"},
            "STRIPE_SECRET_KEY is the mock's own, and STRIPE_API_BASE is the real Stripe",
        ),
        ({"customer_token_secret": "short"}, "CUSTOMER_TOKEN_SECRET must have at least 32 characters"),
        ({"customer_token_secret": f"{'x' * 32},"}, "CUSTOMER_TOKEN_SECRET must have at least 32 characters"),
        (
            {"cors_origins": "*"},
            "CORS_ORIGINS must be addresses without a path, as https://shop.example.com; * is none",
        ),
        (
            {"cors_origins": "https://shop.example/,https://a.example"},
            "CORS_ORIGINS must be addresses without a path, as https://shop.example.com; * is none",
        ),
        (
            {"public_url": "http://billing.example"},
            "PUBLIC_URL must be an address without a path, as https://billing.example.com",
        ),
        (
            {**PRODUCTION, "sandbox_sign_in_key": "key_1"},
            "SANDBOX_SIGN_IN_KEY is for the sandbox on this machine alone",
        ),
        ({"environment": "staging"}, "ENVIRONMENT: Input should be 'sandbox' or 'production'"),
        (
            {**REAL, "stripe_api_base": "http://api.stripe.example"},
            "STRIPE_API_BASE: http is only for this machine; https is needed",
        ),
        (
            {**REAL, "metronome_api_url": "https://169.254.169.254"},
            "METRONOME_API_URL: a host name is needed, not a bare IP address",
        ),
        (
            {**REAL, "stripe_api_base": "https://localhost@evil.example"},
            "STRIPE_API_BASE: the address must hold no user, query or fragment",
        ),
    ],
)
def test_a_contradiction_is_told_in_one_line(changed: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidSettings) as refused:
        load_settings(_env_file=None, **changed)

    assert str(refused.value) == sentence


def test_settings_print_no_secret() -> None:
    planted = {
        "metronome_oauth_client_secret": "planted-1",
        "metronome_webhook_secret": "planted-2",
        "stripe_secret_key": "sk_test_planted-3",
        "stripe_webhook_secret": "whsec_planted-4",
        "customer_token_secret": "planted-5-and-some-more-characters",
        "metrics_token": "planted-6",
        "database_url": "postgresql://billing:planted-7@db.example/billing",
    }

    settings = load_settings(_env_file=None, **planted)

    assert "planted" not in f"{settings} {settings!r}"
    assert settings.token_secrets[0].get_secret_value() == planted["customer_token_secret"]


SHOP = {"origin": "https://shop.example"}
PREFLIGHT = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,content-type"}
TIERS = {"query": "{ tiers { tier } }"}


async def test_pages_elsewhere_may_read_nothing_unless_they_are_listed(sqlite_url: str, tmp_path: Path) -> None:
    async with running_service(sqlite_url, tmp_path) as service:
        asked = await service.http.options("/graphql", headers={**SHOP, **PREFLIGHT})
        answered = await service.http.post("/graphql", json=TIERS, headers=SHOP)

    assert asked.status_code == 405
    assert [name for name in (*asked.headers, *answered.headers) if name.startswith("access-control")] == []


async def test_pages_that_are_listed_ask_with_a_key_and_never_with_a_cookie(sqlite_url: str, tmp_path: Path) -> None:
    async with running_service(sqlite_url, tmp_path, cors_origins="https://shop.example") as service:
        asked = await service.http.options("/graphql", headers={**SHOP, **PREFLIGHT})
        answered = await service.http.post("/graphql", json=TIERS, headers=SHOP)
        of_others = await service.http.post("/graphql", json=TIERS, headers={"origin": "https://evil.example"})
        opened = await service.http.post("/session", json={"key": AS_ADMIN["authorization"][7:]})
        async with httpx.AsyncClient(transport=httpx.ASGITransport(service.app), base_url=SERVICE) as browser:
            browser.cookies.update(opened.cookies)
            by_cookie = await browser.post("/graphql", json=TIERS, headers=SHOP)

    assert asked.status_code == 200
    for answer in (asked, answered):
        assert answer.headers["access-control-allow-origin"] == "https://shop.example"
        assert "access-control-allow-credentials" not in answer.headers
    assert "access-control-allow-origin" not in of_others.headers
    assert by_cookie.status_code == 401
