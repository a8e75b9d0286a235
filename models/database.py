"""Connecting to the database. Transactions are Tortoise's own `in_transaction()`; `models.backends` makes them safe."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from tortoise.backends.base.client import TransactionalDBClient
from tortoise.connection import get_connection
from tortoise.context import TortoiseContext, get_current_context

from models.backends.sqlite import PRAGMAS
from models.errors import DatabaseUnavailable, InvalidDatabaseUrl

__all__ = [
    "DatabaseUnavailable",
    "InvalidDatabaseUrl",
    "connect",
    "connection_config",
    "database",
    "disconnect",
    "inside_transaction",
    "tortoise_config",
]

# One name per dialect: Tortoise caches SQL per connection name for the life of the process, and the two differ.
SQLITE = "sqlite"
POSTGRESQL = "postgresql"

POSTGRESQL_SESSION = {
    "application_name": "billing-service",
    "synchronous_commit": "on",  # an acknowledged change survives a power cut
    "statement_timeout": "30s",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "60s",
    "timezone": "UTC",
    "jit": "off",  # costs more than it saves on short statements
}
POSTGRESQL_CLIENT = {
    "minsize": 1,
    "maxsize": 10,
    "timeout": 10.0,  # seconds to connect
    "command_timeout": 60.0,  # seconds; the server's own statement_timeout is shorter, so this means a dead network
}
# What a URL may say after the question mark, and the name asyncpg has for it.
POSTGRESQL_OPTIONS = {"host": "host", "sslmode": "ssl", "minsize": "minsize", "maxsize": "maxsize"}


async def connect(url: str) -> None:
    """Open the process's one database. Every task sees it, also those started outside the caller's context."""
    context = TortoiseContext()
    with context:  # entered only for its own initialisation: afterwards it is the fallback of every context
        await context.init(config=tortoise_config(url), _enable_global_fallback=True)
    try:
        await context.db().create_connection(with_db=True)
    except BaseException:
        await context.close_connections()
        raise


async def disconnect() -> None:
    if context := get_current_context():
        await context.close_connections()


@asynccontextmanager
async def database(url: str) -> AsyncIterator[None]:
    await connect(url)
    try:
        yield
    finally:
        await disconnect()


def inside_transaction() -> bool:
    """Whether the current task holds a transaction open, so must not call anything slow."""
    context = get_current_context()
    return context is not None and isinstance(get_connection(context.default_connection or ""), TransactionalDBClient)


def tortoise_config(url: str) -> dict[str, Any]:
    name, connection = connection_config(url)
    return {
        "connections": {name: connection},
        "apps": {"models": {"models": ["models"], "migrations": "models.migrations", "default_connection": name}},
        "use_tz": True,
        "timezone": "UTC",
    }


def connection_config(url: str) -> tuple[str, dict[str, Any]]:
    """Tortoise's connection name and settings for `sqlite://path`, `sqlite:///absolute/path`, `postgresql://...`."""
    try:
        parts = urlsplit(url)
        if parts.scheme == "sqlite":
            return SQLITE, _sqlite_connection(parts)
        if parts.scheme in ("postgres", "postgresql"):
            return POSTGRESQL, _postgresql_connection(parts)
    except InvalidDatabaseUrl:
        raise
    except ValueError as error:
        raise InvalidDatabaseUrl("DATABASE_URL is not a URL: its host or port cannot be read.") from error
    raise InvalidDatabaseUrl(f"DATABASE_URL must start with sqlite:// or postgresql://, not {parts.scheme!r}.")


def _sqlite_connection(parts: SplitResult) -> dict[str, Any]:
    path = unquote(parts.netloc + parts.path)
    if parts.query or parts.fragment:
        raise InvalidDatabaseUrl("DATABASE_URL for SQLite takes no options: its settings are not optional.")
    if not path or path == ":memory:" or path.endswith("/"):
        raise InvalidDatabaseUrl("DATABASE_URL for SQLite must name a file, for example sqlite://data/billing.db.")
    settings = {name: asked for name, (asked, _) in PRAGMAS.items()}
    return {"engine": "models.backends.sqlite", "credentials": {"file_path": path, **settings}}


def _postgresql_connection(parts: SplitResult) -> dict[str, Any]:
    if not (name := unquote(parts.path.removeprefix("/"))):
        raise InvalidDatabaseUrl("DATABASE_URL for PostgreSQL must name a database: postgresql://user@host/database.")
    credentials = {
        "host": parts.hostname,
        "port": parts.port or 5432,
        "user": unquote(parts.username) if parts.username else None,
        "password": unquote(parts.password) if parts.password else None,
        "database": name,
        "server_settings": POSTGRESQL_SESSION,
        **POSTGRESQL_CLIENT,
        **_postgresql_options(parts.query),
    }
    return {"engine": "models.backends.asyncpg", "credentials": credentials}


def _postgresql_options(query: str) -> dict[str, str]:
    options = dict(parse_qsl(query))
    if unknown := sorted(options.keys() - POSTGRESQL_OPTIONS.keys()):
        known = ", ".join(POSTGRESQL_OPTIONS)
        raise InvalidDatabaseUrl(f"DATABASE_URL has the unknown option {unknown[0]!r}; known are {known}.")
    return {POSTGRESQL_OPTIONS[name]: value for name, value in options.items()}
