"""The seam of `telemetry.tracing`, filled with OpenTelemetry: spans are sent in batches, by a thread of its own."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Status, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from app.settings import Settings
from telemetry import tracing
from telemetry.tracing import Attribute

EXPORT_SECONDS = 3.0
"""A collector that is away must not hold up the stop."""

_TRACEPARENT = "traceparent"
_propagator = TraceContextTextMapPropagator()


@contextmanager
def exporting(settings: Settings) -> Iterator[None]:
    provider = TracerProvider(
        resource=Resource.create({"service.name": settings.otel_service_name}), shutdown_on_exit=False
    )
    endpoint = f"{settings.otel_exporter_otlp_endpoint.rstrip('/')}/v1/traces"
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint, timeout=EXPORT_SECONDS)))
    tracing.listen(Spans(provider.get_tracer("billing")))
    try:
        yield
    finally:
        tracing.listen(None)
        provider.shutdown()


class Spans:
    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def span(self, name: str, *, parent: str | None, attributes: dict[str, Attribute]) -> AbstractContextManager[None]:
        return self._span(name, parent, attributes)

    def here(self) -> str | None:
        carrier: dict[str, str] = {}
        _propagator.inject(carrier)
        return carrier.get(_TRACEPARENT)

    @contextmanager
    def _span(self, name: str, parent: str | None, attributes: dict[str, Attribute]) -> Iterator[None]:
        context = _propagator.extract({_TRACEPARENT: parent}) if parent else None
        with self._tracer.start_as_current_span(
            name, context=context, attributes=attributes, record_exception=False, set_status_on_exception=False
        ) as current:
            try:
                yield
            except Exception as problem:
                # Its kind alone: its words may hold what must not leave the house.
                current.set_status(Status(StatusCode.ERROR, type(problem).__name__))
                raise
