"""Traces, where OTEL_EXPORTER_OTLP_ENDPOINT is set. Without it nothing of OpenTelemetry is imported."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from app.settings import InvalidSettings, Settings


def is_installed() -> bool:
    return find_spec("opentelemetry") is not None and find_spec("opentelemetry.exporter") is not None


@contextmanager
def tracing(settings: Settings) -> Iterator[None]:
    """Until it is left; what was not sent by then, is. Raises `InvalidSettings` without OpenTelemetry."""
    if not settings.otel_exporter_otlp_endpoint:
        yield
        return
    if not is_installed():
        raise InvalidSettings(
            "OTEL_EXPORTER_OTLP_ENDPOINT: OpenTelemetry is not installed; "
            "`pip install --require-hashes -r constraints-tracing.txt` does it"
        )
    from app.otel import exporting

    with exporting(settings):
        yield
