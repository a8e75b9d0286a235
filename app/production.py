"""What must be set before anybody but this machine can ask, or any money is real."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from app.settings import InvalidSettings, Settings

CREATE_KEY = "an API key (python -m app keys create --name ops --scope admin)"


def check_production(settings: Settings, *, serves_clients: bool, has_admin_key: bool) -> None:
    """Raises `InvalidSettings` with everything that is missing in one line."""
    if settings.developing:
        return
    if missing := list(_missing(settings, serves_clients=serves_clients, has_admin_key=has_admin_key)):
        raise InvalidSettings(f"{_why(settings)}; that needs {', '.join(missing)}")


def _why(settings: Settings) -> str:
    if settings.environment == "production":
        return "ENVIRONMENT is production"
    if not settings.sandbox:
        return "the providers are real ones"
    return f"HOST {settings.host} is open to other machines"


def _missing(settings: Settings, *, serves_clients: bool, has_admin_key: bool) -> Iterator[str]:
    if settings.environment != "production":
        yield "ENVIRONMENT=production"
    if not settings.metronome_webhook_secret.get_secret_value():
        yield "METRONOME_WEBHOOK_SECRET"
    if not settings.stripe_webhook_secret.get_secret_value():
        yield "STRIPE_WEBHOOK_SECRET"
    if not serves_clients:
        return
    if not settings.token_secrets:
        yield "CUSTOMER_TOKEN_SECRET"
    if urlsplit(settings.public_url).scheme != "https":
        yield "PUBLIC_URL (https://...)"
    if not settings.proxies:
        yield "TRUSTED_PROXIES (the addresses of what ends https)"
    if not has_admin_key:
        yield CREATE_KEY
