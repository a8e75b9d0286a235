"""The SQL statements that the database client sends, as it logs them."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog


class Statements(logging.Handler):
    """All of them, or those sent in the context of one request: the worker's own are not counted then."""

    def __init__(self, request_id: str = "") -> None:
        super().__init__(logging.DEBUG)
        self.request_id = request_id
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if self.request_id in ("", structlog.contextvars.get_contextvars().get("request_id")):
            self.found.append(record.getMessage())


@contextmanager
def collected(request_id: str = "") -> Iterator[Statements]:
    logger, statements = logging.getLogger("tortoise.db_client"), Statements(request_id)
    level = logger.level
    logger.addHandler(statements)
    logger.setLevel(logging.DEBUG)
    try:
        yield statements
    finally:
        logger.setLevel(level)
        logger.removeHandler(statements)
