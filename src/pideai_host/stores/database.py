"""SQL for plugins: on the runtime role what `context.db` is, on the owner's what their commands get."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import DictRow, TupleRow, dict_row

from pideai_host.db.pool import Pool
from pideai_host.db.sql import query

STATEMENT_LIMIT_S: Final = 10


class _Statements(ABC):
    """The three ways to run a statement, wherever it runs."""

    async def fetch(self, sql: str, params: Mapping[str, Any] | None = None) -> Sequence[Mapping[str, Any]]:
        """Run one statement and return its rows; none for a statement that returns nothing."""
        async with self._run(sql, params) as cursor:
            return [] if cursor.description is None else await cursor.fetchall()

    async def fetch_one(self, sql: str, params: Mapping[str, Any] | None = None) -> Mapping[str, Any] | None:
        """Run one statement and return its first row, or None."""
        async with self._run(sql, params) as cursor:
            return None if cursor.description is None else await cursor.fetchone()

    async def execute(self, sql: str, params: Mapping[str, Any] | None = None) -> int:
        """Run one statement and return how many rows it touched."""
        async with self._run(sql, params) as cursor:
            return max(cursor.rowcount, 0)

    @abstractmethod
    def _run(self, sql: str, params: Mapping[str, Any] | None) -> AbstractAsyncContextManager[AsyncCursor[DictRow]]:
        """Run one statement and give its answer."""


class PluginDatabase(_Statements):
    """Each call a transaction of its own, ended by the server after `limit_s`; see `pideai_host.api.Database`.

    What psycopg raises comes through as it is. The caller binds the store into the statement: the runtime role sees
    all stores.

    Args:
        pool: Whose connections.
        limit_s: Seconds for one statement; 0 for no limit.
    """

    def __init__(self, pool: Pool, *, limit_s: float = STATEMENT_LIMIT_S) -> None:
        self._pool = pool
        self._limit = query(f"set local statement_timeout = {round(limit_s * 1_000)}")

    @asynccontextmanager
    async def _run(self, sql: str, params: Mapping[str, Any] | None) -> AsyncIterator[AsyncCursor[DictRow]]:
        async with (
            self._pool.connection() as connection,
            connection.transaction(),
            connection.cursor(row_factory=dict_row) as cursor,
        ):
            await connection.execute(self._limit)
            yield await cursor.execute(query(sql), params)


class OwnerDatabase(PluginDatabase):
    """The same as the owner of the database, without a limit of time; see `pideai_host.api.AdminDatabase`."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool, limit_s=0)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["OpenTransaction"]:
        """Give a database whose calls are one transaction."""
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(self._limit)
            yield OpenTransaction(connection)


class OpenTransaction(_Statements):
    """A transaction that is under way on a connection."""

    def __init__(self, connection: AsyncConnection[TupleRow]) -> None:
        self._connection = connection

    @asynccontextmanager
    async def _run(self, sql: str, params: Mapping[str, Any] | None) -> AsyncIterator[AsyncCursor[DictRow]]:
        async with self._connection.cursor(row_factory=dict_row) as cursor:
            yield await cursor.execute(query(sql), params)
