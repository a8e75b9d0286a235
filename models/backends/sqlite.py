"""SQLite: one connection behind one lock."""

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiosqlite
from tortoise.backends.base.client import ConnectionWrapper, NestedTransactionContext, TransactionContext
from tortoise.backends.sqlite.client import SqliteClient as TortoiseSqliteClient
from tortoise.backends.sqlite.client import SqliteTransactionContext, SqliteTransactionWrapper
from tortoise.connection import get_connections
from tortoise.exceptions import TransactionManagementError

from models.backends.cancellation import to_the_end
from models.committing import AfterCommit
from models.errors import DatabaseUnavailable

# What is asked of SQLite, and what it must answer when asked back.
PRAGMAS: dict[str, tuple[str, str | int]] = {
    "busy_timeout": ("15000", 15000),  # first: the switch to WAL may have to wait for another process
    "journal_mode": ("WAL", "wal"),
    "synchronous": ("FULL", 2),  # an acknowledged change survives a power cut
    "foreign_keys": ("ON", 1),
    "trusted_schema": ("OFF", 0),  # a doctored file cannot run functions from its schema
    "cell_size_check": ("ON", 1),  # a damaged page is an error, not an answer
}


class SqliteClient(TortoiseSqliteClient):
    async def create_connection(self, with_db: bool) -> None:
        path = Path(self.filename)
        create_private_file(path)
        try:
            await super().create_connection(with_db)
            await self._refuse_other_settings()
        except sqlite3.Error as error:
            await self.close()
            raise DatabaseUnavailable(f"SQLite cannot use {path}: {error}.") from error
        except BaseException:
            await self.close()
            raise

    async def _refuse_other_settings(self) -> None:
        assert self._connection is not None
        for name, (asked, expected) in PRAGMAS.items():
            rows = list(await self._connection.execute_fetchall(f"PRAGMA {name}"))
            if rows[0][0] != expected:
                raise DatabaseUnavailable(
                    f"SQLite did not accept {name}={asked} for {self.filename}: it stays {rows[0][0]}."
                )

    def acquire_connection(self) -> ConnectionWrapper[aiosqlite.Connection]:
        return CleanConnection(self._lock, self)

    def _in_transaction(self) -> TransactionContext:
        return SqliteTransaction(SqliteTransactionClient(self), self._lock)

    async def execute_many(self, query: str, values: list[list[Any]]) -> None:
        """In a transaction of ours: Tortoise's own leaves it open when the caller is cancelled."""
        async with SqliteTransaction(SqliteTransactionClient(self), self._lock) as transaction:
            await transaction.execute_many(query, values)


class CleanConnection(ConnectionWrapper[aiosqlite.Connection]):
    """The connection for a statement of its own: never inside a transaction somebody left open.

    There the statement would be acknowledged and then lost with the next rollback.
    """

    async def __aenter__(self) -> aiosqlite.Connection:
        await self._lock.acquire()
        try:
            await self.ensure_connection()
            await roll_back_open(self.connection)
        except BaseException:
            self._lock.release()
            raise
        return self.connection


class SqliteTransactionClient(SqliteTransactionWrapper):
    def acquire_connection(self) -> ConnectionWrapper[aiosqlite.Connection]:
        if self._finalized:
            # The lock is somebody else's by now; the statement would land in their transaction.
            raise TransactionManagementError("This transaction has ended: its connection cannot be used any more")
        return super().acquire_connection()

    def _in_transaction(self) -> TransactionContext:
        return NestedTransactionContext(SqliteTransactionClient(self))

    async def begin(self) -> None:
        """IMMEDIATE: a writer waits for its turn here, under the busy timeout.

        A deferred transaction that read and then wants to write fails at once when another process wrote meanwhile.
        What a predecessor left open is rolled back; Tortoise would commit it.
        """
        await roll_back_open(self._connection)
        try:
            await self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            raise TransactionManagementError(error) from error

    async def end(self, *, keep: bool) -> None:
        try:
            if not self._finalized:
                await (self.commit() if keep else self.rollback())
        finally:
            self._finalized = True
            await roll_back_open(self._connection)

    async def execute_script(self, query: str) -> None:
        """Statement by statement: sqlite3's `executescript` commits the transaction before it starts."""
        for statement in split_statements(query):
            await self.execute_query(statement)


class SqliteTransaction(SqliteTransactionContext):
    connection: SqliteTransactionClient

    async def __aenter__(self) -> SqliteTransactionClient:
        await self._trxlock.acquire()
        try:
            await self.ensure_connection()
            await to_the_end(self.connection.begin())
        except BaseException:
            await self._release()
            raise
        self.token = get_connections().set(self.connection_name, self.connection)
        self._after_commit = AfterCommit()
        return self.connection

    async def __aexit__(self, exc_type: type[BaseException] | None, exc_val: object, exc_tb: object) -> None:
        keep = committed = False
        try:
            if exc_type is None:
                await self._after_commit.write_last()
                keep = True
        finally:
            try:
                await to_the_end(self.connection.end(keep=keep))
                committed = keep
            finally:
                self._left(committed=committed)

    def _left(self, *, committed: bool) -> None:
        get_connections().reset(self.token)
        self._trxlock.release()
        self._after_commit.end(committed=committed)

    async def _release(self) -> None:
        try:
            if self.connection._connection is not None:
                await to_the_end(self.connection.end(keep=False))
        finally:
            self._trxlock.release()


async def roll_back_open(connection: aiosqlite.Connection) -> None:
    if connection.in_transaction:
        await connection.rollback()


def create_private_file(path: Path) -> None:
    """Readable by its owner alone whatever the umask; SQLite gives `-wal` and `-shm` the mode of the database."""
    try:
        _create_private_folder(path.parent)
        if not path.exists():
            _create_empty(path)
    except OSError as error:
        raise DatabaseUnavailable(
            f"Cannot write to the data folder {path.parent.absolute()}: {error.strerror}. "
            "Set DATA_DIR to a folder this process may write to."
        ) from error


def _create_private_folder(path: Path) -> None:
    with suppress(FileExistsError):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir()
        path.chmod(0o700)


def _create_empty(path: Path) -> None:
    with suppress(FileExistsError):  # another process was faster
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        os.fchmod(descriptor, 0o600)
        os.close(descriptor)


def split_statements(script: str) -> Iterator[str]:
    statement = ""
    for piece in re.split(r"(?<=;)", script):
        statement += piece
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        yield statement


client_class = SqliteClient
