"""GET /metrics for Prometheus: what this process counted, and how the database stands, read when it is asked for.

Few statements, each over an index and the rows that are not done with yet, so that a scrape costs the same however old
the database is.
"""

import asyncio
import secrets
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from time import perf_counter
from typing import Any

import structlog
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from tortoise.functions import Count, Min

from app.clock import system_now
from app.settings import LOOPBACK, Settings
from models import Operation, OperationStatus, Reconciliation, WebhookEvent, WebhookEventState, WorkerHeartbeat
from operations.engine import MAX_TAKEOVERS
from telemetry.metrics import http_request_seconds, http_requests
from telemetry.tracing import span

log = structlog.get_logger()

READ_SECONDS = 5.0
WAITING_EVENTS = (WebhookEventState.PENDING, WebhookEventState.PARKED, WebhookEventState.DEAD)
OPEN_OPERATIONS = (OperationStatus.RUNNING, OperationStatus.REQUIRES_ACTION)
ROUTES = (
    "/graphql",
    "/webhooks/stripe",
    "/webhooks/metronome",
    "/api/onboard",
    "/api/tier/change",
    "/api/customers",
    "/api/subscription",
    "/health/ready",
    "/health",
    "/metrics",
)
METHODS = {"GET", "POST", "HEAD", "OPTIONS"}
OTHER = "other"

MayRead = Callable[[Request], bool]


def may_read(settings: Settings) -> MayRead:
    """Who shows METRICS_TOKEN; where none is set, who asks from this machine and not through a proxy on it."""
    token = settings.metrics_token.get_secret_value()

    def with_token(request: Request) -> bool:
        given = request.headers.get("authorization", "")
        return secrets.compare_digest(given.encode(), f"Bearer {token}".encode())

    def from_here(request: Request) -> bool:
        forwarded = "forwarded" in request.headers or "x-forwarded-for" in request.headers
        return request.client is not None and request.client.host in LOOPBACK and not forwarded

    return with_token if token else from_here


def metrics_endpoint(
    allowed: MayRead, now: Callable[[], datetime], streams: Callable[[], int]
) -> Callable[[Request], object]:
    async def metrics(request: Request) -> Response:
        if not allowed(request):
            return Response("Show METRICS_TOKEN as a bearer token.\n", status_code=403, media_type="text/plain")
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        registry = CollectorRegistry()
        registry.register(_Everything([_live_streams(streams()), *await database_gauges(now())]))
        return Response(encode(registry), headers={"content-type": content_type})

    return metrics


class _Everything:
    def __init__(self, gauges: list[Metric]) -> None:
        self._gauges = gauges

    def collect(self) -> Iterator[Metric]:
        yield from REGISTRY.collect()
        yield from self._gauges


def _live_streams(open_here: int) -> Metric:
    gauge = GaugeMetricFamily("billing_live_streams", "Subscriptions that are open at this process.")
    gauge.add_metric([], open_here)
    return gauge


async def database_gauges(at: datetime) -> list[Metric]:
    """Without a database the rest is served all the same, and `billing_database_up` tells."""
    up = GaugeMetricFamily("billing_database_up", "Whether the gauges of the database could be read.")
    began = perf_counter()
    try:
        async with asyncio.timeout(READ_SECONDS):
            gauges = [
                *await _inbox(at),
                *await _operations(at),
                *await _workers(),
                *await _reconciliation(at),
            ]
    except Exception:
        log.exception("metrics.database_not_read")
        up.add_metric([], 0)
        return [up]
    up.add_metric([], 1)
    read = GaugeMetricFamily("billing_database_read_seconds", "How long these gauges took to read.")
    read.add_metric([], perf_counter() - began)
    return [up, read, *gauges]


async def _inbox(at: datetime) -> Iterable[Metric]:
    rows = (
        await WebhookEvent.filter(state__in=WAITING_EVENTS)
        .annotate(events=Count("id"), oldest=Min("received_at"))
        .group_by("provider", "state")
        .values_list("provider", "state", "events", "oldest")
    )
    labels = ("provider", "state")
    depth = GaugeMetricFamily("billing_inbox_events", "Events not done with.", labels=labels)
    age = GaugeMetricFamily(
        "billing_inbox_oldest_age_seconds", "How long the oldest of them has been here.", labels=labels
    )
    _fill(depth, age, rows, at)
    return depth, age


async def _operations(at: datetime) -> Iterable[Metric]:
    rows = (
        await Operation.filter(status__in=OPEN_OPERATIONS)
        .annotate(operations=Count("id"), oldest=Min("created_at"))
        .group_by("kind", "status")
        .values_list("kind", "status", "operations", "oldest")
    )
    labels = ("kind", "state")
    count = GaugeMetricFamily("billing_operations_open", "Operations that have not ended.", labels=labels)
    age = GaugeMetricFamily(
        "billing_operations_oldest_age_seconds", "Since the oldest of them was accepted.", labels=labels
    )
    _fill(count, age, rows, at)
    given_up = GaugeMetricFamily("billing_operations_given_up", "Operations that an operator has to resume.")
    given_up.add_metric([], await Operation.filter(status=OperationStatus.RUNNING, takeovers__gt=MAX_TAKEOVERS).count())
    return count, age, given_up


def _fill(
    how_many: GaugeMetricFamily, oldest_age: GaugeMetricFamily, groups: Iterable[tuple[Any, ...]], at: datetime
) -> None:
    """A group is its labels, how many it holds, and the instant of its oldest."""
    for *labels, count, oldest in groups:
        how_many.add_metric(labels, count)
        oldest_age.add_metric(labels, _seconds(oldest, at))


async def _workers() -> Iterable[Metric]:
    age = GaugeMetricFamily(
        "billing_worker_heartbeat_age_seconds", "Since each worker's last sign of life.", labels=("worker",)
    )
    for name, beat_at in await WorkerHeartbeat.all().order_by("name").values_list("name", "at"):
        age.add_metric([name], _seconds(beat_at, system_now()))
    return (age,)


async def _reconciliation(at: datetime) -> Iterable[Metric]:
    last = await Reconciliation.all().order_by("-finished_at").first()
    found = GaugeMetricFamily(
        "billing_reconcile_differences", "Violations that the last reconcile found.", labels=("severity",)
    )
    age = GaugeMetricFamily("billing_reconcile_age_seconds", "Since the last reconcile of all customers ended.")
    if last is not None:
        found.add_metric(["HIGH"], last.differences_high)
        found.add_metric(["LOW"], last.differences_low)
        age.add_metric([], _seconds(last.finished_at, at))
    return found, age


def _seconds(since: datetime | str, at: datetime) -> float:
    """SQLite's aggregates come as text."""
    moment = since if isinstance(since, datetime) else datetime.fromisoformat(since)
    return max(0.0, (at - moment).total_seconds())


class CountRequests:
    """Middleware: every answer by route and status, and how long until it began; a stream may go on for hours."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = perf_counter()
        route = _route(scope["path"])
        method = scope["method"] if scope["method"] in METHODS else OTHER

        async def send_counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                http_requests.labels(route, method, str(message["status"])).inc()
                http_request_seconds.labels(route).observe(perf_counter() - began)
            await send(message)

        with span(f"{method} {route}", parent=Headers(scope=scope).get("traceparent")):
            await self.app(scope, receive, send_counted)


def _route(path: str) -> str:
    """One of ours: what a client asks for besides is its own invention."""
    return next((route for route in ROUTES if path == route or path.startswith(f"{route}/")), OTHER)
