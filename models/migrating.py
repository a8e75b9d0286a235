"""Applying the migrations in `models/migrations`, and telling whether there is one to write.

`tortoise makemigrations` writes them; they are applied here, never by the `tortoise` command: all that is missing in
one transaction, one process at a time, with the schema editors of `models.backends`.
"""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from tortoise.backends.base.client import BaseDBAsyncClient, TransactionalDBClient
from tortoise.context import TortoiseContext
from tortoise.migrations.autodetector import MigrationAutodetector
from tortoise.migrations.executor import MigrationExecutor, MigrationTarget
from tortoise.migrations.recorder import MigrationRecorder
from tortoise.migrations.schema_editor import BaseSchemaEditor
from tortoise.transactions import in_transaction

from models.backends.schema_editors import AsyncpgSchemaEditor, SqliteSchemaEditor
from models.backends.sqlite import SqliteClient
from models.database import tortoise_config
from models.errors import DatabaseUnavailable
from models.process import WorkerHeartbeat

APP = "models"
WRITTEN = frozenset(path.stem for path in (Path(__file__).parent / "migrations").glob("[0-9]*.py"))
"""As they were when this process started."""

# What the `tortoise` command reads: enough to compare models and migrations, no database to change.
TORTOISE_ORM: dict[str, Any] = {
    "connections": {"drafting": {"engine": "models.backends.drafting", "credentials": {"file_path": ":memory:"}}},
    "apps": {APP: {"models": ["models"], "migrations": "models.migrations", "default_connection": "drafting"}},
}


async def migrate(url: str, *, to: str = "__latest__") -> list[str]:
    """Bring the database to migration `to`, forwards or backwards: wholly or not at all. Returns the steps taken."""
    async with _connected(url) as client, _exclusive(client) as transaction:
        executor = _Executor(transaction, _apps(client))
        await MigrationRecorder(transaction).ensure_schema(executor._schema_editor(atomic=False))
        targets = [MigrationTarget(app_label=APP, name=to)]
        names = [step.migration.name for step in await executor.plan(targets)]
        await executor.migrate(targets)
        return names


async def pending_migrations(url: str) -> list[str]:
    async with _connected(url) as client:
        plan = await _Executor(client, _apps(client)).plan([MigrationTarget(app_label=APP, name="__latest__")])
        return [step.migration.name for step in plan]


async def unapplied_migrations() -> list[str]:
    """Those of this code that the database the service is connected to lacks. One statement, unlike the above."""
    rows = await WorkerHeartbeat._meta.db.execute_query_dict(
        f"SELECT name FROM {MigrationRecorder(None).table_name} WHERE app = '{APP}'"  # noqa: S608  two constants
    )
    return sorted(WRITTEN - {row["name"] for row in rows})


async def unwritten_migrations() -> list[str]:
    """What `tortoise makemigrations` would write: nothing when the migrations say what the models say."""
    async with TortoiseContext() as context:
        await context.init(config=TORTOISE_ORM)
        assert context.apps is not None
        writers = await MigrationAutodetector(context.apps, TORTOISE_ORM["apps"]).changes()
        return [operation.describe() for writer in writers for operation in writer.operations]


class _Executor(MigrationExecutor):
    def _schema_editor(self, atomic: bool = True, collect_sql: bool = False) -> BaseSchemaEditor:
        sqlite = self.connection.capabilities.dialect == "sqlite"
        editor = SqliteSchemaEditor if sqlite else AsyncpgSchemaEditor
        return editor(self.connection, atomic=atomic, collect_sql=collect_sql)


def _apps(client: BaseDBAsyncClient) -> dict[str, dict[str, Any]]:
    return {APP: {**TORTOISE_ORM["apps"][APP], "default_connection": client.connection_name}}


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[BaseDBAsyncClient]:
    """A connection of its own, beside the service's."""
    config = tortoise_config(url)
    for connection in config["connections"].values():
        connection["credentials"].pop("command_timeout", None)  # an index on a large table takes its time
    async with TortoiseContext() as context:
        await context.init(config=config)
        client = context.db()
        await client.create_connection(with_db=True)
        yield client


def _exclusive(client: BaseDBAsyncClient) -> AbstractAsyncContextManager[TransactionalDBClient]:
    return _exclusive_sqlite(client) if isinstance(client, SqliteClient) else _exclusive_postgresql(client)


@asynccontextmanager
async def _exclusive_sqlite(client: SqliteClient) -> AsyncIterator[TransactionalDBClient]:
    async with _locked(Path(client.filename).parent):
        # Rebuilding a table drops the old one; with foreign keys on, that deletes the rows that refer to it.
        await client.execute_script("PRAGMA foreign_keys = OFF")
        async with in_transaction(client.connection_name) as transaction:
            yield transaction
            if broken := await transaction.execute_query_dict("PRAGMA foreign_key_check"):
                raise DatabaseUnavailable(f"The migration would break foreign keys of {broken[0]['table']}.")


@asynccontextmanager
async def _exclusive_postgresql(client: BaseDBAsyncClient) -> AsyncIterator[TransactionalDBClient]:
    async with in_transaction(client.connection_name) as transaction:
        await transaction.execute_script("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0")
        await transaction.execute_query(
            "SELECT pg_advisory_xact_lock(hashtextextended('billing-service migrations', 0))"
        )
        await transaction.execute_script("SET LOCAL lock_timeout = '10s'")
        yield transaction


@asynccontextmanager
async def _locked(folder: Path) -> AsyncIterator[None]:
    """One process at a time. Not on the database file: closing it would drop SQLite's own locks in this process."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        while not _try_lock(descriptor):  # noqa: ASYNC110 - another process holds it: no event to wait for
            await asyncio.sleep(0.05)
        yield
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
