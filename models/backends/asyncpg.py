"""PostgreSQL through asyncpg: a pool of connections."""

from contextlib import suppress
from typing import Any

import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper
from tortoise.backends.base.client import (
    ConnectionWrapper,
    NestedTransactionContext,
    TransactionContext,
    TransactionContextPooled,
)
from tortoise.connection import get_connections
from tortoise.exceptions import DBConnectionError, TransactionManagementError

from models.backends.cancellation import to_the_end
from models.committing import AfterCommit
from models.errors import DatabaseUnavailable

CONNECT_FAILURES = (OSError, TimeoutError, DBConnectionError, asyncpg.PostgresError, asyncpg.InterfaceError)


class AsyncpgClient(AsyncpgDBClient):
    async def create_connection(self, with_db: bool) -> None:
        try:
            await super().create_connection(with_db)
        except CONNECT_FAILURES as error:
            reason = str(error) or type(error).__name__
            raise DatabaseUnavailable(
                f"Cannot connect to PostgreSQL database {self.database} at {self.host}:{self.port}: {reason}. "
                "Check DATABASE_URL."
            ) from error

    def _in_transaction(self) -> TransactionContext:
        return PooledTransaction(AsyncpgTransactionClient(self), self._pool_init_lock)

    async def execute_many(self, query: str, values: list[Any]) -> None:
        """In a transaction of ours: Tortoise's own is not rolled back when the caller is cancelled."""
        async with PooledTransaction(AsyncpgTransactionClient(self), self._pool_init_lock) as transaction:
            await transaction.execute_many(query, values)


class AsyncpgTransactionClient(TransactionWrapper):
    _pool: Any

    def acquire_connection(self) -> ConnectionWrapper[asyncpg.Connection]:
        if self._finalized:
            raise TransactionManagementError("This transaction has ended: its connection cannot be used any more")
        return super().acquire_connection()

    def _in_transaction(self) -> TransactionContext:
        return NestedTransactionContext(AsyncpgTransactionClient(self))

    async def end(self, *, keep: bool) -> None:
        """Whatever happens, the connection goes back: the pool resets or replaces it."""
        try:
            if not self._finalized and keep:
                await self.commit()
            elif not self._finalized:
                # A connection that cannot roll back is lost, and its transaction with it: the reason for
                # rolling back tells more than this failure.
                with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError):
                    await self.rollback()
        finally:
            self._finalized = True
            if self._parent._pool:
                await self._parent._pool.release(self._connection)


class PooledTransaction(TransactionContextPooled):
    client: AsyncpgTransactionClient

    async def __aenter__(self) -> AsyncpgTransactionClient:
        await self.ensure_connection()
        assert self.client._parent._pool is not None
        self.client._connection = await self.client._parent._pool.acquire()
        try:
            await to_the_end(self.client.begin())
        except BaseException:
            await to_the_end(self.client.end(keep=False))
            raise
        self.token = get_connections().set(self.connection_name, self.client)
        self._after_commit = AfterCommit()
        return self.client

    async def __aexit__(self, exc_type: type[BaseException] | None, exc_val: object, exc_tb: object) -> None:
        keep = committed = False
        try:
            if exc_type is None:
                await self._after_commit.write_last()
                keep = True
        finally:
            try:
                await to_the_end(self.client.end(keep=keep))
                committed = keep
            finally:
                self._left(committed=committed)

    def _left(self, *, committed: bool) -> None:
        get_connections().reset(self.token)
        self._after_commit.end(committed=committed)


client_class = AsyncpgClient
