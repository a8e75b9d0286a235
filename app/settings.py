"""Everything that can be set, read once from the environment and `.env`, and passed down.

With nothing set, the service talks to the two mocks on this machine.
"""

import re
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from integrations.http import check_base_url
from integrations.metronome.credentials import OAuthCredentials, UnusableCredentials

IN_MEMORY = "memory://"
LOOPBACK = {"127.0.0.1", "::1", "localhost"}
RATE_LIMITS = ("rate_limit_key", "rate_limit_customer", "rate_limit_address", "rate_limit_failures")
RATE_LIMIT = re.compile(r"[1-9][0-9]{0,11}/(?:second|minute|hour)")
MIN_SECRET_CHARACTERS = 32
SANDBOX_CLIENT_ID = "sandbox-client"
SANDBOX_CLIENT_SECRET = SecretStr("sandbox-secret")
SANDBOX_STRIPE_KEY = SecretStr("sk_test_sandbox")


class InvalidSettings(Exception):  # noqa: N818  named for what is wrong, as all our errors
    """One line for the operator, naming the setting."""


class Settings(BaseSettings):
    """Named as their environment variables. Secrets never print."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True, hide_input_in_errors=True)

    # production: open to others, or to real money, and nothing that needs be set may be missing.
    environment: Literal["sandbox", "production"] = "sandbox"
    host: str = "127.0.0.1"
    port: int = Field(default=3000, ge=0, le=65535)
    mock_metronome_port: int = Field(default=3001, ge=0, le=65535)
    mock_stripe_port: int = Field(default=3002, ge=0, le=65535)
    data_dir: Path = Path("data")
    database_url: str = Field(default="", repr=False)  # it may hold a password

    metronome_api_url: str = ""
    metronome_oauth_client_id: str = ""
    metronome_oauth_client_secret: SecretStr = SecretStr("")
    metronome_oauth_token_url: str = ""
    metronome_oauth_scope: str = "billing:read billing:write"
    metronome_oauth_credentials_file: Path | None = None
    metronome_webhook_secret: SecretStr = SecretStr("")

    stripe_secret_key: SecretStr = SecretStr("")
    stripe_publishable_key: str = ""
    stripe_webhook_secret: SecretStr = SecretStr("")
    stripe_api_base: str = ""

    # Signs customer tokens; comma-separated while it is rolled, the new one first. The sandbox makes one at each start.
    customer_token_secret: SecretStr = SecretStr("")

    # Where browsers find the service, as https://billing.example.com; and the addresses of the proxies before it.
    public_url: str = ""
    trusted_proxies: str = ""
    # Pages elsewhere that may ask, with a bearer token, as https://shop.example.com; comma-separated.
    cors_origins: str = ""
    session_hours: float = Field(default=12, gt=0, le=720)
    # The id of the key that browsers on this machine are signed in with. `make run` sets it; the sandbox only.
    sandbox_sign_in_key: str = ""

    # How much in how long, by cost; a document's cost is in its answer's extensions, and REST calls cost about 50.
    rate_limit_key: str = "60000/minute"
    rate_limit_customer: str = "10000/minute"
    # In requests.
    rate_limit_address: str = "30000/minute"
    rate_limit_failures: str = "10/minute"
    # memory:// for one process, redis://:password@host:6379/0 for several
    rate_limit_storage: str = Field(default="memory://", repr=False)  # it may hold a password

    graphiql_dir: Path = Path("build/graphiql")
    web_dir: Path = Path("build/web")
    # What a stranger may learn about the schema. Unset: everything where only this machine can ask, else nothing.
    graphiql: bool | None = None
    introspection: bool | None = None
    schema_hints: bool | None = None

    # What one request may ask for; more is refused before anything is run.
    graphql_max_depth: int = Field(default=8, ge=1, le=50)
    graphql_max_aliases: int = Field(default=15, ge=0, le=1_000)
    graphql_max_tokens: int = Field(default=1_000, ge=50, le=20_000)
    graphql_max_cost: int = Field(default=5_000, ge=100, le=1_000_000)
    request_max_bytes: int = Field(default=65_536, ge=1_024, le=10_485_760)
    request_max_header_bytes: int = Field(default=16_384, ge=1_024, le=65_536)
    request_timeout_seconds: float = Field(default=10.0, gt=0, le=120)
    max_connections: int = Field(default=1_000, ge=10, le=100_000)
    # Behind a load balancer: longer than it keeps an idle connection, or it sends a request where nobody is any more.
    keep_alive_seconds: int = Field(default=5, ge=1, le=3_600)
    websocket_max_operations: int = Field(default=20, ge=1, le=1_000)
    # For so long at most a live stream outlives the key, session or token that opened it.
    stream_check_seconds: float = Field(default=15.0, gt=0, le=300)

    # auto: text in a terminal, JSON elsewhere.
    log_format: str = Field(default="auto", pattern="^(auto|text|json)$")
    log_level: str = Field(default="info", pattern="^(debug|info|warning|error)$")
    # Whoever shows it as a bearer token may read /metrics. Without one, only this machine may.
    metrics_token: SecretStr = SecretStr("")
    # Where traces go, as http://collector:4318; without it nothing is traced.
    otel_exporter_otlp_endpoint: str = ""
    otel_service_name: str = "billing"
    # For how long an answer of /health/ready stands, so that asking it often asks the providers seldom.
    health_cache_seconds: float = Field(default=5.0, ge=0, le=60)
    # With less free space beside the SQLite files the service is not ready.
    disk_min_free_mib: int = Field(default=200, ge=0)
    # How long a mutation waits for its operation before it answers RUNNING.
    operation_wait_seconds: float = Field(default=5.0, ge=0, le=60)
    # How long a stop waits for steps that are in hand.
    drain_seconds: float = Field(default=10.0, ge=0, le=120)

    # How often the worker looks for invoices and payments whose time has come.
    collect_seconds: float = Field(default=5.0, gt=0, le=86_400)
    # How often the providers' own lists are read for events that never arrived.
    missed_events_seconds: float = Field(default=300.0, gt=0, le=86_400)
    # How often the worker deletes what need not be kept any longer.
    prune_seconds: float = Field(default=3_600.0, gt=0, le=86_400)
    # After so many attempts a webhook event is dead and waits for a person; by then two to three hours have passed.
    webhook_max_attempts: int = Field(default=16, ge=1, le=100)
    # For how long one worker has an event to itself. Longer than any call to a provider takes.
    webhook_lease_seconds: float = Field(default=30.0, ge=1, le=600)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.sandbox != self._is_loopback(self.stripe_url):
            raise ValueError("METRONOME_API_URL and STRIPE_API_BASE must both be the mocks or both be the real ones")
        check_base_url(self.metronome_url, setting="METRONOME_API_URL", sandbox=self.sandbox)
        check_base_url(self.stripe_url, setting="STRIPE_API_BASE", sandbox=self.sandbox)
        check_base_url(self.token_url, setting="METRONOME_OAUTH_TOKEN_URL", sandbox=self.sandbox)
        self._check_stripe_key()
        if self.operation_wait_seconds >= self.request_timeout_seconds:
            raise ValueError("REQUEST_TIMEOUT_SECONDS must be longer than OPERATION_WAIT_SECONDS")
        if any(len(each.get_secret_value()) < MIN_SECRET_CHARACTERS for each in self.token_secrets):
            raise ValueError(f"CUSTOMER_TOKEN_SECRET must have at least {MIN_SECRET_CHARACTERS} characters")
        self._check_edge()
        if not self.sandbox and not self.metronome_oauth_credentials_file:
            self._require("METRONOME_OAUTH_CLIENT_ID", "METRONOME_OAUTH_CLIENT_SECRET")
        return self

    def _check_stripe_key(self) -> None:
        key = self.stripe_key.get_secret_value()
        if not key:
            raise ValueError("STRIPE_SECRET_KEY is required with the real Stripe")
        if not key.startswith(("sk_test_", "rk_test_", "sk_live_", "rk_live_")):
            raise ValueError("STRIPE_SECRET_KEY must start with sk_test_, rk_test_, sk_live_ or rk_live_")
        if self.sandbox and self.livemode:
            raise ValueError("STRIPE_SECRET_KEY is a live key, and STRIPE_API_BASE is a mock")
        if not self.sandbox and key == SANDBOX_STRIPE_KEY.get_secret_value():
            raise ValueError("STRIPE_SECRET_KEY is the mock's own, and STRIPE_API_BASE is the real Stripe")

    def _check_edge(self) -> None:
        if self.public_url and not is_origin(self.public_url.removesuffix("/")):
            raise ValueError("PUBLIC_URL must be an address without a path, as https://billing.example.com")
        if not all(is_origin(origin) for origin in self.allowed_origins):
            raise ValueError("CORS_ORIGINS must be addresses without a path, as https://shop.example.com; * is none")
        for name in RATE_LIMITS:
            if not RATE_LIMIT.fullmatch(getattr(self, name)):
                raise ValueError(f"{name.upper()} must be as 60000/minute: an amount per second, minute or hour")
        if self.rate_limit_storage != IN_MEMORY and not is_redis(self.rate_limit_storage):
            raise ValueError("RATE_LIMIT_STORAGE must be memory://, or as redis://:password@host:6379/0")
        if self.sandbox_sign_in_key and not self.developing:
            raise ValueError("SANDBOX_SIGN_IN_KEY is for the sandbox on this machine alone")

    def _require(self, *names: str) -> None:
        for name in names:
            value = getattr(self, name.lower())
            if not (value.get_secret_value() if isinstance(value, SecretStr) else value):
                raise ValueError(f"{name} is required with the real Metronome")

    @property
    def metronome_url(self) -> str:
        return self.metronome_api_url or f"http://127.0.0.1:{self.mock_metronome_port}"

    @property
    def stripe_url(self) -> str:
        return self.stripe_api_base or f"http://127.0.0.1:{self.mock_stripe_port}"

    @property
    def token_url(self) -> str:
        return self.metronome_oauth_token_url or f"{self.metronome_url.rstrip('/')}/oauth/token"

    @property
    def sandbox(self) -> bool:
        """Whether both providers are the mocks of this machine."""
        return self._is_loopback(self.metronome_url)

    @property
    def developing(self) -> bool:
        """Whether only this machine can ask, and no money is real."""
        return self.environment == "sandbox" and self.sandbox and self.host in LOOPBACK

    @property
    def proxies(self) -> list[str]:
        return [part.strip() for part in self.trusted_proxies.split(",") if part.strip()]

    @property
    def allowed_origins(self) -> list[str]:
        return [part.strip() for part in self.cors_origins.split(",") if part.strip()]

    def explorable(self, given: bool | None) -> bool:
        return self.developing if given is None else given

    @property
    def stripe_key(self) -> SecretStr:
        given = self.stripe_secret_key
        return given if given.get_secret_value() or not self.sandbox else SANDBOX_STRIPE_KEY

    @property
    def livemode(self) -> bool:
        return self.stripe_key.get_secret_value().startswith(("sk_live_", "rk_live_"))

    @property
    def stripe_webhook_secrets(self) -> list[SecretStr]:
        """More than one while a secret is being rolled."""
        return [SecretStr(part.strip()) for part in self.stripe_webhook_secret.get_secret_value().split(",")]

    @property
    def token_secrets(self) -> list[SecretStr]:
        """The first signs. None where none is set."""
        given = self.customer_token_secret.get_secret_value()
        return [SecretStr(part.strip()) for part in given.split(",")] if given else []

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite://{self.data_dir.absolute() / 'billing.sqlite'}"

    @property
    def on_sqlite(self) -> bool:
        return self.database.startswith("sqlite:")

    def metronome_credentials(self) -> OAuthCredentials:
        """The credentials file wins over the single settings. Raises `InvalidSettings`."""
        try:
            if self.metronome_oauth_credentials_file is not None:
                return OAuthCredentials.from_file(self.metronome_oauth_credentials_file)
            secret = self.metronome_oauth_client_secret
            use_sandbox = self.sandbox and not self.metronome_oauth_client_id and not secret.get_secret_value()
            return OAuthCredentials(
                client_id=SANDBOX_CLIENT_ID if use_sandbox else self.metronome_oauth_client_id,
                client_secret=SANDBOX_CLIENT_SECRET if use_sandbox else secret,
                token_url=self.token_url,
                scope=self.metronome_oauth_scope,
            )
        except UnusableCredentials as problem:
            raise InvalidSettings(f"METRONOME_OAUTH_CREDENTIALS_FILE: {problem}") from None

    @staticmethod
    def _is_loopback(url: str) -> bool:
        return urlsplit(url).hostname in LOOPBACK


def is_redis(url: str) -> bool:
    """A password that is not percent-encoded may end up as the port."""
    try:
        parts = urlsplit(url)
        is_whole = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return is_whole and parts.scheme in ("redis", "rediss") and (parts.path.strip("/") or "0").isdecimal()


def is_origin(text: str) -> bool:
    """http is for addresses of this machine."""
    parts = urlsplit(text)
    schemes = ("https", "http") if parts.hostname in LOOPBACK else ("https",)
    return parts.scheme in schemes and text == f"{parts.scheme}://{parts.netloc}" and "@" not in parts.netloc


def load_settings(**overrides: object) -> Settings:
    """Raises `InvalidSettings` with one line that names the first setting that is wrong."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]  # checked by pydantic itself
    except ValidationError as invalid:
        first = invalid.errors(include_url=False, include_input=False)[0]
        name = "".join(str(part).upper() for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise InvalidSettings(f"{name}: {message}" if name else message) from None
