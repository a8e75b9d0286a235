"""Every call to a provider, counted, timed and traced, whatever becomes of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from integrations.errors import (
    Conflict,
    CredentialsRefused,
    Declined,
    NotFound,
    Provider,
    ProviderError,
    Rejected,
    StoredFailure,
    Unavailable,
)
from telemetry.metrics import provider_call_seconds
from telemetry.tracing import span

OUTCOMES: dict[type[ProviderError], str] = {
    CredentialsRefused: "credentials_refused",
    StoredFailure: "stored_failure",
    Unavailable: "unavailable",
    NotFound: "not_found",
    Conflict: "conflict",
    Declined: "declined",
    Rejected: "rejected",
}
OK, CUT_OFF = "ok", "cut_off"


@contextmanager
def observed(provider: Provider, action: str) -> Iterator[None]:
    began, outcome = perf_counter(), CUT_OFF  # cancelled, or a fault of ours
    try:
        with span(f"{provider} {action}"):
            yield
        outcome = OK
    except ProviderError as problem:
        outcome = OUTCOMES[type(problem)]
        raise
    finally:
        provider_call_seconds.labels(provider, action, outcome).observe(perf_counter() - began)
