"""What can be wrong with an installation, looked at one by one, and what to do about each. Never says a secret."""

import asyncio
import contextlib
import os
import socket
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from pathlib import Path

import asyncpg
import httpx

from access.keys import is_good
from app.clock import Time, system_now
from app.counting import CountersUnusable, address_of, check_counters
from app.engine import ENGINE_FILE, database_file, postgresql_url
from app.health import SILENT_SECONDS, check_disk
from app.production import check_production
from app.running import provider_tools
from app.settings import IN_MEMORY, LOOPBACK, InvalidSettings, Settings
from app.tracing import is_installed
from integrations.errors import CredentialsRefused, ProviderError
from models import ApiKey, Operation, OperationStatus, Reconciliation, WebhookEvent, WebhookEventState, WorkerHeartbeat
from models.database import database
from models.errors import DatabaseUnavailable
from models.migrating import pending_migrations
from operations.engine import MAX_TAKEOVERS
from resolvers.health import NotWell

ASK_SECONDS = 10.0
SKEW_WARNS = timedelta(seconds=5)
SKEW_FAILS = timedelta(seconds=120)
"""A webhook's signature holds for 300 seconds: with less than half of it left, a slow delivery is refused."""
LATE = timedelta(hours=1)
EXPIRES_SOON = timedelta(days=14)
RECONCILED_WITHIN = timedelta(hours=26)


class State(StrEnum):
    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """`advice` is what to do; empty when there is nothing to be done."""

    check: str
    state: State
    found: str
    advice: str = ""


def ok(check: str, found: str) -> Finding:
    return Finding(check, State.OK, found)


def warn(check: str, found: str, advice: str) -> Finding:
    return Finding(check, State.WARN, found, advice)


def fail(check: str, found: str, advice: str) -> Finding:
    return Finding(check, State.FAIL, found, advice)


Check = Callable[[Settings], Awaitable[list[Finding]]]


async def examine(settings: Settings) -> AsyncIterator[list[Finding]]:
    """One part after the other; what needs the database is left out where there is none."""
    before: tuple[Check, ...] = (_settings, _files, _rate_limits, _providers)
    for look in before:
        yield await look(settings)
    connected = await _database(settings)
    yield connected
    if all(finding.state is not State.FAIL for finding in connected):
        inside: tuple[Check, ...] = (_keys, _worker, _inbox, _operations, _reconciled)
        async with database(settings.database):
            for look in inside:
                yield await look(settings)


PARTS = 10


async def _settings(settings: Settings) -> list[Finding]:
    return [
        ok("settings", "both providers are mocks" if settings.sandbox else _mode(settings)),
        _bind(settings),
        *_production(settings),
        _port(settings),
        _stripe_webhook_secret(settings),
        _metronome_webhook_secret(settings),
        *_publishable_key(settings),
        *_customer_tokens(settings),
        *_credentials_file(settings),
        await _tracing(settings),
    ]


def _mode(settings: Settings) -> str:
    return f"real providers, Stripe in {'live' if settings.livemode else 'test'} mode"


def _bind(settings: Settings) -> Finding:
    if settings.host in LOOPBACK:
        return ok("bind", f"{settings.host}: this machine alone")
    return warn("bind", f"{settings.host}: reachable from elsewhere", "keep it behind a proxy that ends TLS")


def _production(settings: Settings) -> list[Finding]:
    """The keys are looked at in the database."""
    try:
        check_production(settings, serves_clients=True, has_admin_key=True)
    except InvalidSettings as problem:
        return [fail("production", str(problem), "set them; docs/access.md says what each is for")]
    return []


def _port(settings: Settings) -> Finding:
    with socket.socket() as probe:
        probe.settimeout(1)
        taken = probe.connect_ex((settings.host if settings.host != "0.0.0.0" else "127.0.0.1", settings.port)) == 0  # noqa: S104
    return ok("port", f"{settings.port} {'answers: something runs there' if taken else 'is free'}")


def _stripe_webhook_secret(settings: Settings) -> Finding:
    given = [each.get_secret_value() for each in settings.stripe_webhook_secrets if each.get_secret_value()]
    if not given:
        return _missing_secret("STRIPE_WEBHOOK_SECRET", settings)
    if not all(each.startswith("whsec_") for each in given):
        advice = "copy the signing secret of the endpoint from Stripe's dashboard, not an API key"
        return fail("stripe webhooks", "STRIPE_WEBHOOK_SECRET does not start with whsec_", advice)
    return ok("stripe webhooks", f"{len(given)} secret{'s' if len(given) > 1 else ''}")


def _metronome_webhook_secret(settings: Settings) -> Finding:
    if settings.metronome_webhook_secret.get_secret_value():
        return ok("metronome webhooks", "1 secret")
    return _missing_secret("METRONOME_WEBHOOK_SECRET", settings)


def _missing_secret(name: str, settings: Settings) -> Finding:
    tell = warn if settings.sandbox else fail
    check = f"{name.partition('_')[0].lower()} webhooks"
    return tell(check, f"{name} is not set: its webhooks are refused", f"set {name} to the endpoint's secret")


def _publishable_key(settings: Settings) -> list[Finding]:
    key = settings.stripe_publishable_key
    if not key:
        return []
    if key.startswith("pk_live_" if settings.livemode else "pk_test_"):
        return [ok("publishable key", "of the same mode as the secret key")]
    advice = "take both keys from the same page of Stripe's dashboard"
    return [fail("publishable key", "STRIPE_PUBLISHABLE_KEY is of another mode than STRIPE_SECRET_KEY", advice)]


def _customer_tokens(settings: Settings) -> list[Finding]:
    if settings.customer_token_secret.get_secret_value():
        return [ok("customer tokens", "signed with a secret of yours")]
    if settings.on_sqlite and settings.sandbox:
        return []
    found = "each process makes its own secret, so a token is good at one of them until its restart"
    return [warn("customer tokens", found, "set CUSTOMER_TOKEN_SECRET, the same for all: openssl rand -hex 32")]


def _credentials_file(settings: Settings) -> list[Finding]:
    path = settings.metronome_oauth_credentials_file
    if path is None:
        return []
    if not path.exists():
        return [fail("credentials file", f"{path} does not exist", "correct METRONOME_OAUTH_CREDENTIALS_FILE")]
    return [_private(path, check="credentials file", mode=0o600)]


async def _tracing(settings: Settings) -> Finding:
    endpoint = settings.otel_exporter_otlp_endpoint
    if not endpoint:
        return ok("traces", "off")
    if not is_installed():
        advice = "pip install --require-hashes -r constraints-tracing.txt"
        return fail("traces", "OpenTelemetry is not installed", advice)
    if not await _answers(endpoint):
        return warn("traces", f"{endpoint} does not answer", "start the collector, or correct the endpoint")
    return ok("traces", f"sent to {endpoint}")


async def _answers(url: str) -> bool:
    """Whatever it answers: this asks for nothing."""
    try:
        async with httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=ASK_SECONDS) as http:
            await http.get(url)
    except (httpx.HTTPError, httpx.InvalidURL):
        return False
    return True


async def _files(settings: Settings) -> list[Finding]:
    if not settings.on_sqlite:
        return []
    path = database_file(settings.database)
    if not path.parent.exists():
        return [warn("data folder", f"{path.parent} does not exist yet", "`python -m app migrate` makes it")]
    found = [_private(path.parent, check="data folder", mode=0o700), _disk(path.parent, settings)]
    files = [each for each in (path, path.parent / ENGINE_FILE) if each.exists()]
    return [*found, *(_private(each, check=each.name, mode=0o600) for each in files)]


def _private(path: Path, *, check: str, mode: int) -> Finding:
    is_now = stat.S_IMODE(path.stat().st_mode)
    if path.stat().st_uid != os.geteuid():
        return warn(check, f"{path} belongs to another user", f"run the service as its owner, or chown {path}")
    if is_now & 0o077:
        return warn(check, f"others may read {path} ({is_now:04o})", f"chmod {mode:04o} {path}")
    return ok(check, f"{path}, readable by its owner alone")


def _disk(folder: Path, settings: Settings) -> Finding:
    try:
        check_disk(folder, min_free_mib=settings.disk_min_free_mib)
    except NotWell as problem:
        return fail("disk", str(problem), "free space, or mount the folder for writing")
    return ok("disk", "can be written, with space left")


async def _rate_limits(settings: Settings) -> list[Finding]:
    url = settings.rate_limit_storage
    if url == IN_MEMORY:
        return [ok("rate limits", "counted in memory, by each process for itself")]
    try:
        await check_counters(url)
    except CountersUnusable as problem:
        found = f"Redis at {address_of(url)}: {problem}; each process counts for itself meanwhile"
        return [fail("rate limits", found, problem.advice)]
    return [ok("rate limits", f"counted in Redis at {address_of(url)}")]


async def _providers(settings: Settings) -> list[Finding]:
    async with provider_tools(settings, Time.of(sandbox=settings.sandbox)) as (tools, _):
        metronome, stripe, *clocks = await asyncio.gather(
            _ping("metronome", tools.metronome.ping, "METRONOME_OAUTH_CLIENT_ID and METRONOME_OAUTH_CLIENT_SECRET"),
            _ping("stripe", tools.stripe.ping, "STRIPE_SECRET_KEY"),
            _clock("metronome", settings.metronome_url),
            _clock("stripe", settings.stripe_url),
        )
    return [metronome, stripe, *(finding for found in clocks for finding in found)]


async def _ping(name: str, ping: Callable[[], Awaitable[None]], credentials: str) -> Finding:
    try:
        async with asyncio.timeout(ASK_SECONDS):
            await ping()
    except CredentialsRefused:
        return fail(name, "our credentials are refused", f"check {credentials}: right values, right mode, not revoked?")
    except (ProviderError, TimeoutError) as problem:
        found = str(problem) or f"did not answer within {ASK_SECONDS:.0f} s"
        return fail(name, found, "is the address right, and is it reachable from here?")
    return ok(name, "answers, and takes our credentials")


async def _clock(name: str, url: str) -> list[Finding]:
    """By the Date of any answer, a refusal too. Without one there is nothing to compare with."""
    with contextlib.suppress(httpx.HTTPError, ValueError, KeyError):
        async with httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=ASK_SECONDS) as http:
            answer = await http.get(url)
            return [_skew(f"clock, by {name}", parsedate_to_datetime(answer.headers["date"]), system_now())]
    return []


def _skew(check: str, theirs: datetime, ours: datetime) -> Finding:
    apart = abs(ours - theirs.astimezone(UTC))
    seconds = f"{apart.total_seconds():.0f} s apart"
    if apart >= SKEW_FAILS:
        return fail(check, seconds, "webhook signatures will be refused: set the clock, run an NTP client")
    if apart >= SKEW_WARNS:
        return warn(check, seconds, "run an NTP client")
    return ok(check, "agrees within seconds")


async def _database(settings: Settings) -> list[Finding]:
    if settings.on_sqlite and not database_file(settings.database).exists():
        return [fail("database", "there is none yet", "python -m app migrate")]
    try:
        missing = await pending_migrations(settings.database)
        clock = [] if settings.on_sqlite else [await _database_clock(settings)]
    except (DatabaseUnavailable, OSError, asyncpg.PostgresError) as problem:
        return [fail("database", str(problem), "check DATABASE_URL, and that the database runs")]
    if missing:
        return [fail("migrations", f"{len(missing)} to apply, {missing[0]} first", "python -m app migrate"), *clock]
    return [
        ok("database", "PostgreSQL" if not settings.on_sqlite else "SQLite"),
        ok("migrations", "all applied"),
        *clock,
    ]


async def _database_clock(settings: Settings) -> Finding:
    connection = await asyncpg.connect(postgresql_url(settings.database), timeout=ASK_SECONDS)
    try:
        return _skew("clock, by PostgreSQL", await connection.fetchval("SELECT clock_timestamp()"), system_now())
    finally:
        await connection.close()


async def _keys(_: Settings) -> list[Finding]:
    at = system_now()
    good = [key for key in await ApiKey.filter(revoked_at__isnull=True) if is_good(key, at)]
    if not good:
        return [warn("keys", "there is none, so nobody can ask", "python -m app keys create --help")]
    soon = [key.prefix for key in good if key.expires_at and key.expires_at - at < EXPIRES_SOON]
    if soon:
        return [warn("keys", f"{', '.join(soon)} will soon expire", "make a new one, move its user over, revoke it")]
    return [ok("keys", f"{len(good)} good")]


async def _worker(_: Settings) -> list[Finding]:
    last = await WorkerHeartbeat.all().order_by("-at").first()
    if last is None:
        return [warn("worker", "none is running", "start the service; on PostgreSQL also `python -m app worker`")]
    silent = system_now() - last.at
    if silent.total_seconds() > SILENT_SECONDS:
        return [warn("worker", f"{last.name} has been silent since {last.at:%Y-%m-%d %H:%M:%S}Z", "restart it")]
    return [ok("worker", f"{last.name} is alive")]


async def _inbox(_: Settings) -> list[Finding]:
    stuck = await WebhookEvent.filter(state__in=(WebhookEventState.PARKED, WebhookEventState.DEAD)).count()
    late = await WebhookEvent.filter(state=WebhookEventState.PENDING, received_at__lt=system_now() - LATE).count()
    if stuck:
        advice = "python -m app webhooks list --state dead (and parked), mend, then replay"
        return [warn("webhook events", f"{stuck} parked or dead", advice)]
    if late:
        return [
            warn("webhook events", f"{late} wait for more than an hour", "python -m app webhooks list --state pending")
        ]
    return [ok("webhook events", "none is stuck")]


async def _operations(_: Settings) -> list[Finding]:
    running = Operation.filter(status=OperationStatus.RUNNING)
    if given_up := await running.filter(takeovers__gt=MAX_TAKEOVERS).count():
        advice = "python -m app operations list --status running, find out why, then resume"
        return [fail("operations", f"{given_up} given up", advice)]
    if late := await running.filter(created_at__lt=system_now() - LATE).count():
        return [
            warn(
                "operations", f"{late} running for more than an hour", "python -m app operations list --status running"
            )
        ]
    return [ok("operations", "none is stuck")]


async def _reconciled(_: Settings) -> list[Finding]:
    last = await Reconciliation.all().order_by("-finished_at").first()
    if last is None or system_now() - last.finished_at > RECONCILED_WITHIN:
        return [warn("reconcile", "not run for more than a day", "run `python -m app reconcile` every night")]
    if last.differences_high:
        return [fail("reconcile", f"{last.differences_high} differences that matter", "python -m app reconcile")]
    return [ok("reconcile", f"{last.customers} customers, {last.differences_low} small differences")]
