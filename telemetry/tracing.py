"""Spans, for whoever listens: nobody, until `listen` is called. Then see `app.tracing`.

What is traced says `with span("stripe create_refund"): ...`. Where the work goes on elsewhere, or later, `here()` is
stored with it and given as `parent` there: a W3C `traceparent`.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

Attribute = str | int


class Tracer(Protocol):
    def span(
        self, name: str, *, parent: str | None, attributes: dict[str, Attribute]
    ) -> AbstractContextManager[None]: ...

    def here(self) -> str | None: ...


_tracer: Tracer | None = None
_NOTHING = nullcontext()


def listen(tracer: Tracer | None) -> None:
    """From now on, in this process."""
    global _tracer
    _tracer = tracer


def span(name: str, *, parent: str | None = None, **attributes: Attribute) -> AbstractContextManager[None]:
    """Below `parent` where it is given, else below the span this happens in. An exception marks it as failed."""
    if _tracer is None:
        return _NOTHING
    return _tracer.span(name, parent=parent, attributes=attributes)


def trace_id() -> str | None:
    """Of the span this happens in: what log lines and traces have in common."""
    parent = here()
    return parent.split("-")[1] if parent else None


def here() -> str | None:
    """The span this happens in, as a `traceparent`; None while nobody listens."""
    return _tracer.here() if _tracer else None
