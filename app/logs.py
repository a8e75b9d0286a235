"""Structured logs: an event and its facts, one line each, on standard error.

structlog, because the ids of the request, the operation, the customer and the event at hand are bound once and stand on
every line that follows, in whichever task; and because it formats what the libraries log by the same rules.
"""

import logging
import sys
from io import TextIOBase
from typing import TextIO, cast

import structlog
from structlog.types import EventDict, Processor

from app.redaction import Redaction, secrets_of
from app.settings import Settings
from telemetry.tracing import trace_id

# At INFO, httpx and stripe write addresses and answers that hold secrets and personal data.
_QUIET = ("httpx", "httpcore", "stripe", "asyncio", "tortoise", "dbos", "uvicorn.access", "opentelemetry")


def configure_logs(settings: Settings) -> None:
    """As LOG_FORMAT says: JSON, text for people, or whichever suits where standard error goes."""
    as_text = settings.log_format == "text" or (settings.log_format == "auto" and sys.stderr.isatty())
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    facts: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        _add_trace,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    rendering: list[Processor] = [
        structlog.processors.format_exc_info,
        Redaction(secrets_of(settings)),
        _text() if as_text else structlog.processors.JSONRenderer(ensure_ascii=False),
    ]
    structlog.configure(
        processors=[*facts, *rendering],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(_STANDARD_ERROR),
    )
    _configure_library_logs(level, facts, rendering)


def _add_trace(_logger: object, _method: str, event: EventDict) -> EventDict:
    if found := trace_id():
        event["trace"] = found
    return event


class _StandardError(TextIOBase):
    """Whatever it is by then: a program that runs our commands may have put another one in its place."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


_STANDARD_ERROR = cast("TextIO", _StandardError())


def _text() -> Processor:
    # The default way to show an exception prints locals, and with them secrets.
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)


def _configure_library_logs(level: int, facts: list[Processor], rendering: list[Processor]) -> None:
    handler = logging.StreamHandler(_STANDARD_ERROR)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*facts, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    logging.basicConfig(level=max(level, logging.INFO), handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
