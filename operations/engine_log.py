"""What DBOS has to say, as events of our log. It would print lines of its own, in a format of its own."""

import logging

import structlog

log = structlog.get_logger()

# Said of every workflow that a stop cuts off; the stop itself tells how many these are.
_EXPECTED = "Asyncio task cancelled for workflow or step"


class _Forward(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        log.log(record.levelno, "engine.dbos", said=record.getMessage(), exc_info=record.exc_info)


def take_over_dbos_log() -> None:
    """DBOS adds a handler only to a logger that has none."""
    forward = _Forward()
    forward.addFilter(lambda record: not record.getMessage().startswith(_EXPECTED))
    dbos = logging.getLogger("dbos")
    dbos.handlers, dbos.propagate = [forward], False
